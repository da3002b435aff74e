// Bad input is refused with a code, the numbers and a sentence, and changes nothing.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import vm from 'node:vm';
import { contentOf, onEveryEngine, rejects } from './engines.mjs';

onEveryEngine('vectors', ({ VectorDb }) => {
  /** Runs `body` on a database of one row and checks that the row is still all there is. */
  const unchanged = async (options, body) => {
    const db = new VectorDb({ dimensions: 3, ...options });
    await db.insert({ id: 'kept', vector: [1, 2, 3], metadata: { a: 1 } });
    const before = await contentOf(db);
    await body(db);
    assert.equal(await contentOf(db), before, 'the content has changed');
    assert.equal(await db.len(), 1);
  };

  it('of another length are refused with both lengths', () =>
    unchanged({}, async (db) => {
      for (const length of [0, 1, 2, 4, 6]) {
        const details = { expected: 3, received: length };
        for (const vector of [new Float32Array(length).fill(1), new Array(length).fill(1)]) {
          await rejects(db.insert({ id: 'x', vector }), 'WrongDimension', details);
          await rejects(db.search({ vector }), 'WrongDimension', details);
        }
      }
      const good = { id: 'g', vector: [1, 1, 1] };
      await rejects(db.insertBatch([good, { id: 'b', vector: [1, 1] }]), 'WrongDimension', {
        row: 1,
        received: 2,
      });
    }));

  it('with NaN, an infinity or a number beyond 32 bits are refused with the component', () =>
    unchanged({}, async (db) => {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e39]) {
        for (const vector of [Float32Array.of(1, 1, bad), [1, 1, bad]]) {
          await rejects(db.insert({ id: 'x', vector }), 'NotFinite', { component: 2, row: 0 });
          await rejects(db.search({ vector }), 'NotFinite', { component: 2, row: undefined });
          const batch = [{ vector: [1, 1, 1] }, { vector: [1, 1, 1] }, { vector }];
          await rejects(db.insertBatch(batch), 'NotFinite', { component: 2, row: 2 });
        }
      }
      await rejects(db.search({ vector: [1, 1, 1e39] }), 'NotFinite', { value: '1e+39' });
    }));

  it('of zeros are refused by a cosine database and taken by the others', async () => {
    await unchanged({}, async (db) => {
      await rejects(db.insert({ id: 'x', vector: [0, 0, 0] }), 'ZeroVector', { row: 0 });
      await rejects(db.search({ vector: [0, 0, 0] }), 'ZeroVector');
    });
    for (const distanceMetric of ['euclidean', 'dot', 'manhattan']) {
      const db = new VectorDb({ dimensions: 3, distanceMetric });
      await db.insert({ id: 'zero', vector: [0, 0, 0] });
      assert.equal((await db.search({ vector: [0, 0, 0] }))[0].id, 'zero');
    }
  });

  it('so long that distances overflow are refused', () =>
    unchanged({ distanceMetric: 'euclidean' }, async (db) => {
      await rejects(db.insert({ id: 'x', vector: [3e38, 3e38, 3e38] }), 'TooLarge', { row: 0 });
      await rejects(db.search({ vector: [3e38, 3e38, 3e38] }), 'TooLarge');
    }));

  it('of any other kind are refused with the remedy', () =>
    unchanged({}, async (db) => {
      const kinds = [
        undefined,
        null,
        'abc',
        7,
        {},
        { length: 3, 0: 1, 1: 1, 2: 1 },
        new Float64Array(3).fill(1),
        new Int8Array(3).fill(1),
        new Uint8Array(3).fill(1),
        Buffer.from([1, 1, 1]),
        new ArrayBuffer(12),
        new DataView(new ArrayBuffer(12)),
        new Set([1, 2, 3]),
      ];
      for (const vector of kinds) {
        await rejects(db.insert({ id: 'x', vector }), 'InvalidArgument', { argument: 'vector of row 0' });
        await rejects(db.search({ vector }), 'InvalidArgument', { argument: 'vector' });
      }
      const error = await rejects(db.search({ vector: new Float64Array(3) }), 'InvalidArgument');
      assert.match(error.message, /Float32Array\.from/);
      for (const component of ['x', '1', null, undefined, 1n, {}, [1]]) {
        const vector = [1, component, 1];
        await rejects(db.insert({ id: 'x', vector }), 'InvalidArgument', { reason: /component 1/ });
      }
      await rejects(db.search({ vector: new Array(3) }), 'InvalidArgument', { reason: /component 0/ });
    }));

  it('are taken from views, shared memory and other realms, and are copied at the call', async () => {
    const db = new VectorDb({ dimensions: 3, distanceMetric: 'euclidean' });
    const memory = new Float32Array([9, 1, 2, 3, 9]);
    const shared = new Float32Array(new SharedArrayBuffer(12));
    shared.set([4, 5, 6]);
    const foreign = vm.runInNewContext('new Float32Array([7, 8, 9])');
    const inserts = [
      db.insert({ id: 'view', vector: memory.subarray(1, 4) }),
      db.insert({ id: 'shared', vector: shared }),
      db.insert({ id: 'foreign', vector: foreign }),
      db.insertBatch({ ids: ['column'], vectors: memory.subarray(1, 4) }),
    ];
    memory.fill(0);
    shared.fill(0);
    await Promise.all(inserts);
    assert.deepEqual((await db.get('view')).vector, Float32Array.of(1, 2, 3));
    assert.deepEqual((await db.get('shared')).vector, Float32Array.of(4, 5, 6));
    assert.deepEqual((await db.get('foreign')).vector, Float32Array.of(7, 8, 9));
    assert.deepEqual((await db.get('column')).vector, Float32Array.of(1, 2, 3));
    const query = Float32Array.of(7, 8, 9);
    const search = db.search({ vector: query, k: 1 });
    query.fill(0);
    assert.equal((await search)[0].id, 'foreign');
  });

  it('on detached memory are refused', () =>
    unchanged({}, async (db) => {
      const vector = Float32Array.of(1, 2, 3);
      structuredClone(vector.buffer, { transfer: [vector.buffer] });
      await rejects(db.insert({ id: 'x', vector }), 'WrongDimension', { received: 0 });
    }));

  it('come back as they were given', async () => {
    const db = new VectorDb({ dimensions: 4 });
    const vector = Float32Array.of(1e-20, -0, 3.4e15, 0.1);
    await db.insert({ id: 'a', vector });
    assert.deepEqual((await db.get('a')).vector, vector);
    const row = await db.get('a');
    row.vector.fill(7);
    assert.deepEqual((await db.get('a')).vector, vector, 'a row is a copy');
  });
});

