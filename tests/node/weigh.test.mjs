// Searches that weigh rows by importance and age, against the definition, and what is refused.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

const NOW = Date.parse('2026-01-01');
const DAY = 86_400_000;
const HALF_LIVES = { slow: 200 * DAY, fast: 5 * DAY, never: Number.POSITIVE_INFINITY };
const weigh = {
  power: 1.5,
  weight: 'importance',
  expires: 'expires',
  now: NOW,
  fade: { time: 'made', halfLife: 30 * DAY, by: 'kind', halfLives: HALF_LIVES },
};

/** What the documentation says. */
function score(similarity, { importance = 1, made, kind, expires }) {
  if (expires !== undefined && expires <= NOW) return undefined;
  const age = made === undefined ? 0 : Math.max(0, NOW - made);
  return Math.max(0, similarity) ** 1.5 * importance * 0.5 ** (age / (HALF_LIVES[kind] ?? 30 * DAY));
}

onEveryEngine('weighed searches', ({ VectorDb }) => {
  const filled = async (index) => {
    const random = new Random(9);
    const db = new VectorDb({ dimensions: 12, index });
    await db.insertBatch(
      Array.from({ length: 1500 }, (_, i) => ({
        id: `${i}`,
        vector: random.vector(12),
        metadata: {
          kind: random.pick(['slow', 'fast', 'never', 'other']),
          ...(random.next() < 0.9 && { importance: random.next() }),
          ...(random.next() < 0.9 && { made: NOW + 5 * DAY - random.next() * 90 * DAY }),
          ...(random.next() < 0.2 && { expires: NOW - 5 * DAY + random.next() * 10 * DAY }),
        },
      })),
    );
    return { db, random };
  };

  for (const index of ['scan', 'hnsw']) {
    it(`give the best rows of the definition and their scores (${index})`, async () => {
      const { db, random } = await filled(index);
      let found = 0;
      for (let round = 0; round < 10; round++) {
        const vector = random.vector(12);
        const all = await db.search({ vector, k: 1500, exact: true });
        const right = all
          .map((hit) => ({ id: hit.id, score: score(hit.score, hit.metadata), distance: hit.distance }))
          .filter((hit) => hit.score !== undefined)
          .sort((a, b) => b.score - a.score)
          .slice(0, 10);
        const exact = await db.search({ vector, k: 10, exact: true, weigh });
        assert.deepEqual(
          exact.map(({ id, distance }) => ({ id, distance })),
          right.map(({ id, distance }) => ({ id, distance })),
        );
        for (const [at, hit] of exact.entries()) assert.ok(Math.abs(hit.score - right[at].score) < 1e-5);
        const ids = new Set(right.map(({ id }) => id));
        const near = await db.search({
          vector,
          k: 10,
          weigh: { ...weigh, candidates: 500, now: new Date(NOW) },
        });
        assert.equal(near.length, 10);
        found += near.filter(({ id }) => ids.has(id)).length;
        const similar = await db.search({
          vector,
          k: 50,
          exact: true,
          weigh: { ...weigh, minSimilarity: 0.5 },
        });
        assert.ok(similar.every(({ distance }) => 1 - distance >= 0.5 - 1e-6));
        assert.equal(
          similar.length,
          Math.min(
            50,
            all.filter((hit) => hit.score >= 0.5 && score(hit.score, hit.metadata) !== undefined).length,
          ),
        );
      }
      assert.ok(found >= 95, `${found} of 100`);
      const many = await db.searchMany({ vectors: [random.vector(12), random.vector(12)], k: 3, weigh });
      assert.deepEqual(
        many.map((hits) => hits.length),
        [3, 3],
      );
      await db.close();
    });
  }

  it('refuse what they do not understand', async () => {
    const db = new VectorDb({ dimensions: 1, text: { fields: ['t'] } });
    for (const [wrong, argument] of [
      [7, 'weigh'],
      [{ wait: 'x' }, 'weigh.wait'],
      [{ power: 0 }, 'weigh.power'],
      [{ weight: 7 }, 'weigh.weight'],
      [{ expires: 'at' }, 'weigh.now'],
      [{ now: Number.NaN }, 'weigh.now'],
      [{ now: 1, fade: {} }, 'weigh.fade.time'],
      [{ now: 1, fade: { time: 'at', halfLife: -1 } }, 'weigh.fade.halfLife'],
      [{ now: 1, fade: { time: 'at', by: 'kind' } }, 'weigh.fade.halfLives'],
      [{ now: 1, fade: { time: 'at', by: 'kind', halfLives: { a: 0 } } }, 'weigh.fade.halfLives.a'],
      [{ candidates: 1.5 }, 'weigh.candidates'],
    ]) {
      await rejects(db.search({ vector: [1], weigh: wrong }), 'InvalidArgument', { argument });
    }
    await rejects(db.search({ vector: [1], text: 'x', weigh: {} }), 'InvalidArgument', { argument: 'weigh' });
    await rejects(db.search({ text: 'x', weigh: {} }), 'InvalidArgument', { argument: 'weigh' });
    await db.close();
  });
});
