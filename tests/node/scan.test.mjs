// The scan and what goes with it: both engines, the same bytes and hits, and every new method.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { engines, onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

const DIMENSIONS = 16;
/** Enough rows to lie in cells. */
const MANY = 12_000;

/** Vectors around a few hundred centres, as embeddings lie. */
function clustered(count, seed) {
  const places = new Random(0);
  const centres = Array.from({ length: 200 }, () => numbers(places, 1));
  const random = new Random(seed);
  const vectors = new Float32Array(count * DIMENSIONS);
  for (let row = 0; row < count; row++) {
    const centre = random.pick(centres);
    const away = numbers(random, 0.4);
    for (let i = 0; i < DIMENSIONS; i++) vectors[row * DIMENSIONS + i] = centre[i] + away[i];
  }
  return vectors;
}

function numbers(random, spread) {
  return Array.from({ length: DIMENSIONS }, () => spread * (2 * random.next() - 1));
}

const vectorAt = (vectors, row) => vectors.subarray(row * DIMENSIONS, (row + 1) * DIMENSIONS);
const ids = (count) => Array.from({ length: count }, (_, row) => `r${row}`);

async function filled(VectorDb, count, options = {}) {
  const db = new VectorDb({ dimensions: DIMENSIONS, ...options });
  await db.insertBatch({ ids: ids(count), vectors: clustered(count, 1) });
  return db;
}

async function recall(db, queries, options) {
  let found = 0;
  const count = queries.length / DIMENSIONS;
  for (let row = 0; row < count; row++) {
    const vector = vectorAt(queries, row);
    const exact = await db.search({ vector, exact: true });
    const near = await db.search({ vector, ...options });
    assert.equal(near.length, exact.length);
    found += near.filter(({ score }) => score >= exact.at(-1).score).length;
  }
  return found / (10 * count);
}

it('files and hits of a scan are the same on every engine', { skip: engines.length < 2 }, async () => {
  const queries = clustered(50, 2);
  const answers = [];
  for (const { VectorDb } of engines) {
    const db = await filled(VectorDb, MANY, { distanceMetric: 'euclidean' });
    await db.insertBatch({ ids: ids(300), vectors: clustered(300, 3) });
    await db.delete('r500');
    const hits = await db.searchMany({ vectors: queries, k: 7 });
    answers.push({ file: Buffer.from(await db.toBytes()).toString('base64'), hits: JSON.stringify(hits) });
  }
  assert.equal(answers[0].hits, answers[1].hits);
  assert.equal(answers[0].file, answers[1].file);
});

onEveryEngine('a scan', ({ VectorDb }) => {
  it('finds 99 of 100 true neighbours by default, and fewer with a smaller target', async () => {
    const db = await filled(VectorDb, MANY);
    const queries = clustered(100, 2);
    const usual = await recall(db, queries, {});
    assert.ok(usual >= 0.99, `${usual}`);
    const low = await recall(db, queries, { targetRecall: 0.5 });
    assert.ok(low < usual, `${low} with a target of 0.5, ${usual} by default`);
    const modest = await filled(VectorDb, MANY, { targetRecall: 0.5 });
    assert.equal(await recall(modest, queries, {}), low);
  });

  it('goes on as before after it was saved and loaded', async () => {
    const db = await filled(VectorDb, 2_000);
    const other = new VectorDb({ dimensions: DIMENSIONS });
    await other.load(await db.toBytes());
    for (const either of [db, other]) await either.insert({ id: 'new', vector: numbers(new Random(9), 1) });
    assert.deepEqual(await other.toBytes(), await db.toBytes());
    const graph = new VectorDb({ dimensions: DIMENSIONS, index: 'hnsw' });
    await rejects(graph.load(await db.toBytes()), 'Mismatch', { option: 'index' });
  });

  it('refuses arguments of the graph, and a graph two lengths of its list', async () => {
    const vector = numbers(new Random(1), 1);
    const scan = await filled(VectorDb, 10);
    await rejects(scan.search({ vector, ef: 10 }), 'InvalidArgument', { argument: 'ef' });
    const graph = await filled(VectorDb, 10, { index: 'hnsw' });
    const targetRecall = { argument: 'targetRecall' };
    await rejects(graph.search({ vector, targetRecall: 0.9, ef: 10 }), 'InvalidArgument', targetRecall);
    assert.equal((await graph.search({ vector, targetRecall: 0.9, k: 3 })).length, 3);
    for (const bad of [0.4, 1.01, Number.NaN, '1', null]) {
      await rejects(scan.search({ vector, targetRecall: bad }), 'InvalidArgument', targetRecall);
    }
  });
});

