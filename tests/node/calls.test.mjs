// What a call costs above the search itself. `npm run bench -- calls` measures it; the bound here is loose, because test
// machines are busy, and still far below what a detour over another thread or one object per crossing would cost.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { measureCalls } from '../../benches/call-times.mjs';
import { onEveryEngine, rejects } from './engines.mjs';

const MOST_MICROSECONDS = 40;

onEveryEngine('a search that has nothing to wait for', ({ VectorDb }) => {
  it('costs some microseconds above the core', async () => {
    // With 10 rows the core's own time is next to nothing, whatever the other threads and V8's tiers do.
    const shape = { rows: 10, dimensions: 768, k: 10, rounds: 10, index: 'scan' };
    const { core, awaited } = await measureCalls(VectorDb, shape);
    assert.ok(awaited - core < MOST_MICROSECONDS, `${awaited} µs awaited, ${core} µs in the core`);
  });

  it('gives hits of its own: changing them changes nothing', async () => {
    const db = new VectorDb({ dimensions: 2 });
    await db.insert({ id: 'a', vector: [1, 0], metadata: { tags: ['x'] } });
    const [first] = await db.search({ vector: [1, 0] });
    first.metadata.tags.push('y');
    first.score = 7;
    const [second] = await db.search({ vector: [0, 1] });
    assert.deepEqual(second, { id: 'a', score: 0, distance: 1, metadata: { tags: ['x'] } });
    assert.equal(first.score, 7);
  });

  it('gives as many hits as are asked for, few or many, in turns', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    const rows = 3_000;
    await db.insertBatch({
      ids: Array.from({ length: rows }, (_, row) => `${row}`),
      vectors: Float32Array.from({ length: rows }, (_, row) => row),
    });
    for (const k of [1, 10, 2, 1_000, 999, 1_001, 3_000, 5]) {
      const hits = await db.search({ vector: [1], k });
      assert.deepEqual(
        hits.map(({ id, score }) => [id, score]),
        Array.from({ length: k }, (_, rank) => [`${rows - 1 - rank}`, rows - 1 - rank]),
      );
    }
  });

  it('refuses a bad query and goes on', async () => {
    const db = new VectorDb({ dimensions: 2 });
    await db.insert({ id: 'a', vector: [1, 0] });
    await rejects(() => db.search({ vector: [1] }), 'WrongDimension', { expected: 2, received: 1 });
    await rejects(() => db.search({ vector: Float32Array.of(1, Number.NaN) }), 'NotFinite');
    await rejects(() => db.search({ vector: [0, 0] }), 'ZeroVector');
    assert.equal((await db.search({ vector: [1, 0] }))[0].id, 'a');
  });
});
