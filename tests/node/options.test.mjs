import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { it } from 'node:test';
import { onEveryEngine, rejects } from './engines.mjs';

const manifest = createRequire(import.meta.url).resolve('annywhere/package.json');
const declarations = readFileSync(path.join(path.dirname(manifest), 'dist/types.d.ts'), 'utf8');

onEveryEngine('options', ({ VectorDb }) => {
  it('are all in force, and the defaults are those of the documentation', async () => {
    const documented = (name) => {
      const [, value] = declarations.match(new RegExp(`Default (\\d+)\\. \\*/\\s+${name}\\?: number`));
      return Number(value);
    };
    const db = new VectorDb({ dimensions: 17 });
    const { dimensions, distanceMetric, hnswConfig, quantization, indexType } = db.getStats();
    assert.deepEqual(
      { dimensions, distanceMetric, hnswConfig, quantization, indexType },
      {
        dimensions: 17,
        distanceMetric: 'cosine',
        hnswConfig: {
          m: documented('m'),
          efConstruction: documented('efConstruction'),
          efSearch: documented('efSearch'),
        },
        quantization: 'scalar',
        indexType: 'hnsw',
      },
    );
    const options = {
      dimensions: 7,
      distanceMetric: 'dot',
      hnswConfig: { m: 5, efConstruction: 50, efSearch: 20 },
      quantization: 'none',
    };
    const stats = new VectorDb({ ...options, maxElements: 10 }).getStats();
    for (const [name, value] of Object.entries(options)) assert.deepEqual(stats[name], value);
    for (const uncoded of [{ dimensions: 16 }, { dimensions: 300, distanceMetric: 'manhattan' }]) {
      assert.equal(new VectorDb(uncoded).getStats().quantization, 'none');
    }
  });

  it('maxElements reserves memory and limits nothing', async () => {
    const small = new VectorDb({ dimensions: 2 });
    const large = new VectorDb({ dimensions: 2, maxElements: 100_000 });
    assert.ok(large.getStats().memoryUsage > small.getStats().memoryUsage);
    const tight = new VectorDb({ dimensions: 2, maxElements: 2 });
    await tight.insertBatch(Array.from({ length: 9 }, (_, i) => ({ vector: [1, i] })));
    assert.equal(await tight.len(), 9);
  });

  it('quantization none needs no memory for codes', async () => {
    const entries = Array.from({ length: 50 }, (_, i) => ({ id: `${i}`, vector: [1, i] }));
    const codes = async (quantization) => {
      const db = new VectorDb({ dimensions: 2, quantization });
      await db.insertBatch(entries);
      return db.getStats().memory.codes;
    };
    assert.equal(await codes('none'), 0);
    assert.ok((await codes('scalar')) > 0);
  });

  it('that are unknown are refused by the constructor, with the name that was probably meant', async () => {
    const meant = [
      ['dimension', 'dimensions'],
      ['metric', undefined],
      ['distancemetric', 'distanceMetric'],
      ['storagepath', 'storagePath'],
      ['maxElement', 'maxElements'],
      ['hnsw', undefined],
      ['quantisation', 'quantization'],
      ['__proto', undefined],
    ];
    for (const [name, known] of meant) {
      const options = { dimensions: 3, [name]: 1 };
      const error = await rejects(() => new VectorDb(options), 'InvalidOption', { option: name });
      assert.match(error.message, known ? new RegExp(`did you mean ${known}\\?`) : /known are dimensions/);
    }
    const nested = { dimensions: 3, hnswConfig: { M: 16 } };
    const error = await rejects(() => new VectorDb(nested), 'InvalidOption', { option: 'hnswConfig.M' });
    assert.match(error.message, /did you mean m\?/);
  });

  it('outside their range are refused by the constructor, with the range', async () => {
    const bad = {
      dimensions: [undefined, null, 0, -1, 1.5, 65_537, Number.NaN, '3', [3]],
      distanceMetric: ['cos', 'l2', null, 7],
      storagePath: ['', 7, null, {}],
      maxElements: [0, -1, 2 ** 31, 1.5, '10'],
      quantization: ['int8', null, true, { type: 'product', subspaces: 8, k: 256 }],
      hnswConfig: [null, 7, 'm', []],
    };
    for (const [name, values] of Object.entries(bad)) {
      for (const value of values) {
        await rejects(() => new VectorDb({ dimensions: 3, [name]: value }), 'InvalidOption', {
          option: name,
        });
      }
    }
    const graph = {
      m: [1, 257, 2.5, '16'],
      efConstruction: [0, 65_537, null],
      efSearch: [0, 65_537, Number.NaN],
    };
    for (const [name, values] of Object.entries(graph)) {
      for (const value of values) {
        const options = { dimensions: 3, hnswConfig: { [name]: value } };
        await rejects(() => new VectorDb(options), 'InvalidOption', { option: `hnswConfig.${name}` });
      }
    }
    for (const options of [undefined, null, 3, 'dimensions', [3]]) {
      await rejects(() => new VectorDb(options), 'InvalidOption', { option: 'options' });
    }
    const contradiction = { dimensions: 3, distanceMetric: 'manhattan', quantization: 'scalar' };
    await rejects(() => new VectorDb(contradiction), 'InvalidOption', { option: 'quantization' });
  });

  it('at the ends of their ranges work', async () => {
    const wide = new VectorDb({ dimensions: 65_536, maxElements: 1 });
    const vector = new Float32Array(65_536).fill(0.5);
    await wide.insert({ id: 'a', vector });
    assert.equal((await wide.search({ vector }))[0].id, 'a');
    for (const hnswConfig of [
      { m: 2, efConstruction: 1, efSearch: 1 },
      { m: 256, efConstruction: 65_536, efSearch: 65_536 },
    ]) {
      const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot', hnswConfig });
      await db.insertBatch(Array.from({ length: 30 }, (_, i) => ({ id: `${i}`, vector: [i] })));
      assert.equal((await db.search({ vector: [1], k: 30 })).length, 30);
    }
  });

  it('count only as own properties, and undefined means absent', async () => {
    const inherited = Object.assign(Object.create({ distanceMetric: 'dot' }), { dimensions: 2 });
    assert.equal(new VectorDb(inherited).getStats().distanceMetric, 'cosine');
    const absent = {
      dimensions: 2,
      distanceMetric: undefined,
      hnswConfig: { m: undefined },
      storagePath: undefined,
    };
    assert.equal(new VectorDb(absent).getStats().hnswConfig.m, 16);
    Object.prototype.exact = 7;
    try {
      const db = new VectorDb({ dimensions: 2 });
      assert.deepEqual(await db.search({ vector: [1, 1] }), []);
    } finally {
      delete Object.prototype.exact;
    }
  });

  it('are read once, at construction', async () => {
    const options = { dimensions: 2, hnswConfig: { m: 4 } };
    const db = new VectorDb(options);
    options.dimensions = 3;
    options.hnswConfig.m = 9;
    await db.insert({ id: 'a', vector: [1, 2] });
    assert.equal(db.getStats().hnswConfig.m, 4);
  });
});

onEveryEngine('statistics', ({ VectorDb, name }) => {
  it('count rows and bytes, and name the engine', async () => {
    const db = new VectorDb({ dimensions: 8 });
    await db.insertBatch(
      Array.from({ length: 100 }, (_, i) => ({
        id: `${i}`,
        vector: new Float32Array(8).fill(i + 1),
        metadata: { i },
      })),
    );
    const stats = db.getStats();
    assert.equal(stats.count, 100);
    assert.equal(stats.deleted, 0);
    assert.equal(stats.implementation, name);
    assert.ok(['avx2', 'simd128', 'neon', 'none'].includes(stats.simd));
    if (name === 'wasm') assert.equal(stats.simd, 'simd128');
    assert.deepEqual(Object.keys(stats.memory), ['vectors', 'codes', 'graph', 'ids', 'metadata']);
    assert.equal(
      stats.memoryUsage,
      Object.values(stats.memory).reduce((sum, bytes) => sum + bytes),
    );
    assert.ok(stats.memory.vectors >= 100 * 8 * 4);
    await db.delete('3');
    await db.insert({ id: '4', vector: new Float32Array(8).fill(1) });
    const after = db.getStats();
    assert.equal(after.count, 99);
    assert.equal(after.deleted, 2);
  });
});
