// Random operations against the model, on every metric and both quantizations.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { onEveryEngine } from './engines.mjs';
import { assertExact, METRICS, Model, recall } from './model.mjs';
import { Random } from './random.mjs';

const STEPS = process.env.ANNYWHERE_FULL ? 2000 : 250;
const SEEDS = process.env.ANNYWHERE_FULL ? [1, 2, 3, 4, 5, 6, 7, 8] : [1, 2];

/** Few ids, so that rows are replaced and deleted often. */
const IDS = Array.from({ length: 90 }, (_, i) => (i % 7 === 0 ? `ключ-${i}-鍵` : `id ${i}`));

onEveryEngine('random operations', ({ VectorDb }) => {
  for (const distanceMetric of METRICS) {
    const quantizations = distanceMetric === 'manhattan' ? ['none'] : ['none', 'scalar'];
    for (const quantization of quantizations) {
      for (const seed of SEEDS) {
        it(`agree with the model: ${distanceMetric}, ${quantization}, seed ${seed}`, () =>
          run(VectorDb, { distanceMetric, quantization }, seed));
      }
    }
  }
});

async function run(VectorDb, options, seed) {
  const random = new Random(seed);
  const dimensions = random.pick([1, 3, 8, 17, 40]);
  const db = new VectorDb({ dimensions, ...options, hnswConfig: { m: 6, efConstruction: 40, efSearch: 40 } });
  const model = new Model(options.distanceMetric);
  const row = () => {
    const id = random.pick(IDS);
    const metadata = random.next() < 0.5 ? { n: random.integer(0, 9), tags: [id, null, true] } : undefined;
    return { id, vector: random.integerVector(dimensions), ...(metadata && { metadata }) };
  };
  for (let step = 0; step < STEPS; step++) {
    const chance = random.next();
    if (chance < 0.4) {
      const given = row();
      assert.equal(await db.insert(given), given.id);
      model.insert(given.id, given.vector, given.metadata);
    } else if (chance < 0.5) {
      const batch = new Map(
        Array.from({ length: random.integer(0, 12) }, row).map((given) => [given.id, given]),
      );
      assert.deepEqual(await db.insertBatch(batch.values()), [...batch.keys()]);
      for (const { id, vector, metadata } of batch.values()) model.insert(id, vector, metadata);
    } else if (chance < 0.75) {
      const id = random.pick(IDS);
      assert.equal(await db.delete(id), model.delete(id), `delete of ${id} at step ${step}`);
    } else {
      await compareSearches(db, model, random, dimensions);
    }
    assert.equal(await db.len(), model.rows.size, `len at step ${step}`);
    const id = random.pick(IDS);
    const expected = model.rows.get(id);
    assert.deepEqual(await db.get(id), expected ? { id, ...expected } : null, `get of ${id} at step ${step}`);
  }
  assert.equal(db.getStats().count, model.rows.size);
  await db.close();
}

async function compareSearches(db, model, random, dimensions) {
  const vector = random.integerVector(dimensions);
  const k = random.integer(1, 120);
  assertExact(await db.search({ vector, k, exact: true }), model, vector, k);
  const hits = await db.search({ vector, k });
  assert.equal(hits.length, Math.min(k, model.rows.size), 'the graph returns as many hits as there are');
  assert.ok(hits.every((hit) => model.rows.has(hit.id)));
  if (hits.length > 0) assert.ok(recall(hits, model, vector, k) >= 0.9, `recall at k = ${k}`);
}

onEveryEngine('a larger database', ({ VectorDb }) => {
  it('finds at least 95 of 100 true neighbours through the graph, also after deletes and replacements', async () => {
    const random = new Random(11);
    const dimensions = 24;
    const db = new VectorDb({ dimensions });
    const model = new Model('cosine');
    const rows = Array.from({ length: 3000 }, (_, i) => ({ id: `r${i}`, vector: random.vector(dimensions) }));
    await db.insertBatch(rows);
    for (const { id, vector } of rows) model.insert(id, vector);
    const measure = async () => {
      let sum = 0;
      const queries = 40;
      for (let i = 0; i < queries; i++) {
        const vector = random.vector(dimensions);
        const hits = await db.search({ vector, k: 10 });
        assert.equal(hits.length, 10);
        assert.ok(hits.every((hit) => model.rows.has(hit.id)));
        sum += recall(hits, model, vector, 10);
      }
      return sum / queries;
    };
    assert.ok((await measure()) >= 0.95);
    for (let i = 0; i < 3000; i += 3) {
      assert.equal(await db.delete(`r${i}`), true);
      model.delete(`r${i}`);
    }
    const replaced = Array.from({ length: 1000 }, (_, i) => ({
      id: `r${3 * i + 1}`,
      vector: random.vector(dimensions),
    }));
    await db.insertBatch(replaced);
    for (const { id, vector } of replaced) model.insert(id, vector);
    assert.equal(await db.len(), 2000);
    assert.ok((await measure()) >= 0.95);
  });

  it('returns k hits when most rows have been deleted', async () => {
    const random = new Random(12);
    const db = new VectorDb({ dimensions: 16 });
    const rows = Array.from({ length: 1000 }, (_, i) => ({ id: String(i), vector: random.vector(16) }));
    await db.insertBatch(rows);
    for (let i = 0; i < 900; i++) await db.delete(String(i));
    const hits = await db.search({ vector: random.vector(16), k: 10 });
    assert.equal(hits.length, 10);
    assert.ok(hits.every((hit) => Number(hit.id) >= 900));
    assert.equal((await db.search({ vector: random.vector(16), k: 5000 })).length, 100);
  });
});
