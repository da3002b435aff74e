import assert from 'node:assert/strict';
import { it } from 'node:test';
import vm from 'node:vm';
import { onEveryEngine, rejects } from './engines.mjs';

onEveryEngine('metadata', ({ VectorDb }) => {
  const open = () => new VectorDb({ dimensions: 1, distanceMetric: 'dot' });

  it('comes back as it was given, from get and from search', async () => {
    const db = open();
    const metadata = {
      text: 'quote " backslash \\ newline \n nul \0 separator \u2028 emoji 👋',
      '': 'empty key',
      numbers: [0, -1, 0.1, 0.1 + 0.2, 1e21, 5e-324, 1.7976931348623157e308, 2 ** 53 + 2],
      nested: { deep: [{ er: [[], {}, null, true, false] }] },
      'dotted.key': 1,
    };
    await db.insert({ id: 'a', vector: [1], metadata });
    assert.deepEqual((await db.get('a')).metadata, metadata);
    assert.deepEqual((await db.search({ vector: [1] }))[0].metadata, metadata);
    const reopened = open();
    await reopened.load(await db.toBytes());
    assert.deepEqual((await reopened.get('a')).metadata, metadata);
  });

  it('keeps keys such as __proto__ as data', async () => {
    const db = open();
    const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1}';
    await db.insert({ id: 'a', vector: [1], metadata: JSON.parse(text) });
    for (const metadata of [(await db.get('a')).metadata, (await db.search({ vector: [1] }))[0].metadata]) {
      assert.equal(JSON.stringify(metadata), text);
      assert.ok(Object.hasOwn(metadata, '__proto__'));
    }
    assert.equal({}.polluted, undefined);
  });

  it('turns dates into ISO strings and leaves undefined properties out', async () => {
    const db = open();
    const date = new Date('2026-11-22T20:00:00.123Z');
    const metadata = { date, list: [date], gone: undefined, kept: null };
    await db.insert({ id: 'a', vector: [1], metadata });
    const iso = '2026-11-22T20:00:00.123Z';
    assert.deepEqual((await db.get('a')).metadata, { date: iso, list: [iso], kept: null });
  });

  it('may be an object without a prototype or of another realm', async () => {
    const db = open();
    const bare = Object.assign(Object.create(null), { a: 1 });
    const foreign = vm.runInNewContext('({ list: [1, { b: 2 }], at: new Date(0) })');
    await db.insertBatch([
      { id: 'bare', vector: [1], metadata: bare },
      { id: 'foreign', vector: [1], metadata: foreign },
    ]);
    assert.deepEqual((await db.get('bare')).metadata, { a: 1 });
    assert.deepEqual((await db.get('foreign')).metadata, {
      list: [1, { b: 2 }],
      at: '1970-01-01T00:00:00.000Z',
    });
  });

  it('is copied at the call', async () => {
    const db = open();
    const metadata = { n: 1 };
    const inserted = db.insert({ id: 'a', vector: [1], metadata });
    metadata.n = 2;
    await inserted;
    assert.deepEqual((await db.get('a')).metadata, { n: 1 });
  });

  it('that JSON would change silently is refused with the path to it', async () => {
    const db = open();
    class Movie {}
    const cycle = { a: [{}] };
    cycle.a[0].b = cycle;
    const deep = {};
    let level = deep;
    for (let i = 0; i < 101; i++) level = level.in = {};
    const bad = [
      [{ a: { b: [1, Number.NaN] } }, /at a\.b\[1\] is NaN/],
      [{ a: Number.POSITIVE_INFINITY }, /at a is Infinity/],
      [{ a: () => 1 }, /at a is a function/],
      [{ a: Symbol('s') }, /at a is a symbol/],
      [{ a: 1n }, /at a is a bigint/],
      [{ a: [undefined] }, /at a\[0\] is undefined/],
      [{ a: new Array(2) }, /at a\[0\] is undefined/],
      [cycle, /at a\[0\]\.b contains itself/],
      [deep, /nested deeper than 100 levels/],
      [{ a: new Map() }, /at a is a Map/],
      [{ a: new Set() }, /at a is a Set/],
      [{ a: new Float32Array(2) }, /at a is a Float32Array/],
      [{ a: new Movie() }, /at a is an object/],
      [{ a: new Date(Number.NaN) }, /at a is an invalid Date/],
      [{ a: '\ud800' }, /at a is not well-formed/],
      [{ '\ud800': 1 }, /has a key with half/],
      [{ [Symbol('s')]: 1 }, /has the key Symbol\(s\)/],
      [[1], /must be an object, not an array/],
      ['text', /must be an object, not a string/],
      [7, /must be an object, not a number/],
      [new Map(), /must be an object, not a Map/],
    ];
    for (const [metadata, reason] of bad) {
      await rejects(db.insert({ id: 'a', vector: [1], metadata }), 'InvalidMetadata', { reason, row: 0 });
      const batch = [{ vector: [1] }, { id: 'a', vector: [1], metadata }];
      await rejects(db.insertBatch(batch), 'InvalidMetadata', { reason, row: 1 });
    }
    assert.equal(await db.len(), 0);
  });

  it('may name one object twice, which is no cycle, and be a hundred levels deep', async () => {
    const db = open();
    const shared = { n: 1 };
    const metadata = { a: shared, b: [shared, shared] };
    let level = metadata;
    for (let i = 0; i < 99; i++) level = level.in = {};
    await db.insert({ id: 'a', vector: [1], metadata });
    assert.deepEqual((await db.get('a')).metadata, metadata);
  });
});
