// Standing queries: what entered, left and moved after each change, and nothing else.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

const shown = ({ entered, left, moved, hits }) => ({
  entered: entered.map((hit) => hit.id),
  left,
  moved: moved.map((hit) => hit.id),
  hits: hits.map((hit) => hit.id),
});

onEveryEngine('a standing query', ({ VectorDb }) => {
  const open = () => new VectorDb({ dimensions: 1, distanceMetric: 'dot' });

  it('hears the hits at once and then what every change did to them', async () => {
    const db = open();
    const events = [];
    const heard = async () => {
      await db.len();
      await new Promise((resolve) => setImmediate(resolve));
      return events.splice(0).map(shown);
    };
    await db.insert({ id: 'b', vector: [2], metadata: { n: 1 } });
    const watch = db.watch({ vector: [1], k: 2, threshold: 1 }, (event) => events.push(event));
    assert.deepEqual(await heard(), [{ entered: ['b'], left: [], moved: [], hits: ['b'] }]);
    await db.insert({ id: 'a', vector: [3] });
    assert.deepEqual(await heard(), [{ entered: ['a'], left: [], moved: ['b'], hits: ['a', 'b'] }]);
    await db.insert({ id: 'far', vector: [0.5] });
    assert.deepEqual(await heard(), [], 'a row beyond the threshold is no news');
    await db.insert({ id: 'b', vector: [2], metadata: { n: 1 } });
    assert.deepEqual(await heard(), [], 'nor is a row replaced by itself');
    await db.insert({ id: 'b', vector: [2], metadata: { n: 2 } });
    assert.deepEqual(await heard(), [{ entered: [], left: [], moved: ['b'], hits: ['a', 'b'] }]);
    await db.insert({ id: 'c', vector: [9] });
    assert.deepEqual(await heard(), [{ entered: ['c'], left: ['b'], moved: ['a'], hits: ['c', 'a'] }]);
    await db.delete('c');
    assert.deepEqual(await heard(), [{ entered: ['b'], left: ['c'], moved: ['a'], hits: ['a', 'b'] }]);
    await db.load(await open().toBytes());
    assert.deepEqual(await heard(), [{ entered: [], left: ['a', 'b'], moved: [], hits: [] }]);
    watch.close();
    await db.insert({ id: 'a', vector: [3] });
    assert.deepEqual(await heard(), []);
  });

  it('hears once of a burst of writes', async () => {
    const db = open();
    const events = [];
    db.watch({ vector: [1], k: 100 }, (event) => events.push(event));
    await Promise.all(Array.from({ length: 50 }, (_, i) => db.insert({ id: `${i}`, vector: [i + 1] })));
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(events.length <= 10, `${events.length} events for 50 writes at once`);
    assert.equal(events.at(-1).hits.length, 50);
  });

  it('can be replayed: entered, left and moved lead from one list of hits to the next', async () => {
    const db = open();
    const random = new Random(5);
    let replayed = new Map();
    let last = [];
    db.watch({ vector: [1], k: 8 }, ({ entered, left, moved, hits }) => {
      for (const id of left) assert.ok(replayed.delete(id));
      for (const hit of entered) assert.ok(!replayed.has(hit.id));
      for (const hit of moved) assert.ok(replayed.has(hit.id));
      replayed = new Map([...replayed, ...[...entered, ...moved].map((hit) => [hit.id, hit.score])]);
      last = hits;
    });
    for (let step = 0; step < 200; step++) {
      const id = `${random.integer(0, 25)}`;
      await (random.integer(0, 3) === 0
        ? db.delete(id)
        : db.insert({ id, vector: [random.integer(1, 30)], metadata: { step } }));
      await new Promise((resolve) => setImmediate(resolve));
      const now = await db.search({ vector: [1], k: 8 });
      assert.deepEqual(last, now);
      assert.deepEqual(new Set(replayed), new Set(now.map((hit) => [hit.id, hit.score])));
    }
  });

  it('tells of errors, ends with its signal and with the database, and checks its arguments at once', async () => {
    const db = open();
    const errors = [];
    const controller = new AbortController();
    let calls = 0;
    const failing = () => {
      calls++;
      throw new Error('the listener is broken');
    };
    db.watch({ vector: [1], signal: controller.signal }, failing, (error) => errors.push(error.message));
    await db.insert({ id: 'a', vector: [1] });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([calls, errors.length], [2, 2]);
    assert.match(errors[0], /the listener is broken/);
    const later = db.watch(
      { vector: [1] },
      async () => failing(),
      (error) => errors.push(`later: ${error.message}`),
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(errors.splice(2), ['later: the listener is broken']);
    calls = 2;
    later.close();
    controller.abort();
    await db.insert({ id: 'b', vector: [1] });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(calls, 2);
    for (const [args, code] of [
      [[{ vector: [1] }], 'InvalidArgument'],
      [[{ vector: [1, 2] }, () => {}], 'WrongDimension'],
      [[{ vector: [1], kk: 1 }, () => {}], 'InvalidArgument'],
      [[{ vector: [1] }, () => {}, 7], 'InvalidArgument'],
    ]) {
      await rejects(() => db.watch(...args), code);
    }
    db.watch(
      { vector: [1] },
      () => {},
      (error) => errors.push(error),
    );
    await db.close();
    await rejects(() => db.watch({ vector: [1] }, () => {}), 'Closed');
    assert.equal(errors.length, 2);
  });
});
