// A file at a URL of which only parts are fetched: the same answers for a part of the bytes, whatever the server does.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { RangeServer } from '../range-server.mjs';
import { onEveryEngine, rejects, wasm } from './engines.mjs';
import { Random } from './random.mjs';

const ROWS = 20_000;
const DIMENSIONS = 128;

const random = new Random(5);
const middles = Array.from({ length: 200 }, () => vectorAround(new Float32Array(DIMENSIONS), 1));
function vectorAround(middle, spread) {
  return middle.map((x) => x + spread * (random.next() - 0.5));
}
const question = () => vectorAround(middles[Math.floor(random.next() * middles.length)], 0.6);

let whole;
let bytes;
let server;
before(async () => {
  whole = new wasm.VectorDb({ dimensions: DIMENSIONS });
  await whole.insertBatch(
    Array.from({ length: ROWS }, (_, row) => ({
      id: `row ${row}`,
      vector: vectorAround(middles[row % middles.length], 0.6),
      metadata: { title: `The title of row ${row}`, year: 1950 + (row % 70), text: 'x'.repeat(100) },
    })),
  );
  await whole.compact();
  bytes = Buffer.from(await whole.toBytes());
  server = await new RangeServer(bytes).listen();
});
after(async () => {
  server.close();
  await whole.close();
});

/** Bytes with a flipped one. */
function damagedAt(at) {
  const damaged = Buffer.from(bytes);
  damaged[at] ^= 0x55;
  return damaged;
}

