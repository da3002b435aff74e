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
    const scan = new VectorDb({ dimensions: 17 }).getStats();
    const { dimensions, distanceMetric, targetRecall } = scan;
    assert.deepEqual(
      {
        dimensions,
        distanceMetric,
        targetRecall,
        quantization: scan.quantization,
        indexType: scan.indexType,
      },
      {
        dimensions: 17,
        distanceMetric: 'cosine',
        targetRecall: 0.99,
        quantization: { type: 'rabitq', bits: 4 },
        indexType: 'scan',
      },
    );
    assert.ok(!('hnswConfig' in scan));
    const graph = new VectorDb({ dimensions: 17, index: 'hnsw' }).getStats();
    assert.ok(!('targetRecall' in graph));
    assert.deepEqual(
      { hnswConfig: graph.hnswConfig, quantization: graph.quantization, indexType: graph.indexType },
      {
        hnswConfig: {
          m: documented('m'),
          efConstruction: documented('efConstruction'),
          efSearch: documented('efSearch'),
        },
        quantization: { type: 'scalar' },
        indexType: 'hnsw',
      },
    );
    const options = {
      dimensions: 7,
      distanceMetric: 'dot',
      hnswConfig: { m: 5, efConstruction: 50, efSearch: 20 },
      quantization: { type: 'none' },
    };
    const stats = new VectorDb({ ...options, maxElements: 10 }).getStats();
    for (const [name, value] of Object.entries(options)) assert.deepEqual(stats[name], value);
    for (const uncoded of [
      { dimensions: 16, index: 'hnsw' },
      { dimensions: 300, distanceMetric: 'manhattan' },
      { dimensions: 300, distanceMetric: 'manhattan', index: 'scan' },
    ]) {
      assert.deepEqual(new VectorDb(uncoded).getStats().quantization, { type: 'none' });
    }
  });

  it('index and quantization choose each other, and a name is short for an object', () => {
    const cases = [
      [{ dimensions: 300 }, 'scan', { type: 'rabitq', bits: 1 }],
      [{ dimensions: 128, index: 'auto', quantization: 'auto' }, 'scan', { type: 'rabitq', bits: 2 }],
      [{ dimensions: 128, quantization: { type: 'rabitq', bits: 4 } }, 'scan', { type: 'rabitq', bits: 4 }],
      [{ dimensions: 10, quantization: 'product' }, 'scan', { type: 'product', subspaces: 8, k: 16 }],
      [
        { dimensions: 10, hnswConfig: {}, quantization: 'product' },
        'hnsw',
        { type: 'product', subspaces: 3, k: 256 },
      ],
      [
        { dimensions: 768, quantization: { type: 'product', subspaces: 8, k: 256 } },
        'hnsw',
        { type: 'product', subspaces: 8, k: 256 },
      ],
      [{ dimensions: 128, index: 'hnsw', quantization: 'rabitq' }, 'hnsw', { type: 'rabitq', bits: 2 }],
      [{ dimensions: 10, quantization: 'none' }, 'scan', { type: 'none' }],
      [{ dimensions: 128, hnswConfig: {} }, 'hnsw', { type: 'scalar' }],
      [{ dimensions: 128, quantization: { type: 'scalar' } }, 'hnsw', { type: 'scalar' }],
      [{ dimensions: 128, distanceMetric: 'manhattan' }, 'hnsw', { type: 'none' }],
    ];
    for (const [options, indexType, quantization] of cases) {
      const stats = new VectorDb(options).getStats();
      assert.deepEqual([stats.indexType, stats.quantization], [indexType, quantization]);
    }
  });

  it('that contradict each other are refused by the constructor', async () => {
    const contradictions = [
      [{ index: 'scan', hnswConfig: {} }, 'hnswConfig'],
      [{ index: 'scan', quantization: 'scalar' }, 'quantization'],
      [{ index: 'hnsw', quantization: { type: 'product', k: 16 } }, 'quantization.k'],
      [{ hnswConfig: {}, quantization: { type: 'product', subspaces: 11 } }, 'quantization.subspaces'],
      [{ index: 'hnsw', targetRecall: 0.9 }, 'targetRecall'],
      [{ distanceMetric: 'manhattan', quantization: 'scalar' }, 'quantization'],
      [{ distanceMetric: 'manhattan', index: 'scan', quantization: 'rabitq' }, 'quantization'],
      [{ quantization: { type: 'rabitq', bits: 3 } }, 'quantization.bits'],
      [{ quantization: { type: 'rabitq', subspaces: 4 } }, 'quantization.subspaces'],
      [{ quantization: { type: 'product', subspaces: 6 } }, 'quantization.subspaces'],
      [{ index: 'scan', quantization: { type: 'product', k: 256 } }, 'quantization.k'],
      [{ quantization: {} }, 'quantization.type'],
    ];
    for (const [options, option] of contradictions) {
      await rejects(() => new VectorDb({ dimensions: 8, ...options }), 'InvalidOption', { option });
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

  it('precision f16 rounds vectors, and its files are half as large and say so', async () => {
    const vectors = Array.from({ length: 300 }, (_, row) =>
      Float32Array.from({ length: 64 }, (_, at) => Math.sin(row * 64 + at)),
    );
    const query = vectors[7].map((x) => x + 0.01);
    const of = async (precision) => {
      const db = new VectorDb({ dimensions: 64, precision });
      await db.insertBatch(vectors.map((vector, row) => ({ id: `${row}`, vector })));
      return { db, bytes: await db.toBytes(), kept: (await db.get('7')).vector };
    };
    const [whole, half] = [await of(undefined), await of('f16')];
    assert.deepEqual([whole.db.getStats().precision, half.db.getStats().precision], ['f32', 'f16']);
    assert.deepEqual(whole.kept, vectors[7]);
    assert.ok(whole.bytes.length - half.bytes.length > 300 * 64 * 2 - 4_096, `${half.bytes.length}`);
    const worst = Math.max(...half.kept.map((x, at) => Math.abs(x - vectors[7][at])));
    assert.ok(worst > 0 && worst <= 1 / 4_096, `${worst}`);
    const reopened = await VectorDb.open(half.bytes);
    assert.equal(reopened.getStats().precision, 'f16');
    assert.deepEqual(await reopened.search({ vector: query }), await half.db.search({ vector: query }));
    await rejects(() => new VectorDb({ dimensions: 64, precision: 'f8' }), 'InvalidOption', {
      option: 'precision',
    });
    const huge = new Float32Array(64).fill(70_000);
    await rejects(() => half.db.insert({ id: 'huge', vector: huge }), 'TooLarge');
    assert.equal(await half.db.len(), 300);
    const other = new VectorDb({ dimensions: 64, precision: 'f32' });
    await rejects(() => other.load(half.bytes), 'Mismatch', { option: 'precision' });
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
      quantization: ['int8', null, true, 8],
      index: ['ivf', null, 7],
      targetRecall: [0.4, 1.1, '0.9', Number.NaN, null],
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
    assert.ok(['avx512', 'avx2', 'simd128', 'relaxed-simd', 'neon', 'none'].includes(stats.simd));
    if (name === 'wasm') assert.match(stats.simd, /simd/);
    const parts = ['vectors', 'codes', 'graph', 'ids', 'metadata', 'words', 'columns'];
    assert.deepEqual(Object.keys(stats.memory), parts);
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

  it('maxElements is a hint, unless maxElementsPolicy makes it a limit', async () => {
    const rows = (...ids) => ids.map((id) => ({ id, vector: [1] }));
    const growing = new VectorDb({ dimensions: 1, maxElements: 1, maxElementsPolicy: 'grow' });
    await growing.insertBatch(rows('a', 'b'));
    const db = new VectorDb({ dimensions: 1, maxElements: 3, maxElementsPolicy: 'error' });
    await db.insertBatch(rows('a', 'b'));
    await rejects(db.insertBatch(rows('a', 'c', 'd')), 'Full', { limit: 3, rows: 4 });
    assert.deepEqual([await db.len(), await db.has('c')], [2, false]);
    await db.insertBatch(rows('a', 'b', 'c'));
    await rejects(db.insert({ vector: [1] }), 'Full');
    await db.insertBatch(rows('c', 'b', 'a'));
    await db.delete('a');
    await db.insert({ id: 'z', vector: [1] });
    const inSteps = db.insertBatch(rows('z', 'y'), { batchSize: 1 });
    await rejects(inSteps, 'Full', { inserted: 1 });
    await db.load(await growing.toBytes());
    assert.equal(await db.len(), 2);
    const refused = [{ maxElementsPolicy: 'error' }, { maxElements: 3, maxElementsPolicy: 'drop' }];
    for (const options of refused) {
      await rejects(() => new VectorDb({ dimensions: 1, ...options }), 'InvalidOption', {
        option: 'maxElementsPolicy',
      });
    }
  });
});
