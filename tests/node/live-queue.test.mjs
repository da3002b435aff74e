// Writes in batches: bounded, in order, and never lost when the store fails.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LiveQueue } from 'annywhere/memory';
import { onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

/** A store that keeps what it is told, slowly, and fails when told to. */
function fakeStore({ failures = 0, ms = 1 } = {}) {
  const rows = new Map();
  const log = [];
  let busy = 0;
  const slowly = async (name, body) => {
    busy += 1;
    assert.equal(busy, 1, 'two writes at the same time');
    await new Promise((resolve) => setTimeout(resolve, ms));
    busy -= 1;
    log.push(name);
    if (store.failures > 0) {
      store.failures -= 1;
      throw new Error('disk full');
    }
    body();
  };
  const store = {
    failures,
    rows,
    log,
    insertBatch: (entries) =>
      slowly([...entries].map(({ id }) => id).join(','), () => {
        for (const { id, vector } of entries) rows.set(id, vector[0]);
      }),
    delete: (id) => slowly(`-${id}`, () => rows.delete(id)),
  };
  return store;
}
const entry = (id, value) => ({ id, vector: [value, 1] });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a live queue', () => {
  it('writes after its delay, or at once when a batch is full', async () => {
    const store = fakeStore();
    const queue = new LiveQueue(store, { delayMs: 40, batchSize: 3 });
    await queue.put(entry('a', 1));
    assert.equal(store.log.length, 0);
    await sleep(80);
    assert.deepEqual(store.log, ['a']);
    for (const id of ['b', 'c', 'd']) await queue.put(entry(id, 1));
    await sleep(20);
    assert.deepEqual(store.log, ['a', 'b,c,d']);
    await queue.close();
  });

  it('a burst is written batch after batch, without a pause between them', async (t) => {
    const store = fakeStore();
    const queue = new LiveQueue(store, { delayMs: 9000, batchSize: 10 });
    t.after(() => queue.close());
    for (let i = 0; i < 205; i++) await queue.put(entry(`r${i}`, i));
    for (let tries = 0; queue.size >= 10 && tries < 200; tries++) await sleep(5);
    assert.equal(queue.size, 5, 'a rest waits for others');
    assert.equal(store.log.length, 20);
  });

  it('keeps the newest write of an id only, and a removal is one', async () => {
    const store = fakeStore();
    const queue = new LiveQueue(store, { delayMs: 1000 });
    for (let value = 1; value <= 50; value++) await queue.put(entry('a', value));
    await queue.put(entry('b', 1));
    await queue.delete('b');
    assert.equal(queue.size, 2);
    await queue.flush();
    assert.deepEqual(store.log, ['a', '-b']);
    assert.deepEqual([...store.rows], [['a', 50]]);
    await queue.close();
  });

  it('loses nothing when the store fails, and tries again by itself', async () => {
    const errors = [];
    const store = fakeStore({ failures: 3 });
    const queue = new LiveQueue(store, {
      delayMs: 1,
      retryMs: 2,
      onError: (error) => errors.push(error.message),
    });
    await queue.put(entry('a', 1));
    await queue.put(entry('b', 2));
    for (let tries = 0; queue.size > 0 && tries < 200; tries++) await sleep(5);
    assert.deepEqual(errors, ['disk full', 'disk full', 'disk full']);
    assert.deepEqual(
      [...store.rows],
      [
        ['a', 1],
        ['b', 2],
      ],
    );
    await queue.close();
  });

  it('flush and close reject after their tries, and the writes are still there', async () => {
    const store = fakeStore({ failures: 1000 });
    const queue = new LiveQueue(store, { retryMs: 1, maxRetryMs: 2, flushTries: 3, delayMs: 1000 });
    await queue.put(entry('a', 1));
    await rejects(queue.flush(), 'Io', { reason: 'disk full' });
    assert.equal(store.log.length, 3);
    await rejects(queue.close(), 'Io');
    assert.deepEqual(queue.pending(), ['a']);
    store.failures = 0;
    await queue.close();
    assert.deepEqual([...store.rows], [['a', 1]]);
    assert.equal(queue.size, 0);
  });

  it('a write that comes while an older one of its id is under way wins', async () => {
    for (const failures of [0, 1]) {
      const store = fakeStore({ failures, ms: 20 });
      const queue = new LiveQueue(store, { batchSize: 1, retryMs: 1 });
      await queue.put(entry('a', 1));
      await sleep(5);
      await queue.put(entry('a', 2));
      await queue.flush();
      for (let tries = 0; queue.size > 0 && tries < 100; tries++) await sleep(5);
      assert.equal(store.rows.get('a'), 2);
      await queue.close();
    }
  });

  it('never holds more than it may: writers wait, or are refused', async () => {
    const store = fakeStore({ ms: 2 });
    const queue = new LiveQueue(store, { maxBuffered: 5, batchSize: 2 });
    let most = 0;
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        await queue.put(entry(`r${i}`, i));
        most = Math.max(most, queue.size);
      }),
    );
    await queue.close();
    assert.ok(most <= 5, String(most));
    assert.equal(store.rows.size, 100);
    const strict = new LiveQueue(fakeStore({ ms: 50 }), { maxBuffered: 2, batchSize: 2, whenFull: 'refuse' });
    await strict.put(entry('a', 1));
    await strict.put(entry('b', 1));
    await rejects(strict.put(entry('c', 1)), 'NoSpace');
    await strict.put(entry('a', 2));
    await strict.close();
  });

  it('ends with what was last put in, whatever fails on the way', async () => {
    const random = new Random(11);
    const store = fakeStore({ ms: 0 });
    const queue = new LiveQueue(store, {
      batchSize: 4,
      maxBuffered: 9,
      retryMs: 0,
      delayMs: 1,
      flushTries: 50,
    });
    const expected = new Map();
    for (let step = 0; step < 400; step++) {
      const id = `r${random.integer(0, 15)}`;
      if (random.next() < 0.1) store.failures += 1;
      if (random.next() < 0.25) {
        expected.delete(id);
        await queue.delete(id);
      } else {
        expected.set(id, step);
        await queue.put(entry(id, step));
      }
      if (random.next() < 0.05) await queue.flush();
    }
    await queue.close();
    assert.deepEqual([...store.rows].sort(), [...expected].sort());
  });

  it('is closed once it is closed, and holds no timer', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const queue = new LiveQueue(fakeStore(), { delayMs: 9000 });
    await queue.put(entry('a', 1));
    assert.equal(timers(), before + 1);
    await queue[Symbol.asyncDispose]();
    assert.equal(timers(), before);
    assert.equal(queue.size, 0);
    await rejects(queue.put(entry('b', 1)), 'Closed');
    await rejects(async () => new LiveQueue(fakeStore(), { batchSize: 0 }), 'InvalidOption', {
      option: 'batchSize',
    });
    await rejects(async () => new LiveQueue({}), 'InvalidArgument', { argument: 'store' });
  });
});

onEveryEngine('a live queue of a database', ({ VectorDb }) => {
  it('writes entries and removals', async () => {
    const db = new VectorDb({ dimensions: 2 });
    const queue = new LiveQueue(db, { delayMs: 1 });
    for (let i = 0; i < 250; i++) await queue.put(entry(`r${i}`, i));
    for (let i = 0; i < 50; i++) await queue.delete(`r${i}`);
    await queue.close();
    assert.equal(await db.len(), 200);
    await db.close();
  });
});