onEveryEngine('a file at a URL', ({ name, VectorDb }) => {
  const serve = async (behaviour, content = bytes) => {
    server.behaviour = behaviour;
    server.bytes = content;
    server.count();
  };
  const opened = async (behaviour, options) => {
    await serve(behaviour);
    return VectorDb.open(server.url, options);
  };

  it('is opened and searched for a part of its bytes, and gives the same hits', async () => {
    const db = await opened({});
    const opening = server.count();
    assert.ok(opening.requests <= 6, `${opening.requests} requests`);
    assert.ok(opening.sent < bytes.length / 8, `${opening.sent} bytes`);
    assert.ok(opening.ranges.every(Boolean), 'ranges only');
    let [most, all] = [0, 0];
    for (let query = 0; query < 20; query++) {
      const search = { vector: question(), k: 10 };
      assert.deepEqual(await db.search(search), await whole.search(search));
      const { requests, sent } = server.count();
      assert.ok(sent <= 1 << 20, `${sent} bytes for a search`);
      [most, all] = [Math.max(most, requests), all + sent];
    }
    assert.ok(opening.sent + all < bytes.length / 2);
    assert.equal((await db.health()).status, 'healthy');
    assert.equal(server.count().requests, 0, 'health() fetches nothing');
    console.log(
      `${name}: ${ROWS} x ${DIMENSIONS}, a file of ${bytes.length} bytes: opened with ${opening.requests} requests ` +
        `and ${opening.sent} bytes; 20 searches took ${all} bytes, ${most} requests at most`,
    );
    await db.close();
  });

  it('answers every question as the whole file does', async () => {
    const db = await opened({});
    const text = { diversify: { lambda: 0.5 }, groupBy: { field: 'year' } };
    const filter = { year: { $lt: 1960 } };
    const vectors = [question(), question(), question()];
    const asks = [
      (of) => of.search({ vector: vectors[0], filter, k: 20 }),
      (of) => of.search({ vector: vectors[1], ...text }),
      (of) => of.search({ vector: vectors[1], include: { vector: true } }),
      (of) => of.search({ id: 'row 77' }),
      (of) => of.searchMany({ vectors, k: 5 }),
      (of) => of.get('row 5000'),
      (of) => of.get('none'),
      (of) => of.getMany(['row 1', 'none', 'row 19999']),
      (of) => of.count(filter),
      (of) => of.search({ vector: vectors[2], exact: true, maxDistance: 0.4 }),
      (of) => of.measureRecall({ samples: 5 }),
    ];
    // All at once: they share what is fetched.
    const [found, wanted] = await Promise.all(
      [db, whole].map((of) => Promise.all(asks.map((ask) => ask(of)))),
    );
    assert.deepEqual(found, wanted);
    const rows = [];
    for await (const row of db.entries()) rows.push(row.id);
    assert.equal(rows.length, ROWS);
    assert.deepEqual(Buffer.from(await db.toBytes()), bytes);
    await db.verify();
    const { sent } = server.count();
    assert.ok(sent < 1.2 * bytes.length, `${sent} bytes, no part much more than once`);
    await rejects(db.insert({ vector: vectors[0] }), 'ReadOnly');
    assert.equal(db.getStats().originals, 'storage');
    await db.close();
  });

  it('is opened and searched the same with a graph, and where every search compares every row', async () => {
    const rows = Array.from({ length: 5_000 }, (_, row) => ({
      id: `${row}`,
      vector: vectorAround(middles[row % middles.length], 0.6),
    }));
    for (const options of [
      { hnswConfig: { m: 16 } },
      { index: 'hnsw', quantization: { type: 'none' } },
      { quantization: { type: 'none' } },
    ]) {
      const near = new wasm.VectorDb({ dimensions: DIMENSIONS, ...options });
      await near.insertBatch(rows);
      const content = Buffer.from(await near.toBytes());
      await serve({}, content);
      const db = await VectorDb.open(server.url);
      for (let query = 0; query < 5; query++) {
        const search = { vector: question(), k: 10 };
        assert.deepEqual(await db.search(search), await near.search(search));
      }
      const { requests, sent } = server.count();
      assert.ok(sent < 1.1 * content.length, `${sent} bytes of ${content.length}`);
      console.log(
        `${name}, ${JSON.stringify(options)}: ${requests} requests, ${sent} of ${content.length} bytes`,
      );
      await db.close();
      await near.close();
    }
  });

  it('is read faster and faster where it is read from end to end', async () => {
    const db = await opened({});
    server.count();
    // The metadata of every row, from which the column of a field is made.
    assert.equal(await db.count({ title: { $startsWith: 'The title of row 1999' } }), 11);
    const { requests, sent } = server.count();
    assert.ok(sent > 2 << 20 && requests < 20, `${requests} requests, ${sent} bytes`);
    await db.close();
  });

  it('keeps a bounded part of it, and checks again what it fetches again', async () => {
    const large = new wasm.VectorDb({ dimensions: 1024, quantization: { type: 'rabitq', bits: 1 } });
    const vectors = new Float32Array(1024 * 10_000).map(() => random.next() - 0.5);
    await large.insertBatch({ ids: Array.from({ length: 10_000 }, (_, row) => `${row}`), vectors });
    const content = Buffer.from(await large.toBytes());
    await serve({}, content);
    const db = await VectorDb.open(server.url);
    const search = { vector: vectors.subarray(0, 1024), k: 3, exact: true };
    const wanted = await large.search(search);
    assert.deepEqual(await db.search(search), wanted);
    assert.ok(server.count().sent > 40 << 20);
    assert.deepEqual(await db.search(search), wanted);
    const { sent } = server.count();
    assert.ok(sent > 4 << 20 && sent < 60 << 20, `${sent} bytes again`);
    // The directory stays as it was, so what is fetched now is not what its checksums are of.
    server.bytes = Buffer.from(content).fill(0, content.length - (39 << 20), content.length - (1 << 20));
    await rejects(db.search(search), 'Corrupt');
    server.bytes = content;
    await db.close();
    await large.close();
  });

  it('is taken whole where the server has no ranges, or what it says of them cannot be', async () => {
    const search = { vector: question(), k: 10 };
    const wanted = await whole.search(search);
    const behaviours = {
      'ignores ranges': { noRanges: true },
      'does not say which': { forge: () => ({ range: '' }) },
      'does not say how long the file is': {
        forge: ({ from, last }) => ({ range: `bytes ${from}-${last}/*` }),
      },
      'sends another range': {
        forge: ({ from, last, length }) => ({ range: `bytes ${from + 1}-${last}/${length}` }),
      },
      'sends less than it says': { forge: () => ({ body: bytes.subarray(0, 100) }) },
      'sends more than it says': { forge: () => ({ body: bytes }) },
    };
    for (const [what, behaviour] of Object.entries(behaviours)) {
      const db = await opened(behaviour);
      const { ranges } = server.count();
      assert.equal(ranges.length, behaviour.noRanges ? 1 : 2, what);
      assert.deepEqual(await db.search(search), wanted, what);
      assert.equal(server.count().requests, 0, what);
      await rejects(db.insert({ vector: search.vector }), 'ReadOnly');
      await db.close();
    }
  });

  it('is taken into memory if asked, and can be changed there', async () => {
    const db = await opened({}, { originals: 'memory' });
    assert.deepEqual(server.count().ranges, [undefined]);
    await db.insert({ id: 'new', vector: question() });
    assert.deepEqual([await db.len(), db.getStats().originals], [ROWS + 1, 'memory']);
    await db.close();
    await rejects(VectorDb.open(server.url, { originals: 'mapped' }), 'InvalidArgument');
    await rejects(VectorDb.open(server.url, { originals: 'disk' }), 'InvalidArgument', {
      argument: 'originals',
    });
    await rejects(VectorDb.open(server.url, { dimensions: 3 }), 'Mismatch', { option: 'dimensions' });
  });

  it('that changes is an error until it is opened anew, and never another answer', async () => {
    const search = { vector: question(), k: 10 };
    const wanted = await whole.search(search);
    const longer = Buffer.concat([bytes, Buffer.alloc(100)]);
    for (const [behaviour, content, code] of [
      [{ tag: '"two"' }, bytes, 'Changed'],
      [{ tag: '"two"', noRanges: true }, bytes, 'Changed'],
      [{ tag: '"one"' }, longer, 'Changed'],
      [{ tag: '"one"', noRanges: true }, longer, 'Changed'],
      [{ tag: '"one"' }, bytes.subarray(0, 1_000), 'Changed'],
      // A server that does not tell: checksums do.
      [{}, damagedAt(0).fill(1, bytes.length - 10_000_000, bytes.length - 100_000), 'Corrupt'],
    ]) {
      const db = await opened({});
      await serve(behaviour, content);
      await rejects(db.search(search), code);
      await serve({});
      assert.deepEqual(await db.search(search), wanted);
      await db.close();
    }
    // A server whose ranges are gone sends the same file whole.
    const db = await opened({});
    await serve({ noRanges: true });
    assert.deepEqual(await db.search(search), wanted);
    await db.close();
  });

  it('that fails is Io, and is asked again by the next call', async () => {
    const search = { vector: question(), k: 10 };
    const wanted = await whole.search(search);
    const lies = ({ from, last, length }) => ({ range: `bytes ${from + 4096}-${last + 4096}/${length}` });
    for (const [behaviour, reason] of [
      [{ status: 503 }, /status 503/],
      [{ status: 404 }, /status 404/],
      [{ forge: lies }, /other bytes/],
      [{ forge: () => ({ body: bytes }) }, /more than/],
      [{ forge: () => ({ body: bytes.subarray(0, 10) }) }, /10 of/],
      [{ cut: () => true }, /./],
    ]) {
      const db = await opened({});
      server.behaviour = behaviour;
      await rejects(db.search(search), 'Io', { reason });
      server.behaviour = {};
      assert.deepEqual(await db.search(search), wanted);
      await db.close();
    }
    await serve({ status: 500 });
    await rejects(VectorDb.open(server.url), 'Io', { reason: /status 500/ });
    const cutOnce = new Set();
    const db = await opened({
      cut: (range) => !cutOnce.has(range) && cutOnce.add(range),
    });
    assert.equal(server.count().requests, 2 * cutOnce.size, 'what was cut was asked for again');
    assert.deepEqual(await db.search(search), wanted);
    await db.close();
  });

  it('that is damaged is Corrupt, in what is read at once and in what is read by a search', async () => {
    for (const at of [10, 4_100, 8_200, 100_000, 1 << 20, bytes.length - 70_000, bytes.length - 30]) {
      await serve({}, damagedAt(at));
      const search = async () => {
        const db = await VectorDb.open(server.url);
        // Looks at every vector, and at the metadata of every row.
        await db
          .search({ vector: question(), exact: true, filter: { year: { $gt: 0 } } })
          .finally(() => db.close());
      };
      await rejects(search(), 'Corrupt');
    }
    await serve({}, Buffer.from('nothing of the kind'));
    await rejects(VectorDb.open(server.url), 'Corrupt');
    await serve({}, Buffer.alloc(0));
    await rejects(VectorDb.open(server.url), 'Corrupt');
  });

  it('is given up at once by a signal', async () => {
    const db = await opened({});
    server.behaviour = { delay: 300 };
    const begin = performance.now();
    const search = db.search({ vector: question(), signal: AbortSignal.timeout(20) });
    await rejects(search, 'Aborted');
    assert.ok(performance.now() - begin < 250);
    await db.close();
  });
});