onEveryEngine('searchMany', ({ VectorDb }) => {
  it('gives the hits of single searches, for an array and for one after the other', async () => {
    const queries = clustered(20, 2);
    for (const index of ['scan', 'hnsw']) {
      const db = await filled(VectorDb, 1_500, { index });
      const rows = Array.from({ length: 20 }, (_, row) => vectorAt(queries, row));
      const single = await Promise.all(rows.map((vector) => db.search({ vector, k: 5, threshold: 0.5 })));
      assert.deepEqual(await db.searchMany({ vectors: queries, k: 5, threshold: 0.5 }), single);
      assert.deepEqual(await db.searchMany({ vectors: rows, k: 5, threshold: 0.5 }), single);
      assert.deepEqual(await db.searchMany({ vectors: [] }), []);
    }
  });

  it('refuses what is not vectors, with the row in the error', async () => {
    const db = await filled(VectorDb, 5);
    const vectors = { argument: 'vectors' };
    await rejects(db.searchMany({ vectors: new Float32Array(17) }), 'InvalidArgument', vectors);
    await rejects(db.searchMany({ vectors: 'no' }), 'InvalidArgument', vectors);
    await rejects(db.searchMany({}), 'InvalidArgument', vectors);
    await rejects(db.searchMany(7), 'InvalidArgument', { argument: 'query' });
    const good = numbers(new Random(1), 1);
    await rejects(db.searchMany({ vectors: [good, [1]] }), 'WrongDimension', { row: 1 });
    const infinite = Float32Array.from([...good, ...good.with(3, Number.POSITIVE_INFINITY)]);
    await rejects(db.searchMany({ vectors: infinite }), 'NotFinite', { row: 1 });
    await rejects(db.searchMany({ vectors: [good], vector: good }), 'InvalidArgument', {
      argument: 'vector',
    });
  });
});

onEveryEngine('reindex and compact', ({ VectorDb }) => {
  it('change how neighbours are found and lose nothing', async () => {
    const db = await filled(VectorDb, 2_500);
    for (let row = 0; row < 500; row++) await db.delete(`r${row}`);
    await db.insert({ id: 'r700', vector: numbers(new Random(4), 1), metadata: { kept: true } });
    const vector = numbers(new Random(5), 1);
    const expected = await db.search({ vector, k: 40, exact: true });
    const used = db.getStats().memoryUsage;
    await db.compact();
    assert.ok(db.getStats().memoryUsage < used);
    for (const options of [
      { index: 'hnsw', hnswConfig: { m: 8 } },
      { index: 'scan', quantization: { type: 'rabitq', bits: 2 }, targetRecall: 0.95 },
      { quantization: 'product' },
      {},
    ]) {
      await db.reindex(options);
      const stats = db.getStats();
      assert.equal(stats.indexType, options.index ?? 'scan');
      assert.equal(stats.count, 2_000);
      assert.deepEqual((await db.get('r700')).metadata, { kept: true });
      assert.deepEqual(await db.search({ vector, k: 40, exact: true }), expected);
      const found = new Set((await db.search({ vector, k: 40 })).map(({ id }) => id));
      assert.ok(expected.filter(({ id }) => found.has(id)).length >= 37);
      // What was built is what is loaded from now on.
      await db.load(await db.toBytes());
      assert.equal(await db.len(), 2_000);
    }
  });

  it('refuses what the constructor refuses', async () => {
    const db = await filled(VectorDb, 5);
    await rejects(db.reindex({ index: 'flat' }), 'InvalidOption', { option: 'index' });
    await rejects(db.reindex({ dimensions: 3 }), 'InvalidOption', { option: 'dimensions' });
    await rejects(db.reindex(), 'InvalidOption', { option: 'options' });
    await rejects(db.reindex({ index: 'hnsw', targetRecall: 0.9 }), 'InvalidOption', {
      option: 'targetRecall',
    });
    assert.equal(db.getStats().indexType, 'scan');
  });
});

onEveryEngine('searchProgressive', ({ VectorDb }) => {
  it('gives estimates first and then what search gives', async () => {
    const db = await filled(VectorDb, 3_000);
    const vector = numbers(new Random(6), 1);
    const answers = [];
    for await (const answer of db.searchProgressive({ vector, k: 20 })) answers.push(answer);
    assert.deepEqual(
      answers.map(({ exact }) => exact),
      [false, true],
    );
    const [estimated, exact] = answers.map(({ hits }) => hits);
    assert.deepEqual(exact, await db.search({ vector, k: 20 }));
    assert.equal(estimated.length, 20);
    assert.notDeepEqual(estimated, exact);
    const near = new Set(exact.map(({ id }) => id));
    assert.ok(estimated.filter(({ id }) => near.has(id)).length >= 10);
  });
});

onEveryEngine('searches and changes', ({ VectorDb }) => {
  it('see each other in the order of the calls, also when a search could run at once', async () => {
    const db = new VectorDb({ dimensions: DIMENSIONS });
    const vector = numbers(new Random(7), 1);
    const calls = [];
    for (let round = 0; round < 50; round++) {
      calls.push(db.insert({ id: `r${round}`, vector }));
      calls.push(db.search({ vector, k: 100 }).then((hits) => assert.equal(hits.length, round + 1)));
    }
    await Promise.all(calls);
  });
});
