// A database in one call: a store that is there or is made, a file from wherever it comes, and what its saving says.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { onEveryEngine, rejects } from './engines.mjs';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'annywhere-open-'));
after(() => fs.rmSync(root, { recursive: true, force: true }));
let count = 0;
const fresh = () => path.join(root, `${count++}`);

onEveryEngine('VectorDb.open', ({ VectorDb }) => {
  let file;
  let server;
  before(async () => {
    file = path.join(fresh(), 'saved.annw');
    const db = new VectorDb({ dimensions: 3, distanceMetric: 'euclidean' });
    await db.insert({ id: 'a', vector: [1, 2, 3], metadata: { n: 1 } });
    await db.save(file);
    await db.close();
    server = createServer((request, response) => {
      if (request.url !== '/saved.annw') return response.writeHead(404).end();
      return response.writeHead(200).end(fs.readFileSync(file));
    });
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  });
  after(() => server.close());

  it('makes the store where there is none, at once, and opens it where there is one', async () => {
    const storagePath = path.join(fresh(), 'deep');
    const db = await VectorDb.open({ dimensions: 2, storagePath });
    assert.ok(db instanceof VectorDb);
    assert.ok(fs.existsSync(storagePath));
    await db.insert({ id: 'a', vector: [1, 2] });
    await db.close();
    const again = await VectorDb.open({ dimensions: 2, storagePath });
    assert.equal(await again.len(), 1);
    await again.close();
  });

  it('takes the dimensions of what is there, also for reading only', async () => {
    const storagePath = fresh();
    const db = await VectorDb.open({ dimensions: 6, storagePath, maxElements: 10, distanceMetric: 'dot' });
    await db.insert({ id: 'a', vector: [1, 2, 3, 4, 5, 6] });
    const reader = await VectorDb.open({ storagePath, readOnly: true });
    assert.deepEqual([reader.getStats().dimensions, await reader.len()], [6, 1]);
    await reader.close();
    await db.close();
    const quantization = { type: 'rabitq', bits: 4 };
    const again = await VectorDb.open({ storagePath, quantization, maxElements: 10 });
    assert.deepEqual([again.getStats().dimensions, again.getStats().distanceMetric], [6, 'dot']);
    await again.insert({ id: 'b', vector: [6, 5, 4, 3, 2, 1] });
    await again.close();
  });

  it('refuses what it cannot know or do, and holds nothing afterwards', async () => {
    const storagePath = fresh();
    await rejects(VectorDb.open({ storagePath }), 'InvalidOption', { option: 'dimensions' });
    assert.equal(fs.existsSync(storagePath), false);
    await rejects(VectorDb.open({ dimensions: 2 }), 'InvalidOption', { option: 'storagePath' });
    await rejects(VectorDb.open({ dimensions: 2, storagePath, originals: 'storage' }), 'InvalidOption');
    await rejects(VectorDb.open({ dimensions: 2, storagePath, dimension: 2 }), 'InvalidOption');
    await (await VectorDb.open({ dimensions: 2, storagePath })).close();
    await rejects(VectorDb.open({ dimensions: 3, storagePath }), 'Mismatch', { option: 'dimensions' });
    await rejects(VectorDb.open({ storagePath, distanceMetric: 'dot' }), 'Mismatch', {
      option: 'distanceMetric',
    });
    await rejects(VectorDb.open(file, { storagePath }), 'InvalidOption', { option: 'storagePath' });
    await rejects(VectorDb.open(7), 'InvalidArgument', { argument: 'source' });
    await rejects(VectorDb.open(path.join(root, 'nothing')), 'Io');
    await rejects(VectorDb.open(new Uint8Array(100)), 'Corrupt');
    await (await VectorDb.open({ dimensions: 2, storagePath })).close();
  });

  it('opens a file by its path, its URL, its bytes, and what has them', async () => {
    const url = `http://127.0.0.1:${server.address().port}/saved.annw`;
    const bytes = fs.readFileSync(file);
    const sources = [
      file,
      pathToFileURL(file),
      url,
      new URL(url),
      new Uint8Array(bytes),
      new Uint8Array(bytes).buffer,
      new Blob([bytes]),
      await fetch(url),
    ];
    for (const source of sources) {
      const db = await VectorDb.open(source);
      assert.deepEqual(await db.get('a'), {
        id: 'a',
        vector: Float32Array.of(1, 2, 3),
        metadata: { n: 1 },
      });
      assert.equal(db.getStats().distanceMetric, 'euclidean');
      await db.close();
    }
    await rejects(VectorDb.open(`${url}.gone`), 'Io', { reason: /404/ });
    await rejects(VectorDb.open(await fetch(`${url}.gone`)), 'Io', { reason: /404/ });
    await rejects(VectorDb.open('http://127.0.0.1:1/none.annw'), 'Io');
  });

  it('leaves vectors in the file if asked', async () => {
    const db = await VectorDb.open(file, { originals: 'storage' });
    assert.equal(db.getStats().originals, 'storage');
    await rejects(db.insert({ vector: [1, 2, 3] }), 'ReadOnly');
    await db.close();
    await rejects(
      VectorDb.open(new Uint8Array(fs.readFileSync(file)), { originals: 'storage' }),
      'InvalidArgument',
    );
  });

  it('save and backup say what they wrote', async () => {
    const storagePath = fresh();
    const db = await VectorDb.open({ dimensions: 2, storagePath });
    await db.insert({ id: 'a', vector: [1, 2] });
    const before = db.getStats();
    assert.equal(before.diskUsage, sizeOf(storagePath, before.generation));
    const inStore = await db.save();
    const { generation } = db.getStats();
    assert.ok(generation > before.generation);
    const name = `segment-${generation.toString(16).padStart(16, '0')}.annw`;
    assert.deepEqual(inStore, { bytes: fs.statSync(path.join(storagePath, name)).size, generation });
    const copies = [path.join(fresh(), 'one.annw'), path.join(fresh(), 'two.annw')];
    const infos = [await db.save(copies[0]), await db.backup(copies[1])];
    const contents = fs.readFileSync(copies[0]);
    const checksum = contents.subarray(32, 48).toString('hex');
    assert.deepEqual(infos[0], { bytes: contents.length, checksum });
    assert.deepEqual(infos[1], infos[0]);
    await db.insert({ id: 'b', vector: [1, 2] });
    assert.notEqual((await db.save(copies[0])).checksum, checksum);
    await db.close();
  });
});

/** The header of a journal holds no changes (FORMAT.md). */
const JOURNAL_HEADER = 128;

/** Bytes of the segment of a generation and of the changes in its journal. */
function sizeOf(folder, generation) {
  const digits = generation.toString(16).padStart(16, '0');
  const files = [`segment-${digits}.annw`, `journal-${digits}.annj`].map((name) => path.join(folder, name));
  return files.reduce((sum, file) => sum + fs.statSync(file).size, -JOURNAL_HEADER);
}
