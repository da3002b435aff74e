import assert from 'node:assert/strict';
import { it } from 'node:test';
import { contentOf, onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

const films = [
  {
    id: 'alien',
    vector: [1, 0],
    metadata: { year: 1979, genres: ['horror', 'space'], by: { name: 'Scott' } },
  },
  { id: 'brazil', vector: [0.9, 0.1], metadata: { year: 1985, genres: ['satire'], seen: null } },
  { id: 'cube', vector: [0.8, 0.2], metadata: { year: 1997, genres: ['horror'], by: { name: 'Natali' } } },
  { id: 'dune', vector: [0, 1], metadata: { genres: ['space'], at: new Date('2021-10-22T00:00:00Z') } },
];

onEveryEngine('filters', ({ VectorDb, name }) => {
  const open = async (options = {}) => {
    const db = new VectorDb({ dimensions: 2, ...options });
    await db.insertBatch(films);
    return db;
  };
  const found = async (db, filter) => {
    const hits = await db.search({ vector: [1, 0], filter });
    return hits.map(({ id }) => id).join(' ');
  };

  it('decide which rows are hits, counted and removed', async () => {
    const db = await open();
    for (const [filter, expected] of [
      [{ year: 1985 }, 'brazil'],
      [{ year: { $gte: 1980 } }, 'brazil cube'],
      [{ genres: 'space' }, 'alien dune'],
      [{ genres: { $all: ['horror', 'space'] } }, 'alien'],
      [{ 'by.name': { $startsWith: 'Na' } }, 'cube'],
      [{ 'by.name': { $contains: 'tt' } }, 'alien'],
      [{ by: { $exists: false } }, 'brazil dune'],
      [{ seen: null }, 'brazil'],
      [{ year: { $ne: 1979 } }, 'brazil cube dune'],
      [{ year: { $any: { $gt: 1980, $lt: 1990 } } }, 'brazil'],
      [{ at: { $gt: new Date('2021-01-01') } }, 'dune'],
      [{ $or: [{ year: { $lt: 1980 } }, { $not: { genres: { $in: ['horror', 'satire'] } } }] }, 'alien dune'],
      [{ year: 3000 }, ''],
      [{}, 'alien brazil cube dune'],
    ]) {
      assert.equal(await found(db, filter), expected, JSON.stringify(filter));
      assert.equal(await db.count(filter), expected.split(' ').filter(Boolean).length);
    }
    assert.equal(await db.count(), 4);
    const [hits] = await db.searchMany({ vectors: [[0, 1]], filter: { genres: 'horror' } });
    assert.deepEqual(
      hits.map(({ id }) => id),
      ['cube', 'alien'],
    );
    assert.equal(await db.deleteMany({ filter: { genres: 'horror' } }), 2);
    assert.equal(await db.deleteMany(['dune', 'nothing', 'dune']), 1);
    assert.equal(await found(db, {}), 'brazil');
  });

  it('are refused with their place when they mean nothing, and nothing has changed', async () => {
    const db = await open({ filterLimits: { depth: 3 } });
    const before = await contentOf(db);
    const deep = { $not: { $not: { $not: { year: 1 } } } };
    const wide = { $or: Array.from({ length: 300 }, () => ({ year: 1 })) };
    let deepest = {};
    for (let level = 0; level < 200; level++) deepest = { $not: deepest };
    for (const [filter, path] of [
      [{ year: { $regex: 'x' } }, 'year.$regex'],
      [{ year: { $gt: null } }, 'year.$gt'],
      [{ $or: [{ year: { $in: 5 } }] }, '$or.0.year.$in'],
      [{ year: undefined }, 'year'],
      [{ year: { $gt: undefined } }, 'year.$gt'],
      [{ year: Number.NaN }, 'year'],
      [{ year: 5n }, 'year'],
      [{ year: { $in: [1, undefined] } }, 'year.$in.1'],
      [{ at: new Date(Number.NaN) }, 'at'],
      [{ by: new Map() }, 'by'],
      [null, ''],
      [[], ''],
      ['year = 1', ''],
      [deep, /^\$not/],
      [deepest, /^\$not/],
      [wide, /^\$or/],
    ]) {
      await rejects(() => db.search({ vector: [1, 0], filter }), 'InvalidFilter', { path });
      await rejects(() => db.count(filter), 'InvalidFilter', { path });
      await rejects(() => db.deleteMany({ filter }), 'InvalidFilter', { path });
    }
    await rejects(() => db.deleteMany({}), 'InvalidArgument', { argument: 'which' });
    await rejects(() => db.deleteMany({ filtre: {} }), 'InvalidArgument');
    assert.equal(await contentOf(db), before);
    assert.throws(() => new VectorDb({ dimensions: 2, filterLimits: { depth: 0 } }), {
      code: 'InvalidOption',
    });
    assert.throws(() => new VectorDb({ dimensions: 2, filterLimits: { dept: 1 } }), {
      code: 'InvalidOption',
    });
  });

  it('still fit after changes, saving and opening', async () => {
    const db = await open();
    assert.equal(await db.count({ year: { $gt: 1980 } }), 2);
    assert.ok(db.getStats().memory.columns > 0);
    await db.insert({ id: 'alien', vector: [1, 0], metadata: { year: 2000 } });
    assert.equal(await db.update('brazil', { metadata: { year: 1, new: true } }), true);
    assert.deepEqual((await db.get('brazil')).metadata, {
      year: 1,
      genres: ['satire'],
      seen: null,
      new: true,
    });
    assert.equal(await found(db, { year: { $gt: 1980 } }), 'alien cube');
    assert.equal(await db.update('cube', { vector: [1, 0.01], metadata: null }), true);
    assert.deepEqual((await db.get('cube')).metadata, {});
    assert.equal(await db.update('nobody', { metadata: { year: 1 } }), false);
    await rejects(() => db.update('cube', {}), 'InvalidArgument', { argument: 'change' });
    await rejects(() => db.update('cube', { metdata: {} }), 'InvalidArgument');
    await rejects(() => db.update('cube', { vector: [1] }), 'WrongDimension');
    assert.equal(await found(db, { year: { $exists: true } }), 'alien brazil');
    const reopened = new VectorDb({ dimensions: 2 });
    await reopened.load(await db.toBytes());
    assert.equal(await found(reopened, { year: { $gt: 1980 } }), 'alien');
    assert.equal(await contentOf(reopened), await contentOf(db));
  });

  it('list rows in the order of ids, page by page, while rows come and go', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    const ids = Array.from({ length: 2_500 }, (_, row) => `row ${(row * 7919) % 2_500}`);
    await db.insertBatch({
      ids,
      vectors: Float32Array.from(ids.keys()),
      metadata: ids.map((_, row) => ({ even: row % 2 === 0 })),
    });
    const listed = [];
    for await (const { id, vector, metadata } of db.entries()) {
      if (id === 'row 9990') continue;
      assert.equal(ids[vector[0]], id);
      assert.equal(metadata.even, vector[0] % 2 === 0);
      if (listed.length === 10) await db.delete('row 999');
      if (listed.length === 20) await db.insert({ id: 'row 9990', vector: [0], metadata: { even: true } });
      listed.push(id);
    }
    assert.deepEqual(listed, ids.filter((id) => id !== 'row 999').sort());
    const some = [];
    for await (const { id } of db.entries({ filter: { even: false }, after: 'row 5' })) some.push(id);
    const odd = ids.filter((id, row) => row % 2 === 1 && id > 'row 5' && id !== 'row 999');
    assert.deepEqual(some, odd.sort());
    const all = [];
    for await (const id of db.ids()) all.push(id);
    assert.deepEqual(all, [...listed, 'row 9990'].sort());
    const same = [];
    for await (const id of db.ids({ filter: { even: false }, after: 'row 5' })) same.push(id);
    assert.deepEqual(same, some);
    assert.deepEqual(
      (await db.getMany(['row 1', 'nobody', 'row 2', 'row 1'])).map((row) => row?.id ?? null),
      ['row 1', null, 'row 2', 'row 1'],
    );
    assert.deepEqual([await db.has('row 1'), await db.has('nobody')], [true, false]);
    await rejects(
      async () => {
        for await (const _ of db.entries({ after: 5 }));
      },
      'InvalidArgument',
      { argument: 'after' },
    );
  });

  it('are explained: how rows were found and how many were looked at', async () => {
    const random = new Random(3);
    const rows = 12_000;
    const vectors = Float32Array.from({ length: rows * 16 }, () => random.next() - 0.5);
    const ids = Array.from({ length: rows }, (_, row) => `${row}`);
    const metadata = ids.map((_, row) => ({ row }));
    const vector = vectors.slice(0, 16);
    for (const [options, whole, part] of [
      [{ index: 'scan' }, 'scan', 'maskedScan'],
      [{ index: 'hnsw', hnswConfig: { m: 8, efConstruction: 40, efSearch: 40 } }, 'graph', 'filteredGraph'],
    ]) {
      const db = new VectorDb({ dimensions: 16, ...options });
      await db.insertBatch({ ids, vectors, metadata });
      const explained = async (filter, more = {}) => db.explain({ vector, filter, ...more });
      const all = await explained();
      assert.equal(all.strategy, whole);
      assert.equal(all.matches, rows);
      assert.ok(all.visited > 0 && all.distances > 0 && all.hits === 10);
      const half = await explained({ row: { $lt: rows / 2 } });
      assert.equal(half.strategy, part);
      assert.equal(half.selectivity, 0.5);
      assert.equal(half.estimatedSelectivity, 0.5);
      const few = await explained({ row: { $lt: 100 } });
      assert.equal(few.strategy, 'matches');
      assert.equal(few.distances, 100);
      assert.equal((await explained({ row: -1 })).strategy, 'nothing');
      assert.equal((await explained(undefined, { exact: true })).strategy, 'exact');
      const { plan, search, total } = half.milliseconds;
      assert.ok(plan >= 0 && search >= 0 && total >= plan && total < 60_000);
      const report = await db.measureRecall({ k: 5, samples: 30, filter: { row: { $gte: 6_000 } } });
      assert.ok(report.recall > 0.8 && report.low <= report.recall && report.recall <= report.high);
      assert.deepEqual([report.k, report.samples], [5, 30]);
      await db.close();
    }
  });

  it(`give as many hits as match (${name})`, async () => {
    const random = new Random(11);
    const rows = 3_000;
    for (const index of ['scan', 'hnsw']) {
      const db = new VectorDb({ dimensions: 8, index });
      const ids = Array.from({ length: rows }, (_, row) => `${row}`);
      const vectors = Float32Array.from({ length: rows * 8 }, () => random.next() - 0.5);
      await db.insertBatch({ ids, vectors, metadata: ids.map((_, row) => ({ row })) });
      for (const matches of [0, 1, 9, 10, 11, 300, 1_500, 2_999, 3_000]) {
        const filter = { row: { $lt: matches } };
        const hits = await db.search({ vector: vectors.slice(-8), filter });
        assert.equal(hits.length, Math.min(10, matches));
        assert.ok(hits.every(({ metadata }) => metadata.row < matches));
      }
      await db.close();
    }
  });
});