onEveryEngine('ids', ({ VectorDb }) => {
  it('may be any well-formed string', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    const ids = [
      'a',
      ' ',
      '0',
      '__proto__',
      'constructor',
      'null',
      'å',
      '日本語',
      '👩‍👩‍👧',
      'a\0b',
      '"\\\n',
      'x'.repeat(65_535),
      '鍵'.repeat(21_845),
    ];
    await db.insertBatch(ids.map((id, i) => ({ id, vector: [i] })));
    assert.equal(await db.len(), ids.length);
    const hits = await db.search({ vector: [1], k: 100 });
    assert.deepEqual(hits.map((hit) => hit.id).sort(), [...ids].sort());
    for (const [i, id] of ids.entries())
      assert.deepEqual(await db.get(id), { id, vector: Float32Array.of(i), metadata: {} });
    for (const id of ids) assert.equal(await db.delete(id), true);
    assert.equal(await db.len(), 0);
  });

  it('of any other kind are refused with the reason', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    const bad = [
      [1, /'1'/],
      [0, /'0'/],
      [1n, /strings/],
      ['', /empty/],
      [null, /null/],
      [{}, /an object/],
      [Symbol('s'), /a symbol/],
      ['\ud800', /well-formed/],
      ['a\udc00b', /well-formed/],
      ['x'.repeat(65_536), /65536 bytes/],
      ['鍵'.repeat(21_846), /65538 bytes/],
    ];
    for (const [id, reason] of bad) {
      await rejects(db.insert({ id, vector: [1] }), 'InvalidId', { reason, row: 0 });
      await rejects(db.insertBatch([{ vector: [1] }, { id, vector: [1] }]), 'InvalidId', { reason, row: 1 });
      await rejects(db.insertBatch({ ids: [id], vectors: Float32Array.of(1) }), 'InvalidId', {
        reason,
        row: 0,
      });
      await rejects(db.get(id), 'InvalidId', { reason });
      await rejects(db.delete(id), 'InvalidId', { reason });
    }
    await rejects(db.get(undefined), 'InvalidId');
    assert.equal(await db.len(), 0);
  });

  it('are made when absent: random UUIDs, each new', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    const ids = await db.insertBatch(Array.from({ length: 50 }, (_, i) => ({ vector: [i] })));
    ids.push(await db.insert({ vector: [50] }));
    assert.equal(new Set(ids).size, 51);
    for (const id of ids)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(await db.len(), 51);
    assert.deepEqual((await db.get(ids[7])).vector, Float32Array.of(7));
  });

  it('in use are replaced, with vector and metadata, and leave no ghost', async () => {
    const db = new VectorDb({ dimensions: 2 });
    await db.insert({ id: 'a', vector: [1, 0], metadata: { old: true } });
    await db.insert({ id: 'b', vector: [1, 1] });
    await db.insert({ id: 'a', vector: [0, 1] });
    assert.equal(await db.len(), 2);
    const hits = await db.search({ vector: [1, 0], k: 10 });
    assert.deepEqual(
      hits.map(({ id, metadata }) => [id, metadata]),
      [
        ['b', {}],
        ['a', {}],
      ],
    );
    assert.deepEqual((await db.get('a')).vector, Float32Array.of(0, 1));
  });
});

