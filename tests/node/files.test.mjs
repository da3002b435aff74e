import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, it } from 'node:test';
import { native, onEveryEngine, rejects, wasm } from './engines.mjs';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'annywhere-files-'));
after(() => fs.rmSync(root, { recursive: true, force: true }));

let count = 0;
/** A path in a folder that does not exist yet. */
const fresh = (name = 'db.annw') => path.join(root, `${count++}`, 'deep', name);
const names = (file) => fs.readdirSync(path.dirname(file));

onEveryEngine('save and load', ({ VectorDb }) => {
  const options = { dimensions: 2, distanceMetric: 'dot' };
  const filled = async (extra = {}) => {
    const db = new VectorDb({ ...options, ...extra });
    await db.insertBatch([
      { id: 'a', vector: [1, 2], metadata: { n: 1 } },
      { id: 'b', vector: [3, 4] },
    ]);
    return db;
  };

  it('write one file with the bytes of toBytes, create its folders and leave nothing else', async () => {
    const db = await filled();
    const file = fresh('größe 鍵.annw');
    await db.save(file);
    assert.deepEqual(fs.readFileSync(file), Buffer.from(await db.toBytes()));
    await db.insert({ id: 'c', vector: [5, 6] });
    await db.save(file);
    assert.deepEqual(fs.readFileSync(file), Buffer.from(await db.toBytes()));
    assert.deepEqual(names(file), [path.basename(file)]);
    const copy = new VectorDb(options);
    await copy.load(file);
    assert.equal(await copy.len(), 3);
    assert.deepEqual(await copy.get('a'), { id: 'a', vector: Float32Array.of(1, 2), metadata: { n: 1 } });
  });

  it('take relative paths from the current folder', async () => {
    const db = await filled();
    const file = fresh();
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const before = process.cwd();
    process.chdir(path.dirname(file));
    try {
      await db.save('relative.annw');
      await db.load('./relative.annw');
      await db.load(path.resolve('relative.annw'));
    } finally {
      process.chdir(before);
    }
    assert.deepEqual(names(file), ['relative.annw']);
  });

  it('refuse what cannot be a file, and change nothing', async () => {
    const db = await filled();
    const file = fresh();
    await rejects(db.load(file), 'Io', { reason: /No such file|ENOENT/ });
    await rejects(db.load(root), 'Io');
    await rejects(db.save(root), 'Io');
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'not a database');
    await rejects(db.load(file), 'Corrupt');
    await rejects(db.save(path.join(file, 'below a file.annw')), 'Io');
    const folder = fresh('a folder');
    fs.mkdirSync(folder, { recursive: true });
    await rejects(db.save(folder), 'Io');
    assert.deepEqual(names(folder), ['a folder'], 'no temporary file stays');
    await rejects(db.save(), 'InvalidArgument', { argument: 'path' });
    for (const bad of ['', 7, null, {}, 'nul\0']) {
      await rejects(db.save(bad), 'InvalidArgument', { argument: 'path' });
    }
    for (const bad of ['', 'nul\0']) await rejects(db.load(bad), 'InvalidArgument', { argument: 'source' });
    assert.equal(await db.len(), 2);
    assert.deepEqual(names(file), [path.basename(file)], 'no temporary file stays');
    assert.equal(fs.readFileSync(file, 'utf8'), 'not a database');
  });

  it('follow a link to its file and never replace what is no file', async () => {
    const db = await filled();
    const [file, link, pipe] = [fresh('file.annw'), fresh('link.annw'), fresh('pipe')];
    for (const place of [file, link, pipe]) fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.writeFileSync(file, 'old');
    fs.symlinkSync(file, link);
    await db.save(link);
    assert.ok(fs.lstatSync(link).isSymbolicLink());
    assert.deepEqual(fs.readFileSync(file), Buffer.from(await db.toBytes()));
    execFileSync('mkfifo', [pipe]);
    await rejects(db.save(pipe), 'Io', { reason: /not a file/ });
    assert.ok(fs.statSync(pipe).isFIFO());
  });

  it('of a file cut off at any length refuse it', async () => {
    const file = fresh();
    await (await filled()).save(file);
    const bytes = fs.readFileSync(file);
    const db = new VectorDb(options);
    for (let length = 0; length < bytes.length; length += 97) {
      fs.truncateSync(file, 0);
      fs.writeFileSync(file, bytes.subarray(0, length));
      await rejects(db.load(file), 'Corrupt');
    }
    assert.equal(await db.len(), 0);
  });
});

it('a file saved by one engine is opened by the other', {
  skip: native ? false : 'no native engine here',
}, async () => {
  for (const [writer, reader] of [
    [native, wasm],
    [wasm, native],
  ]) {
    const file = fresh();
    const db = new writer.VectorDb({ dimensions: 3 });
    await db.insert({ id: 'a', vector: [1, 2, 3], metadata: { writer: writer.name } });
    await db.save(file);
    const copy = new reader.VectorDb({ dimensions: 3 });
    await copy.load(file);
    assert.deepEqual((await copy.get('a')).metadata, { writer: writer.name });
    const [hit] = await copy.search({ vector: [1, 2, 3] });
    assert.equal(hit.id, 'a');
  }
});
