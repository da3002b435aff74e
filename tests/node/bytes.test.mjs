// One file for every engine, and no bytes that harm.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contentOf, native, onEveryEngine, rejects, wasm } from './engines.mjs';
import { METRICS } from './model.mjs';
import { Random } from './random.mjs';

const FULL = Boolean(process.env.ANNYWHERE_FULL);

/** A database after a mixture of operations that leaves replaced and deleted rows behind. */
async function grown({ VectorDb }, options, seed) {
  const random = new Random(seed);
  const db = new VectorDb(options);
  const { dimensions } = options;
  for (let i = 0; i < 12; i++) {
    const entries = Array.from({ length: 25 }, (_, j) => ({
      id: `${(i * 25 + j * 7) % 211}`,
      vector: random.vector(dimensions),
      ...(j % 3 === 0 && { metadata: { i, j, text: 'ü'.repeat(j) } }),
    }));
    await db.insertBatch(new Map(entries.map((entry) => [entry.id, entry])).values());
    await db.insert({ id: `single ${i}`, vector: random.vector(dimensions) });
    for (let j = 0; j < 9; j++) await db.delete(`${random.integer(0, 210)}`);
  }
  return db;
}

describe('native and WebAssembly', { skip: native ? false : 'no native engine here' }, () => {
  for (const distanceMetric of METRICS) {
    for (const quantization of distanceMetric === 'manhattan' ? ['none'] : ['none', 'scalar']) {
      it(`give the same bytes and the same answers: ${distanceMetric}, ${quantization}`, async () => {
        const options = {
          dimensions: 19,
          distanceMetric,
          quantization,
          hnswConfig: { m: 6, efConstruction: 40 },
        };
        const dbs = [await grown(native, options, 31), await grown(wasm, options, 31)];
        const bytes = await Promise.all(dbs.map((db) => db.toBytes()));
        assert.deepEqual(bytes[0], bytes[1]);
        const swapped = [new native.VectorDb(options), new wasm.VectorDb(options)];
        await swapped[0].load(bytes[1]);
        await swapped[1].load(bytes[0]);
        const random = new Random(32);
        for (let i = 0; i < 30; i++) {
          const query = { vector: random.vector(19), k: 12, exact: i % 5 === 0 };
          const [first, ...others] = await Promise.all([...dbs, ...swapped].map((db) => db.search(query)));
          assert.equal(first.length, 12);
          // Strict equality of numbers: every bit of every score.
          for (const hits of others) assert.deepEqual(hits, first);
        }
        for (const db of swapped) assert.deepEqual(await db.toBytes(), bytes[0]);
      });
    }
  }

  it('grow into the same bytes again after loading the same bytes', async () => {
    const options = { dimensions: 12 };
    const bytes = await (await grown(native, options, 33)).toBytes();
    const dbs = [new native.VectorDb(options), new wasm.VectorDb(options)];
    const random = new Random(34);
    const more = Array.from({ length: 80 }, (_, i) => ({ id: `more ${i}`, vector: random.vector(12) }));
    for (const db of dbs) {
      await db.load(bytes);
      await db.insertBatch(more);
      await db.delete('more 7');
    }
    assert.deepEqual(await dbs[0].toBytes(), await dbs[1].toBytes());
  });
});