onEveryEngine('batches', ({ VectorDb }) => {
  it('may be any iterable of entries', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    function* entries() {
      for (let i = 0; i < 5; i++) yield { id: `g${i}`, vector: [i] };
    }
    assert.deepEqual(await db.insertBatch(entries()), ['g0', 'g1', 'g2', 'g3', 'g4']);
    assert.deepEqual(await db.insertBatch(new Set([{ id: 's', vector: [1] }])), ['s']);
    assert.deepEqual(await db.insertBatch([]), []);
    assert.equal(await db.len(), 6);
  });

  it('may be columns', async () => {
    const db = new VectorDb({ dimensions: 2, distanceMetric: 'dot' });
    const ids = ['a', 'b', 'c'];
    const vectors = Float32Array.of(1, 2, 3, 4, 5, 6);
    assert.deepEqual(await db.insertBatch({ ids, vectors, metadata: [{ n: 1 }, null, undefined] }), ids);
    assert.deepEqual(await db.get('b'), { id: 'b', vector: Float32Array.of(3, 4), metadata: {} });
    assert.deepEqual((await db.get('a')).metadata, { n: 1 });
    assert.deepEqual(await db.insertBatch({ ids: [], vectors: new Float32Array() }), []);
  });

  it('with one bad row are refused whole, and the error names the row', async () => {
    const db = new VectorDb({ dimensions: 2 });
    await db.insert({ id: 'kept', vector: [1, 0] });
    const before = await contentOf(db);
    const good = (i) => ({ id: `new ${i}`, vector: [1, i] });
    const bad = [
      [{ id: 'bad', vector: [0, 0] }, 'ZeroVector'],
      [{ id: 'bad', vector: [Number.NaN, 0] }, 'NotFinite'],
      [{ id: 'bad', vector: Float32Array.of(Number.NaN, 0) }, 'NotFinite'],
      [{ id: 'bad', vector: [1] }, 'WrongDimension'],
      [{ id: '', vector: [1, 1] }, 'InvalidId'],
      [{ id: 'bad', vector: [1, 1], metadata: [1] }, 'InvalidMetadata'],
      [{ id: 'bad', vector: [1, 1], metadata: { x: Number.NaN } }, 'InvalidMetadata'],
    ];
    for (const [entry, code] of bad) {
      for (const row of [0, 3, 7]) {
        const entries = Array.from({ length: 8 }, (_, i) => (i === row ? entry : good(i)));
        await rejects(db.insertBatch(entries), code, { row });
        assert.equal(await contentOf(db), before);
      }
    }
    const twice = [good(0), good(1), { id: 'new 0', vector: [1, 1] }];
    await rejects(db.insertBatch(twice), 'DuplicateId', { id: 'new 0', first: 0, second: 2 });
    assert.equal(await contentOf(db), before);
    assert.equal(await db.len(), 1);
  });

  it('of another shape are refused', async () => {
    const db = new VectorDb({ dimensions: 2 });
    for (const given of [undefined, null, 7, 'text', {}, { vector: [1, 1] }]) {
      await rejects(db.insertBatch(given), 'InvalidArgument', { argument: 'entries' });
    }
    for (const entry of [null, 7, 'text', [1, 1]]) {
      await rejects(db.insertBatch([{ vector: [1, 1] }, entry]), 'InvalidArgument', { argument: 'row 1' });
      await rejects(db.insert(entry), 'InvalidArgument', { argument: 'row 0' });
    }
    const misspelt = await rejects(db.insert({ id: 'a', vectr: [1, 1] }), 'InvalidArgument');
    assert.match(misspelt.message, /did you mean vector\?/);
    const vectors = Float32Array.of(1, 1, 1, 1);
    await rejects(db.insertBatch({ ids: ['a'], vectors }), 'InvalidArgument', {
      argument: 'vectors',
      reason: /4 numbers/,
    });
    await rejects(db.insertBatch({ ids: ['a', 'b'], vectors: [1, 1, 1, 1] }), 'InvalidArgument', {
      argument: 'vectors',
    });
    await rejects(db.insertBatch({ ids: 'ab', vectors }), 'InvalidArgument', { argument: 'ids' });
    await rejects(db.insertBatch({ vectors }), 'InvalidArgument', { argument: 'ids' });
    await rejects(db.insertBatch({ ids: ['a', 'b'], vectors, metadata: [{}] }), 'InvalidArgument', {
      argument: 'metadata',
    });
    await rejects(db.insertBatch({ ids: ['a', 'b'], vectors, names: [] }), 'InvalidArgument', {
      argument: 'names',
    });
    assert.equal(await db.len(), 0);
  });

  it('pass an error of the iterable on and change nothing', async () => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    function* entries() {
      yield { id: 'a', vector: [1] };
      throw new RangeError('the source broke');
    }
    await assert.rejects(db.insertBatch(entries()), /the source broke/);
    assert.equal(await db.len(), 0);
  });
});
