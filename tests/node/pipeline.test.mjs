// Searches made of stages: k filled, thresholds, boosts with true half-lives, diversity, reasons.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  boost,
  diversify,
  filter,
  jaccard,
  pipeline,
  popularity,
  recency,
  retrieve,
  take,
  trending,
  where,
} from 'annywhere/media';
import { onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

const DAY = 86_400_000;
const NOW = Date.parse('2026-01-01');
const now = () => NOW;
const daysAgo = (days) => new Date(NOW - days * DAY).toISOString();

/** A candidate as a boost sees it. */
const candidate = (metadata) => ({ id: 'x', score: 0.5, similarity: 0.5, metadata, reasons: [] });

onEveryEngine('a pipeline', ({ VectorDb }) => {
  async function filled(rows, metadataOf) {
    const random = new Random(7);
    const db = new VectorDb({ dimensions: 24 });
    await db.insertBatch(
      Array.from({ length: rows }, (_, i) => ({
        id: `r${i}`,
        vector: random.vector(24),
        metadata: metadataOf(i),
      })),
    );
    return { db, vector: random.vector(24) };
  }

  it('fills k after diversity when all candidates share one genre', async () => {
    const { db, vector } = await filled(200, () => ({ genreIds: [18] }));
    for (const options of [{}, { above: 0.3 }, { lambda: 0 }, { lambda: 1 }, { by: 'vector' }]) {
      const stages = [retrieve(db, { vector }), diversify(options), take(20)];
      const { hits } = await pipeline(stages).run();
      assert.equal(hits.length, 20, JSON.stringify(options));
      assert.equal(new Set(hits.map(({ id }) => id)).size, 20);
    }
    await db.close();
    const bare = await filled(50, (i) => (i % 2 ? {} : { genreIds: [] }));
    const stages = [retrieve(bare.db, { vector: bare.vector }), diversify({ above: 0.3 }), take(20)];
    const { hits } = await pipeline(stages).run();
    assert.equal(hits.length, 20, 'rows without genres');
    for (const { reasons } of hits) for (const { value } of reasons) assert.ok(Number.isFinite(value));
    await bare.db.close();
  });

  it('diversity makes hits differ, and leaves out only when told not to fill', async () => {
    const { db, vector } = await filled(300, (i) => ({ genreIds: [i % 10 < 9 ? 18 : i % 7] }));
    const run = async (...stages) =>
      (await pipeline([retrieve(db, { vector }), ...stages, take(10)]).run()).hits;
    const kinds = (hits) => new Set(hits.map(({ metadata }) => metadata.genreIds[0])).size;
    const plain = await run();
    const varied = await run(diversify({ lambda: 0.3, pool: 10 }));
    assert.ok(kinds(varied) > kinds(plain));
    assert.equal(varied[0].id, plain[0].id);
    const cut = await run(diversify({ above: 0.3, fill: false, pool: 30 }));
    assert.ok(cut.length < 10);
    assert.equal(kinds(cut), cut.length);
    await db.close();
  });

  it('fills k when a stage leaves nearly everything out', async () => {
    const { db, vector } = await filled(1000, (i) => ({ rare: i % 40 === 0 }));
    const { hits, rounds } = await pipeline([
      retrieve(db, { vector }),
      where(({ metadata }) => metadata.rare),
      take(20),
    ]).run();
    assert.equal(hits.length, 20);
    assert.ok(rounds > 1);
    const all = (await db.search({ vector, k: 1000, exact: true })).filter(({ metadata }) => metadata.rare);
    assert.deepEqual(
      hits.map(({ id }) => id),
      all.slice(0, 20).map(({ id }) => id),
    );
    await db.close();
  });

  it('a filter that one row of a hundred passes leaves the others out inside the index', async () => {
    const { db, vector } = await filled(3000, (i) => ({ rare: i % 100 === 0 }));
    await db.reindex({ index: 'hnsw' });
    const stages = [retrieve(db, { vector }), filter({ rare: true }), take(20)];
    const { hits, rounds, candidates } = await pipeline(stages).run();
    assert.deepEqual([hits.length, rounds, candidates], [20, 1, 20]);
    const all = await db.search({ vector, k: 20, filter: { rare: true }, exact: true });
    assert.deepEqual(
      hits.map(({ id }) => id),
      all.map(({ id }) => id),
    );
    await db.close();
  });

  it('a threshold of 0, or below, is a threshold like any other', async () => {
    const { db, vector } = await filled(100, () => ({}));
    for (const threshold of [0, -0.2, 0.3]) {
      const { hits } = await pipeline([retrieve(db, { vector, threshold }), take(100)]).run();
      const all = await db.search({ vector, k: 100, exact: true });
      assert.equal(hits.length, all.filter(({ score }) => score >= threshold).length, String(threshold));
    }
    const all = await pipeline([retrieve(db, { vector }), take(100)]).run();
    assert.equal(all.hits.length, 100);
    await rejects(() => retrieve(db, { vector, threshold: Number.NaN }), 'InvalidArgument');
    await db.close();
  });

  it('boosted hits are those of ranking all rows by their boosted scores', async () => {
    const random = new Random(3);
    const { db, vector } = await filled(500, () => ({
      releaseDate: random.next() < 0.1 ? 'never' : daysAgo(random.integer(-100, 2000)),
      popularity: random.next() < 0.1 ? undefined : random.integer(0, 5000),
    }));
    for (const weight of [0.05, 0.5, 2]) {
      const boosts = [recency({ weight, now }), popularity({ weight })];
      const found = await pipeline([retrieve(db, { vector }), boost(...boosts), take(15)]).run();
      assert.ok(found.complete);
      const all = (await db.search({ vector, k: 500, exact: true })).map(({ id, score, metadata }) => {
        const factor = boosts.reduce(
          (product, one) => product * (1 + weight * one.value(candidate(metadata))),
          1,
        );
        return { id, score: score < 0 ? score / factor : score * factor };
      });
      all.sort((a, b) => b.score - a.score);
      assert.deepEqual(
        found.hits.map(({ id }) => id),
        all.slice(0, 15).map(({ id }) => id),
      );
      for (const hit of found.hits) assert.ok(Number.isFinite(hit.score));
    }
    const bounded = await pipeline([
      retrieve(db, { vector }),
      boost(recency({ weight: 50, now })),
      take(15),
    ]).run({
      maxCandidates: 30,
    });
    assert.equal(bounded.complete, false);
    assert.equal(bounded.hits.length, 15);
    await db.close();
  });

  it('names its stages with their times, and every hit has its reasons with the numbers', async () => {
    const { db, vector } = await filled(50, () => ({
      releaseDate: daysAgo(180),
      popularity: 9,
      genreIds: [1],
    }));
    const { hits, stages } = await pipeline([
      retrieve(db, { vector }),
      boost(recency({ weight: 0.2, now }), popularity({ weight: 0.2, full: 99 })),
      diversify(),
      take(5),
    ]).run();
    assert.deepEqual(
      stages.map(({ name }) => name),
      ['retrieve', 'boost', 'diversify', 'take'],
    );
    for (const { ms } of stages) assert.ok(ms >= 0);
    const { reasons, similarity, score } = hits[1];
    assert.deepEqual(
      reasons.map(({ kind }) => kind),
      ['similarity', 'recency', 'popularity', 'diversity'],
    );
    assert.equal(reasons[1].text, 'recency 0.50: score × 1.100');
    assert.ok(Math.abs(score - similarity * reasons[1].value * reasons[2].value) < 1e-9);
    await db.close();
  });

  it('is given up by a signal', async () => {
    const { db, vector } = await filled(5, () => ({}));
    const signal = AbortSignal.abort('enough');
    await rejects(pipeline([retrieve(db, { vector }), take(5)]).run({ signal }), 'Aborted');
    await db.close();
  });
});

describe('boosts', () => {
  it('recency is one half after one half-life, and 1/e only when asked for', () => {
    const half = recency({ halfLifeDays: 180, now });
    const value = (metadata) => half.value(candidate(metadata));
    assert.equal(value({ releaseDate: daysAgo(180) }), 0.5);
    assert.equal(value({ releaseDate: daysAgo(360) }), 0.25);
    const tau = recency({ halfLifeDays: 180, decay: 'tau', now });
    assert.ok(Math.abs(tau.value(candidate({ releaseDate: daysAgo(180) })) - Math.exp(-1)) < 1e-12);
  });

  it('a date to come counts as now and never as more', () => {
    for (const days of [0, -1, -365, -100_000]) {
      assert.equal(recency({ now }).value(candidate({ releaseDate: daysAgo(days) })), 1);
    }
  });

  it('what is missing or no date or no number counts as 0, without NaN', () => {
    for (const wrong of [undefined, null, '', 'soon', Number.NaN, {}, true]) {
      for (const one of [recency({ now }), popularity(), trending({ now })]) {
        assert.equal(one.value(candidate({ releaseDate: wrong, popularity: wrong })), 0);
      }
    }
    const [hit] = boost(recency({ now }), popularity()).run([candidate({})]);
    assert.equal(hit.score, 0.5);
  });

  it('a weight of 0.2 raises a score by 20 % at most', () => {
    const [hit] = boost(recency({ weight: 0.2, now })).run([candidate({ releaseDate: daysAgo(-9) })]);
    assert.ok(Math.abs(hit.score - 0.6) < 1e-12);
    const huge = popularity({ weight: 0.2 }).value(candidate({ popularity: 1e12 }));
    assert.equal(huge, 1);
  });

  it('only what is recent and popular is trending', () => {
    const one = trending({ now, halfLifeDays: 90, popularity: { full: 100 } });
    const value = (days, popular) =>
      one.value(candidate({ releaseDate: daysAgo(days), popularity: popular }));
    assert.equal(value(27_000, 5000), 0, 'a popular film of 1952');
    assert.equal(value(3, 1), 0, 'a new film that nobody sees');
    assert.ok(value(3, 80) > 0.9);
  });

  it('a negative score is raised too', () => {
    const [hit] = boost(recency({ weight: 1, now })).run([
      { ...candidate({ releaseDate: daysAgo(0) }), score: -0.4 },
    ]);
    assert.equal(hit.score, -0.2);
  });

  it('refuses what is no weight or half-life', async () => {
    await rejects(() => recency({ halfLifeDays: 0 }), 'InvalidArgument', { argument: 'halfLifeDays' });
    await rejects(() => popularity({ weight: Number.NaN }), 'InvalidArgument', { argument: 'weight' });
    await rejects(() => take(0), 'InvalidArgument', { argument: 'k' });
    await rejects(() => diversify({ lambda: 2 }), 'InvalidArgument', { argument: 'lambda' });
  });
});

describe('diversity', () => {
  it('compares each candidate once with each hit chosen', async () => {
    let reads = 0;
    const genres = { enumerable: true, get: () => ++reads && [18] };
    const candidates = Array.from({ length: 400 }, (_, i) => ({
      ...candidate(Object.defineProperty({}, 'genreIds', genres)),
      id: `r${i}`,
    }));
    const stages = [{ name: 'given', run: () => candidates }, diversify(), take(10)];
    assert.equal((await pipeline(stages).run()).hits.length, 10);
    assert.ok(reads > 0 && reads <= 2 * 10 * 400, `${reads} reads`);
  });
});

describe('jaccard', () => {
  it('is the common part of two lists, and 0 where nothing is known of either', () => {
    assert.equal(jaccard([1, 2, 3], [1, 2]), 2 / 3);
    assert.equal(jaccard([1], [1, 1]), 1);
    assert.equal(jaccard([], []), 0);
    assert.equal(jaccard([], [1]), 0);
  });
});
