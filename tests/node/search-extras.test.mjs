// What a search brings along, and how it is given up.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

onEveryEngine('include', ({ VectorDb }) => {
  const vectors = { a: Float32Array.of(1, 0.5), b: Float32Array.of(0.25, 1) };
  async function filled() {
    const db = new VectorDb({ dimensions: 2 });
    for (const [id, vector] of Object.entries(vectors)) await db.insert({ id, vector, metadata: { id } });
    return db;
  }

  it('brings vectors and leaves metadata out, in every kind of search', async () => {
    const db = await filled();
    const include = { vector: true, metadata: false };
    const searches = [
      await db.search({ vector: [1, 0], include }),
      (await db.searchMany({ vectors: [[1, 0]], include }))[0],
      await db.search({ vector: [1, 0], k: 5_000, include }),
    ];
    for await (const { hits } of db.searchProgressive({ vector: [1, 0], include })) searches.push(hits);
    assert.equal(searches.length, 5);
    for (const hits of searches) {
      assert.deepEqual(
        hits.map(({ id, metadata, vector }) => ({ id, metadata, vector })),
        ['a', 'b'].map((id) => ({ id, metadata: {}, vector: vectors[id] })),
      );
    }
    const [plain] = await db.search({ vector: [1, 0], include: {} });
    assert.deepEqual(Object.keys(plain), ['id', 'score', 'distance', 'metadata']);
    assert.deepEqual(plain.metadata, { id: 'a' });
  });

  it('refuses what it does not know', async () => {
    const db = await filled();
    for (const [include, argument] of [
      [7, 'include'],
      [['vector'], 'include'],
      [{ vectors: true }, 'include.vectors'],
      [{ vector: 1 }, 'include.vector'],
    ]) {
      await rejects(() => db.search({ vector: [1, 0], include }), 'InvalidArgument', { argument });
    }
  });
});

onEveryEngine('rescore: false', ({ VectorDb }) => {
  it('gives the estimates that searchProgressive begins with, and finds less', async () => {
    const random = new Random(31);
    const [rows, dimensions, k] = [3_000, 32, 10];
    for (const options of [
      { quantization: { type: 'rabitq', bits: 1 } },
      { index: 'hnsw', quantization: 'scalar' },
    ]) {
      const db = new VectorDb({ dimensions, ...options });
      const ids = Array.from({ length: rows }, (_, row) => `${row}`);
      await db.insertBatch({ ids, vectors: random.vector(rows * dimensions) });
      let missed = 0;
      for (let query = 0; query < 10; query++) {
        const vector = random.vector(dimensions);
        const estimated = await db.search({ vector, k, rescore: false });
        const { value } = await db.searchProgressive({ vector, k }).next();
        assert.deepEqual(estimated, value.hits);
        assert.deepEqual(await db.search({ vector, k, rescore: true }), await db.search({ vector, k }));
        const exact = new Map(
          (await db.search({ vector, k, exact: true })).map((hit) => [hit.id, hit.score]),
        );
        missed += estimated.filter(({ id, score }) => exact.get(id) !== score).length;
      }
      assert.ok(missed > 10, `${missed} of 100 hits are not the exact ones`);
      await rejects(db.search({ vector: [1], rescore: 'no' }), 'InvalidArgument', { argument: 'rescore' });
      const both = { vector: random.vector(dimensions), rescore: false, exact: true };
      await rejects(db.search(both), 'InvalidArgument', { argument: 'rescore' });
      await db.close();
    }
  });
});

onEveryEngine('a search with a signal', ({ VectorDb }) => {
  it('is refused once aborted, given up while it waits, and otherwise not touched', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    await db.insert({ id: 'a', vector: [1] });
    const { signal } = new AbortController();
    assert.equal((await db.search({ vector: [1], signal })).length, 1);
    assert.equal((await db.searchMany({ vectors: [[1]], signal }))[0].length, 1);
    const reason = new Error('no longer wanted');
    const aborted = AbortSignal.abort(reason);
    for (const search of [
      () => db.search({ vector: [1], signal: aborted }),
      () => db.searchMany({ vectors: [[1]], signal: aborted }),
    ]) {
      const error = await rejects(search, 'Aborted', { reason: 'no longer wanted' });
      assert.equal(error.cause, reason);
    }
    const controller = new AbortController();
    let inserted = false;
    const rows = Array.from({ length: 200 }, (_, i) => ({ id: `${i}`, vector: [i] }));
    const insert = db.insertBatch(rows, { batchSize: 1 }).then(() => {
      inserted = true;
    });
    const search = db.search({ vector: [1], signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await rejects(search, 'Aborted');
    assert.equal(inserted, false, 'it does not wait for the writes before it');
    await insert;
    await rejects(() => db.search({ vector: [1], signal: 7 }), 'InvalidArgument', { argument: 'signal' });
  });
});

onEveryEngine('budget', ({ VectorDb }) => {
  it('ends a search, and the hits say whether it was enough', async () => {
    const random = new Random(5);
    const vectors = Array.from({ length: 5_000 }, () =>
      Float32Array.from({ length: 24 }, () => random.next() - 0.5),
    );
    for (const index of ['scan', 'hnsw']) {
      const db = new VectorDb({ dimensions: 24, index });
      await db.insertBatch(vectors.map((vector, row) => ({ id: `${row}`, vector })));
      const vector = vectors[7].map((x) => x * 0.9 + 0.05);
      const plain = await db.search({ vector });
      assert.equal('complete' in plain, false);
      const ample = await db.search({ vector, budget: 1_000_000 });
      assert.equal(ample.complete, true);
      assert.deepEqual([...ample], [...plain]);
      const scarce = await db.search({ vector, budget: 20, maxDistance: 2 });
      assert.equal(scarce.complete, false);
      assert.ok(scarce.length <= 10 && scarce.every(({ id, score }) => typeof id === 'string' && score <= 1));
      const many = await db.searchMany({ vectors: [vector, vectors[3]], budget: 1_000_000 });
      assert.deepEqual(
        many.map((hits) => [hits.complete, hits.length]),
        [
          [true, 10],
          [true, 10],
        ],
      );
      const byId = await db.search({ id: '7', budget: 20 });
      assert.equal(byId.complete, false);
      const nothing = await db.search({ vector, budget: 5, filter: { missing: 1 } });
      assert.deepEqual([nothing.complete, nothing.length], [true, 0]);
      for (const budget of [0, -1, 1.5, '9', Number.NaN]) {
        await rejects(() => db.search({ vector, budget }), 'InvalidArgument', { argument: 'budget' });
      }
      const diversify = { lambda: 0.5 };
      await rejects(() => db.search({ vector, budget: 9, diversify }), 'InvalidArgument', {
        argument: 'budget',
      });
    }
  });
});
