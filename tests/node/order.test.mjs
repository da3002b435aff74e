// Calls take effect in the order in which they are made, whether awaited or not.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

onEveryEngine('calls without waiting', ({ VectorDb }) => {
  it('see every write made before them and none made after', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    const answers = await Promise.all([
      db.len(),
      db.insert({ id: 'a', vector: [1] }),
      db.len(),
      db.search({ vector: [1] }),
      db.insert({ id: 'b', vector: [2] }),
      db.get('b'),
      db.delete('a'),
      db.get('a'),
      db.search({ vector: [1] }),
      db.insert({ id: 'a', vector: [3] }),
      db.len(),
      db.toBytes(),
      db.delete('b'),
      db.delete('b'),
      db.len(),
    ]);
    const bytes = answers.splice(11, 1)[0];
    const ids = (hits) => hits.map((hit) => hit.id);
    assert.deepEqual(
      answers.map((answer) => (Array.isArray(answer) ? ids(answer) : (answer?.id ?? answer))),
      [0, 'a', 1, ['a'], 'b', 'b', true, null, ['b'], 'a', 2, true, false, 1],
    );
    const copy = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    await copy.load(bytes);
    assert.equal(await copy.len(), 2);
  });

  it('go on after one of them has failed', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    const results = await Promise.allSettled([
      db.insert({ id: 'a', vector: [1] }),
      db.insert({ id: 'b', vector: Float32Array.of(Number.NaN) }),
      db.load(new Uint8Array(10)),
      db.insert({ id: 'c', vector: [1] }),
      db.len(),
    ]);
    assert.deepEqual(
      results.map((result) => result.value ?? result.reason.code),
      ['a', 'NotFinite', 'Corrupt', 'c', 2],
    );
  });

  it('give the same as with waiting, for a random mixture', async () => {
    const script = [];
    const random = new Random(21);
    for (let i = 0; i < 400; i++) {
      const id = `${random.integer(0, 30)}`;
      const vector = random.integerVector(4);
      script.push(
        random.pick([
          (db) => db.insert({ id, vector, metadata: { i } }),
          (db) => db.delete(id),
          (db) => db.get(id),
          (db) => db.search({ vector, k: 3 }),
          (db) => db.len(),
        ]),
      );
    }
    const patient = new VectorDb({ dimensions: 4 });
    const expected = [];
    for (const step of script) expected.push(await step(patient));
    const hasty = new VectorDb({ dimensions: 4 });
    assert.deepEqual(await Promise.all(script.map((step) => step(hasty))), expected);
    assert.deepEqual(await hasty.toBytes(), await patient.toBytes());
  });
});

onEveryEngine('close', ({ VectorDb }) => {
  it('waits for the calls before it, refuses those after it, and may be repeated', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    const before = [db.insert({ id: 'a', vector: [1] }), db.search({ vector: [1] })];
    const closing = db.close();
    const after = [
      () => db.insert({ id: 'b', vector: [1] }),
      () => db.insertBatch([]),
      () => db.search({ vector: [1] }),
      () => db.get('a'),
      () => db.delete('a'),
      () => db.len(),
      () => db.toBytes(),
      () => db.save('/nowhere/at/all'),
      () => db.load(new Uint8Array()),
      () => db.getStats(),
    ];
    for (const call of after) await rejects(call, 'Closed');
    const [id, hits] = await Promise.all(before);
    assert.equal(id, 'a');
    assert.equal(hits.length, 1);
    await closing;
    for (const call of after) await rejects(call, 'Closed');
    await db.close();
    await db[Symbol.asyncDispose]();
  });

  it('happens at the end of a block with `await using` semantics', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    await db.len();
    await db[Symbol.asyncDispose]();
    await rejects(() => db.len(), 'Closed');
  });

  it('of a database that was never used loads nothing and writes nothing', async () => {
    const db = new VectorDb({ dimensions: 1, storagePath: '/nowhere/at/all.annw' });
    await db.close();
    await rejects(() => db.len(), 'Closed');
  });
});