onEveryEngine('bytes', ({ VectorDb }) => {
  const options = { dimensions: 3, hnswConfig: { m: 2, efConstruction: 4 } };
  const small = async () => {
    const db = new VectorDb(options);
    await db.insertBatch([
      { id: 'a', vector: [1, 2, 3], metadata: { n: 1 } },
      { id: 'b', vector: [3, 2, 1] },
      { id: 'c', vector: [2, 2, 2], metadata: { n: [1, 'x'] } },
    ]);
    await db.delete('b');
    return db;
  };

  it('hold rows, metadata and graph: a loaded database answers alike and writes the same bytes', async () => {
    const db = await grown({ VectorDb }, { dimensions: 8 }, 41);
    const copy = new VectorDb({ dimensions: 8 });
    const bytes = await db.toBytes();
    await copy.load(bytes);
    assert.equal(await copy.len(), await db.len());
    assert.deepEqual(await copy.toBytes(), bytes);
    const random = new Random(42);
    for (let i = 0; i < 10; i++) {
      const query = { vector: random.vector(8), k: 7 };
      assert.deepEqual(await copy.search(query), await db.search(query));
    }
  });

  it('of an empty database load as an empty database', async () => {
    const bytes = await new VectorDb(options).toBytes();
    const db = await small();
    await db.load(bytes);
    assert.equal(await db.len(), 0);
    assert.deepEqual(await db.search({ vector: [1, 1, 1] }), []);
  });

  it('may be a Buffer, an ArrayBuffer or a view, and are copied at the call', async () => {
    const bytes = await (await small()).toBytes();
    const padded = new Uint8Array(bytes.length + 7);
    padded.set(bytes, 3);
    for (const source of [Buffer.from(bytes), bytes.slice().buffer, padded.subarray(3, 3 + bytes.length)]) {
      const db = new VectorDb(options);
      const loading = db.load(source);
      new Uint8Array(source.buffer ?? source).fill(0);
      await loading;
      assert.equal(await db.len(), 2);
    }
    const db = new VectorDb(options);
    for (const source of [undefined, null, 7, {}, [1, 2], new Float32Array(4), new Blob([])]) {
      await rejects(db.load(source), 'InvalidArgument', { argument: 'source' });
    }
  });

  it('cut off anywhere are refused, and the content stays', async () => {
    const db = await small();
    const bytes = await db.toBytes();
    const other = new VectorDb(options);
    await other.insert({ id: 'kept', vector: [1, 1, 1] });
    const before = await contentOf(other);
    // Every length near both ends and near every multiple of 64, where parts begin; a stride of 13 between.
    for (let length = 0; length < bytes.length; length++) {
      const near = length < 300 || length > bytes.length - 300 || length % 64 < 2 || length % 64 > 62;
      if (!near && length % 13 !== 0) continue;
      await rejects(other.load(bytes.subarray(0, length)), 'Corrupt');
    }
    assert.equal(await contentOf(other), before);
    assert.equal((await other.search({ vector: [1, 1, 1] }))[0].id, 'kept');
  });

  it('with any one byte changed are refused, or hold the same content', async () => {
    const db = await small();
    const bytes = await db.toBytes();
    const content = async (database) => [
      await database.get('a'),
      await database.get('b'),
      await database.get('c'),
      await database.search({ vector: [1, 2, 3], k: 5 }),
    ];
    const expected = await content(db);
    const victim = new VectorDb(options);
    let refused = 0;
    for (let at = 0; at < bytes.length; at++) {
      // Most of a small file is padding: of that every 31st byte will do, away from what it pads.
      const padding = bytes.subarray(Math.max(0, at - 2), at + 3).every((byte) => byte === 0);
      if (!FULL && padding && at % 31 !== 0) continue;
      for (const change of at < 512 ? [0x01, 0x80, 0xff] : [0xff]) {
        bytes[at] ^= change;
        try {
          await victim.load(bytes);
          assert.deepEqual(await content(victim), expected, `byte ${at} ^ ${change}`);
        } catch (error) {
          assert.equal(error.name, 'AnnywhereError', `byte ${at} ^ ${change}: ${error.stack}`);
          assert.ok(['Corrupt', 'VersionTooNew', 'Mismatch'].includes(error.code), `${at}: ${error.message}`);
          refused++;
        }
        bytes[at] ^= change;
      }
    }
    assert.ok(refused > 100, `only ${refused} changes were noticed`);
    await victim.load(bytes);
    assert.deepEqual(await content(victim), expected);
  });

  it('of something else are refused', async () => {
    const db = await small();
    const before = await contentOf(db);
    const random = new Random(43);
    const noise = (length) => Uint8Array.from({ length }, () => random.integer(0, 255));
    const foreign = [
      new Uint8Array(0),
      new Uint8Array(4096),
      new Uint8Array(4096).fill(255),
      Buffer.from('SQLite format 3\0'.padEnd(5000, 'x')),
      Buffer.from('{"json":true}'),
      ...[1, 63, 64, 65, 1000, 10_000].map(noise),
      Buffer.concat([(await db.toBytes()).subarray(0, 64), noise(2000)]),
    ];
    for (const bytes of foreign) await rejects(db.load(bytes), 'Corrupt');
    await rejects(db.load(Buffer.concat([await db.toBytes(), Buffer.from('tail')])), 'Corrupt');
    assert.equal(await contentOf(db), before);
  });

  it('that contradict the options are refused with both values', async () => {
    const bytes = await (await small()).toBytes();
    const contradictions = [
      [{ dimensions: 4 }, 'dimensions', /4/, /3/],
      [{ dimensions: 3, distanceMetric: 'dot' }, 'distanceMetric', /dot/, /cosine/],
      [{ dimensions: 3, quantization: 'scalar' }, 'quantization', /scalar/, /none/],
      [{ dimensions: 3, hnswConfig: { m: 16 } }, 'hnswConfig.m', /16/, /2/],
    ];
    for (const [given, option, expected, received] of contradictions) {
      await rejects(new VectorDb(given).load(bytes), 'Mismatch', { option, expected, received });
    }
    const silent = new VectorDb({ dimensions: 3, hnswConfig: { efSearch: 99 } });
    await silent.load(bytes);
    assert.deepEqual(silent.getStats().hnswConfig, { m: 2, efConstruction: 4, efSearch: 99 });
  });
});
