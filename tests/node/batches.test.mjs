// Batches that arrive over time, go in step by step, report progress, are moved instead of copied, or are given up.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { contentOf, onEveryEngine, rejects } from './engines.mjs';

const entries = (from, to) =>
  Array.from({ length: to - from }, (_, at) => ({ id: `${from + at}`, vector: [from + at + 1] }));

async function* arriving(rows, between = () => {}) {
  for (const row of rows) {
    await between(row);
    yield row;
  }
}

onEveryEngine('a batch', ({ VectorDb }) => {
  const open = () => new VectorDb({ dimensions: 1, distanceMetric: 'dot' });

  it('in steps gives the ids and the content of one in a single step', async () => {
    const whole = open();
    const stepped = open();
    const rows = entries(0, 25);
    const progress = [];
    const ids = await whole.insertBatch(rows);
    const onProgress = (event) => progress.push(event);
    assert.deepEqual(await stepped.insertBatch(rows, { batchSize: 10, onProgress }), ids);
    assert.deepEqual(progress, [
      { rows: 10, total: 25 },
      { rows: 20, total: 25 },
      { rows: 25, total: 25 },
    ]);
    assert.deepEqual(
      await stepped.search({ vector: [1], k: 30 }),
      await whole.search({ vector: [1], k: 30 }),
    );
  });

  it('in steps is one call among the others: none comes between its steps', async () => {
    const db = open();
    const [, len, ids] = await Promise.all([
      db.insertBatch(entries(0, 30), { batchSize: 7 }),
      db.len(),
      db.insertBatch(new Set(entries(30, 33))),
    ]);
    assert.deepEqual([len, ids], [30, ['30', '31', '32']]);
  });

  it('may arrive over time, and other calls go on meanwhile', async () => {
    const db = open();
    const seen = [];
    const progress = [];
    const rows = arriving(entries(0, 10), async () => seen.push(await db.len()));
    const ids = await db.insertBatch(rows, {
      batchSize: 4,
      onProgress: (event) => progress.push(event.rows),
    });
    assert.equal(ids.length, 10);
    assert.deepEqual(seen, [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]);
    assert.deepEqual(progress, [4, 8, 10]);
    assert.deepEqual(await db.insertBatch(arriving([])), []);
  });

  it('that arrives over time without steps is all or nothing', async () => {
    const db = open();
    const rows = arriving([...entries(0, 5), { id: 'bad', vector: [Number.NaN] }]);
    await rejects(db.insertBatch(rows), 'NotFinite', { row: 5 });
    assert.equal(await db.len(), 0);
    await assert.rejects(
      db.insertBatch(
        arriving(entries(0, 5), (row) => {
          if (row.id === '3') throw new Error('the source is gone');
        }),
      ),
      /the source is gone/,
    );
    assert.equal(await db.len(), 0);
    assert.equal((await db.insertBatch(arriving(entries(0, 5)))).length, 5);
  });

  it('that fails in a later step says how many rows are stored and which row is at fault', async () => {
    for (const rows of [(all) => all, arriving]) {
      const db = open();
      const all = entries(0, 10);
      all[8].vector = Float32Array.of(Number.POSITIVE_INFINITY);
      const error = await rejects(db.insertBatch(rows(all), { batchSize: 3 }), 'NotFinite', {
        row: 8,
        inserted: 6,
      });
      assert.match(error.message, /after 6 rows that are stored/);
      assert.equal(await db.len(), 6);
    }
  });

  it('is given up before it starts, between steps, and while rows arrive', async () => {
    const db = open();
    const reason = new Error('enough');
    await rejects(db.insertBatch(entries(0, 3), { signal: AbortSignal.abort(reason) }), 'Aborted', {
      reason: 'enough',
    });
    assert.equal(await db.len(), 0);
    for (const rows of [(all) => all, arriving]) {
      const controller = new AbortController();
      const onProgress = ({ rows }) => rows === 4 && controller.abort(reason);
      const options = { batchSize: 2, signal: controller.signal, onProgress };
      const error = await rejects(db.insertBatch(rows(entries(0, 9)), options), 'Aborted');
      assert.equal(error.cause, reason);
      assert.equal(await db.len(), 4);
    }
    const timer = new AbortController();
    setTimeout(() => timer.abort(), 1);
    await rejects(db.insertBatch(entries(0, 50_000), { batchSize: 1, signal: timer.signal }), 'Aborted');
  });

  it('of columns may be moved instead of copied', async () => {
    const db = open();
    const vectors = Float32Array.of(1, 2, 3);
    await db.insertBatch({ ids: ['a', 'b', 'c'], vectors }, { transfer: true });
    assert.equal(vectors.length, 0);
    assert.deepEqual((await db.get('c')).vector, Float32Array.of(3));
    await rejects(db.insertBatch(entries(0, 2), { transfer: true }), 'InvalidArgument', {
      argument: 'transfer',
    });
  });

  it('refuses options that it does not know or cannot use, and changes nothing', async () => {
    const db = open();
    const before = await contentOf(db);
    for (const [options, argument] of [
      [7, 'options'],
      [{ batchsize: 3 }, 'batchsize'],
      [{ batchSize: 0 }, 'batchSize'],
      [{ batchSize: 1.5 }, 'batchSize'],
      [{ onProgress: true }, 'onProgress'],
      [{ signal: {} }, 'signal'],
      [{ transfer: 1 }, 'transfer'],
    ]) {
      await rejects(db.insertBatch(entries(0, 3), options), 'InvalidArgument', { argument });
    }
    assert.equal(await contentOf(db), before);
  });
});
