// Several databases searched as one answer like one database that holds all of their rows.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

const DIMENSIONS = 16;
const ROWS = 300;

onEveryEngine('federate()', ({ VectorDb, federate }) => {
  async function filled(shards) {
    const vectors = vectorsOf(ROWS, DIMENSIONS, 11);
    const all = new VectorDb({ dimensions: DIMENSIONS });
    const dbs = Array.from({ length: shards }, () => new VectorDb({ dimensions: DIMENSIONS }));
    for (let row = 0; row < ROWS; row++) {
      const vector = vectors.subarray(row * DIMENSIONS, (row + 1) * DIMENSIONS);
      const entry = { id: `${row}`, vector, metadata: { shard: row % shards, year: 1900 + (row % 100) } };
      await Promise.all([all.insert(entry), dbs[row % shards].insert(entry)]);
    }
    return { all, dbs, query: vectorsOf(1, DIMENSIONS, 12) };
  }

  it('finds what one database would, with the number of the database', async () => {
    const { all, dbs, query } = await filled(3);
    const together = federate(dbs);
    for (const search of [
      { vector: query },
      { vector: query, k: 1 },
      { vector: query, k: 50, exact: true },
      { vector: query, k: 500 },
      { vector: query, threshold: 0.2, k: 100 },
      { vector: query, filter: { year: { $lt: 1950 } }, include: { vector: true } },
    ]) {
      const hits = await together.search(search);
      assert.ok(hits.every(({ id, database }) => Number(id) % 3 === database));
      assert.deepEqual(
        hits.map(({ database, ...hit }) => hit),
        await all.search(search),
      );
    }
    assert.equal(await together.len(), ROWS);
    assert.equal(await together.count({ year: 1901 }), await all.count({ year: 1901 }));
    const { database, ...row } = await together.get('7');
    assert.deepEqual([database, row], [1, await all.get('7')]);
    assert.equal(await together.get('nothing'), null);
  });

  it('asks only the databases whose rows may match', async () => {
    const { dbs, query } = await filled(2);
    const asked = [];
    const watched = dbs.map((db, shard) => ({
      db: {
        search: (search) => {
          asked.push(shard);
          return db.search(search);
        },
        count: (filter) => {
          asked.push(shard);
          return db.count(filter);
        },
        get: (id) => db.get(id),
        len: () => db.len(),
        getStats: () => db.getStats(),
      },
      mayMatch: (filter) => filter.shard === undefined || filter.shard === shard,
    }));
    const together = federate(watched);
    const hits = await together.search({ vector: query, filter: { shard: 1 } });
    assert.ok(hits.length === 10 && hits.every(({ metadata }) => metadata.shard === 1));
    assert.equal(await together.count({ shard: 0 }), ROWS / 2);
    await together.search({ vector: query });
    assert.deepEqual(asked, [1, 0, 0, 1]);
  });

  it('keeps the order of the databases where scores are equal', async () => {
    const dbs = [new VectorDb({ dimensions: 1 }), new VectorDb({ dimensions: 1 })];
    for (const db of dbs) await db.insert({ id: 'same', vector: [1] });
    const hits = await federate(dbs).search({ vector: [2] });
    assert.deepEqual(
      hits.map(({ id, database }) => [id, database]),
      [
        ['same', 0],
        ['same', 1],
      ],
    );
  });

  it('refuses what cannot be compared', async () => {
    const one = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    await rejects(() => federate([]), 'InvalidArgument', { argument: 'databases' });
    const together = federate([one]);
    for (const name of ['text', 'fusion', 'diversify', 'groupBy']) {
      await rejects(together.search({ vector: [1], [name]: {} }), 'InvalidArgument', { argument: name });
    }
    await rejects(together.search({ vector: [1], k: 0 }), 'InvalidArgument', { argument: 'k' });
    const unlike = federate([one, new VectorDb({ dimensions: 1 })]);
    await rejects(unlike.search({ vector: [1] }), 'Mismatch', { option: 'distanceMetric' });
  });
});

function vectorsOf(rows, dimensions, seed) {
  return new Random(seed).vector(rows * dimensions);
}
