import assert from 'node:assert/strict';
import { it } from 'node:test';
import { onEveryEngine, rejects } from './engines.mjs';
import { assertNear, compare, METRICS, Model, recall } from './model.mjs';
import { Random } from './random.mjs';

onEveryEngine('search', ({ VectorDb }) => {
  it('ranks a vector itself first and its opposite last, on every metric', async () => {
    for (const distanceMetric of METRICS) {
      const db = new VectorDb({ dimensions: 2, distanceMetric });
      await db.insertBatch([
        { id: 'opposite', vector: [-3, 0] },
        { id: 'beside', vector: [2, 2] },
        { id: 'same', vector: [3, 0] },
      ]);
      const hits = await db.search({ vector: [3, 0] });
      assert.deepEqual(
        hits.map((hit) => hit.id),
        ['same', 'beside', 'opposite'],
        distanceMetric,
      );
      for (const hit of hits) {
        const { vector } = await db.get(hit.id);
        const expected = compare(distanceMetric, [3, 0], vector);
        assertNear(hit.score, expected.score, `score of ${hit.id}`);
        assertNear(hit.distance, expected.distance, `distance of ${hit.id}`);
      }
    }
  });

  it('returns all rows when k is larger than their number, and none from an empty database', async () => {
    const db = new VectorDb({ dimensions: 3 });
    assert.deepEqual(await db.search({ vector: [1, 0, 0] }), []);
    await db.insertBatch([1, 2, 3, 4].map((n) => ({ id: `${n}`, vector: [n, 1, 0] })));
    for (const k of [4, 5, 1000, 2 ** 31 - 1]) {
      assert.equal((await db.search({ vector: [1, 0, 0], k })).length, 4);
      assert.equal((await db.search({ vector: [1, 0, 0], k, exact: true })).length, 4);
    }
    assert.equal((await db.search({ vector: [1, 0, 0], k: 3 })).length, 3);
  });

  it('returns ten hits by default', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'euclidean' });
    await db.insertBatch(Array.from({ length: 25 }, (_, i) => ({ id: `${i}`, vector: [i] })));
    const hits = await db.search({ vector: [0] });
    assert.deepEqual(
      hits.map((hit) => hit.id),
      ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    );
  });

  it('puts rows of equal score in the order of their insertion, with one result every time', async () => {
    const db = new VectorDb({ dimensions: 2, distanceMetric: 'dot' });
    const ids = Array.from({ length: 40 }, (_, i) => `tie ${(i * 17) % 40}`);
    await db.insertBatch(ids.map((id) => ({ id, vector: [1, 1] })));
    for (const exact of [true, false]) {
      const hits = await db.search({ vector: [1, 2], k: 40, exact });
      assert.deepEqual(
        hits.map((hit) => hit.id),
        ids,
      );
    }
  });

  it('cuts at the threshold, which may be zero or negative, and keeps a hit that equals it', async () => {
    const db = new VectorDb({ dimensions: 2, distanceMetric: 'dot' });
    await db.insertBatch([-2, -1, 0, 1, 2].map((n) => ({ id: `${n}`, vector: [n, 0] })));
    const found = async (threshold) => (await db.search({ vector: [1, 0], threshold })).map((hit) => hit.id);
    assert.deepEqual(await found(0), ['2', '1', '0']);
    assert.deepEqual(await found(-1), ['2', '1', '0', '-1']);
    assert.deepEqual(await found(1.5), ['2']);
    assert.deepEqual(await found(100), []);
    assert.deepEqual(await found(-100), ['2', '1', '0', '-1', '-2']);
  });

  it('does not let the threshold and k take hits from each other', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    await db.insertBatch(Array.from({ length: 50 }, (_, i) => ({ id: `${i}`, vector: [i] })));
    assert.equal((await db.search({ vector: [1], k: 5, threshold: 20 })).length, 5);
    assert.equal((await db.search({ vector: [1], k: 49, threshold: 20 })).length, 30);
  });

  it('finds more with a larger ef, and everything with exact', async () => {
    const random = new Random(5);
    const dimensions = 48;
    const model = new Model('euclidean');
    const db = new VectorDb({
      dimensions,
      distanceMetric: 'euclidean',
      hnswConfig: { m: 3, efConstruction: 8, efSearch: 10 },
    });
    const rows = Array.from({ length: 2000 }, (_, i) => ({ id: `${i}`, vector: random.vector(dimensions) }));
    await db.insertBatch(rows);
    for (const { id, vector } of rows) model.insert(id, vector);
    const queries = Array.from({ length: 20 }, () => random.vector(dimensions));
    const mean = async (settings) => {
      let sum = 0;
      for (const vector of queries) {
        sum += recall(await db.search({ vector, k: 10, ...settings }), model, vector, 10);
      }
      return sum / queries.length;
    };
    const [narrow, wide] = [await mean({ ef: 10 }), await mean({ ef: 400 })];
    assert.ok(narrow < 0.9, `a narrow search of a poor graph misses rows (${narrow})`);
    assert.ok(wide > narrow + 0.1, `a wide search finds more (${wide} after ${narrow})`);
    assert.equal(await mean({}), narrow, 'efSearch is the default of ef');
    assert.equal(await mean({ exact: true }), 1);
  });

  it('builds a better graph with larger m and efConstruction, and a wider search by efSearch', async () => {
    const random = new Random(6);
    const dimensions = 48;
    const rows = Array.from({ length: 1500 }, (_, i) => ({ id: `${i}`, vector: random.vector(dimensions) }));
    const queries = Array.from({ length: 20 }, () => random.vector(dimensions));
    const model = new Model('cosine');
    for (const { id, vector } of rows) model.insert(id, vector);
    const recallWith = async (hnswConfig) => {
      const db = new VectorDb({ dimensions, hnswConfig });
      await db.insertBatch(rows);
      let sum = 0;
      for (const vector of queries) sum += recall(await db.search({ vector }), model, vector, 10);
      return sum / queries.length;
    };
    const base = await recallWith({ m: 3, efConstruction: 8, efSearch: 12 });
    assert.ok((await recallWith({ m: 16, efConstruction: 8, efSearch: 12 })) > base, 'm');
    assert.ok((await recallWith({ m: 3, efConstruction: 200, efSearch: 12 })) > base, 'efConstruction');
    assert.ok((await recallWith({ m: 3, efConstruction: 8, efSearch: 200 })) > base, 'efSearch');
  });

  it('gives every hit an id, a score, a distance and metadata that is never undefined', async () => {
    const db = new VectorDb({ dimensions: 2 });
    await db.insert({ id: 'plain', vector: [1, 0] });
    await db.insert({ id: 'none', vector: [1, 0.1], metadata: null });
    await db.insert({ id: 'some', vector: [1, 0.2], metadata: { title: 'A', year: 1999 } });
    const hits = await db.search({ vector: [1, 0] });
    assert.deepEqual(
      hits.map(({ id, metadata }) => [id, metadata]),
      [
        ['plain', {}],
        ['none', {}],
        ['some', { title: 'A', year: 1999 }],
      ],
    );
    assert.deepEqual(Object.keys(hits[0]), ['id', 'score', 'distance', 'metadata']);
    assert.deepEqual({ ...hits[0], extra: 1 }.extra, 1);
  });

  it('leaves out what is farther than maxDistance, on every metric, and no more', async () => {
    const random = new Random(21);
    for (const distanceMetric of METRICS) {
      const db = new VectorDb({ dimensions: 6, distanceMetric });
      await db.insertBatch(Array.from({ length: 60 }, (_, n) => ({ id: `${n}`, vector: random.vector(6) })));
      const vector = random.vector(6);
      const all = await db.search({ vector, k: 40 });
      const { distance } = all[17];
      const near = all.filter((hit) => hit.distance <= distance);
      assert.ok(near.length >= 18 && near.length < 40);
      assert.deepEqual(await db.search({ vector, k: 40, maxDistance: distance }), near);
      assert.deepEqual(await db.search({ vector, k: 5, maxDistance: distance }), all.slice(0, 5));
      assert.deepEqual(await db.searchMany({ vectors: [vector], k: 40, maxDistance: distance }), [near]);
      const { score } = all[9];
      const both = { vector, k: 40, maxDistance: distance, threshold: score };
      assert.deepEqual(await db.search(both), all.filter((hit) => hit.score >= score).slice(0, near.length));
      await db.close();
    }
    const db = new VectorDb({ dimensions: 1, text: { fields: ['title'] } });
    for (const query of [
      { maxDistance: Number.NaN },
      { maxDistance: '1' },
      { maxDistance: 1, text: 'a' },
      { maxDistance: 1, diversify: { lambda: 1 } },
    ]) {
      await rejects(db.search({ vector: [1], ...query }), 'InvalidArgument', { argument: 'maxDistance' });
    }
    await rejects(db.explain({ vector: [1], maxDistance: 1 }), 'InvalidArgument', {
      argument: 'maxDistance',
    });
    await db.close();
  });

  it('by the id of a row finds what a search by its vector finds', async () => {
    const random = new Random(9);
    const db = new VectorDb({ dimensions: 8 });
    await db.insertBatch(
      Array.from({ length: 200 }, (_, n) => ({
        id: `${n}`,
        vector: random.vector(8),
        metadata: { even: n % 2 === 0 },
      })),
    );
    const { vector } = await db.get('17');
    for (const rest of [
      {},
      { k: 3 },
      { filter: { even: true } },
      { include: { vector: true } },
      { exact: true },
    ]) {
      assert.deepEqual(await db.search({ id: '17', ...rest }), await db.search({ vector, ...rest }));
    }
    assert.equal((await db.search({ id: '17' }))[0].id, '17');
    const changing = [db.update('17', { vector: random.vector(8) }), db.search({ id: '17', k: 1 })];
    assert.equal((await Promise.all(changing))[1][0].score.toFixed(4), '1.0000');
    await rejects(db.search({ id: 'nobody' }), 'InvalidArgument', { argument: 'id' });
    await rejects(db.search({ id: '17', vector }), 'InvalidArgument', { argument: 'id' });
    await rejects(db.search({ id: 17 }), 'InvalidId');
    await rejects(db.search({ id: '17', kk: 1 }), 'InvalidArgument', { argument: 'kk' });
    await rejects(db.explain({ id: '17' }), 'InvalidArgument', { argument: 'id' });
    await db.close();
  });

  it('refuses a query that is not one, with the argument in the error', async () => {
    const db = new VectorDb({ dimensions: 2 });
    await db.insert({ id: 'a', vector: [1, 0] });
    const vector = [1, 0];
    for (const k of [0, -1, 2.7, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 32, '10', null, 10n]) {
      await rejects(db.search({ vector, k }), 'InvalidArgument', { argument: 'k' });
    }
    for (const ef of [0, -1, 65_537, 1.5, Number.NaN, '64']) {
      await rejects(db.search({ vector, ef }), 'InvalidArgument', { argument: 'ef' });
    }
    for (const threshold of [Number.NaN, Number.POSITIVE_INFINITY, '0.5', null]) {
      await rejects(db.search({ vector, threshold }), 'InvalidArgument', { argument: 'threshold' });
    }
    for (const exact of [1, 'yes', null]) {
      await rejects(db.search({ vector, exact }), 'InvalidArgument', { argument: 'exact' });
    }
    const misspelt = await rejects(db.search({ vector, treshold: 0.5 }), 'InvalidArgument', {
      argument: 'treshold',
    });
    assert.match(misspelt.message, /did you mean threshold\?/);
    await rejects(db.search({ vector, filters: { a: 1 } }), 'InvalidArgument', { argument: 'filters' });
    for (const query of [undefined, null, [1, 0], new Float32Array(2), 'text', 7]) {
      await rejects(db.search(query), 'InvalidArgument', { argument: 'query' });
    }
    assert.equal((await db.search({ vector })).length, 1);
  });
});
