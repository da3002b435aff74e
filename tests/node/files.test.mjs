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

onEveryEngine('storagePath', ({ VectorDb }) => {
  const open = (storagePath, extra) => new VectorDb({ dimensions: 2, storagePath, ...extra });

  it('is not touched by the constructor, by reading, or by closing an unchanged database', async () => {
    const file = fresh();
    const db = open(file);
    assert.equal(fs.existsSync(path.dirname(file)), false);
    assert.equal(await db.len(), 0);
    assert.deepEqual(await db.search({ vector: [1, 1] }), []);
    assert.equal(await db.delete('nothing'), false);
    await db.close();
    assert.equal(fs.existsSync(path.dirname(file)), false);
  });

  it('keeps the database from one opening to the next', async () => {
    const file = fresh();
    const first = open(file);
    await first.insert({ id: 'a', vector: [1, 2], metadata: { n: 1 } });
    await first.close();
    assert.ok(fs.existsSync(file));
    const second = open(file);
    assert.equal((await second.search({ vector: [1, 2] }))[0].id, 'a');
    await second.insert({ id: 'b', vector: [2, 1] });
    await second.delete('a');
    await second.save();
    const third = open(file);
    assert.deepEqual([await third.get('a'), (await third.get('b')).id, await third.len()], [null, 'b', 1]);
    await third.close();
    await second.close();
    assert.deepEqual(names(file), ['db.annw']);
  });

  it('is written by close only if something has changed since it was saved', async () => {
    const file = fresh();
    const db = open(file);
    await db.insert({ id: 'a', vector: [1, 2] });
    await db.save();
    fs.rmSync(file);
    await db.close();
    assert.equal(fs.existsSync(file), false, 'nothing had changed');
    const changed = open(file);
    await changed.insert({ id: 'a', vector: [1, 2] });
    await changed.save();
    await changed.save(`${file}.elsewhere`);
    await changed.delete('a');
    fs.rmSync(file);
    await changed.close();
    assert.equal(fs.existsSync(file), true, 'a row had been deleted');
  });

  it('can be loaded by its name, whether it is open or not', async () => {
    const file = fresh();
    const db = open(file);
    await db.insert({ id: 'a', vector: [1, 2] });
    await db.save();
    await db.insert({ id: 'unsaved', vector: [1, 2] });
    await db.load(file);
    assert.equal(await db.len(), 1);
    const again = open(file);
    await again.load(file);
    assert.equal(await again.len(), 1);
    fs.rmSync(file);
    await again.close();
    assert.equal(fs.existsSync(file), false, 'the content was that of the file');
  });

  it('receives on close what was loaded from elsewhere', async () => {
    const elsewhere = fresh();
    const other = new VectorDb({ dimensions: 2 });
    await other.insert({ id: 'x', vector: [1, 2] });
    await other.save(elsewhere);
    for (const source of [elsewhere, await other.toBytes()]) {
      const file = fresh();
      const db = open(file);
      await db.load(source);
      await db.close();
      assert.deepEqual(fs.readFileSync(file), fs.readFileSync(elsewhere));
    }
  });

  it('over damaged bytes never becomes an empty database', async () => {
    const file = fresh();
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'something else');
    const db = open(file);
    await rejects(db.len(), 'Corrupt');
    await rejects(db.insert({ id: 'a', vector: [1, 2] }), 'Corrupt');
    await rejects(() => db.getStats(), 'EngineUnavailable');
    await db.close();
    assert.equal(fs.readFileSync(file, 'utf8'), 'something else');
  });

  it('that cannot be looked at is an error and not an empty database', async () => {
    const file = fresh();
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, '');
    await rejects(open(path.join(file, 'below.annw')).len(), 'Io', { reason: /not a directory/ });
    await rejects(open(path.dirname(file)).len(), 'Io', { reason: /not a file/ });
  });

  it('that contradicts the options is refused by every call', async () => {
    const file = fresh();
    const db = open(file);
    await db.insert({ id: 'a', vector: [1, 2] });
    await db.close();
    const other = open(file, { dimensions: 3 });
    await rejects(other.len(), 'Mismatch', { option: 'dimensions' });
    await rejects(other.insert({ vector: [1, 2, 3] }), 'Mismatch', { option: 'dimensions' });
    await other.close();
    const again = open(file);
    assert.equal(await again.len(), 1);
  });

  it('that cannot be written keeps the database open and the changes in it', async () => {
    const file = fresh();
    const db = open(file);
    await db.insert({ id: 'a', vector: [1, 2] });
    // A file where the folder should be.
    fs.mkdirSync(path.dirname(path.dirname(file)), { recursive: true });
    fs.writeFileSync(path.dirname(file), '');
    await rejects(db.close(), 'Io');
    assert.equal(await db.len(), 1);
    fs.rmSync(path.dirname(file));
    await db.close();
    assert.ok(fs.existsSync(file));
  });

  it('is read before the first write takes effect', async () => {
    const file = fresh();
    const first = open(file);
    await first.insert({ id: 'a', vector: [1, 2] });
    await first.close();
    const second = open(file);
    const [, , length] = await Promise.all([
      second.insert({ id: 'b', vector: [1, 2] }),
      second.insert({ id: 'c', vector: [1, 2] }),
      second.len(),
    ]);
    assert.equal(length, 3);
    assert.equal(second.getStats().count, 3);
    await second.close();
  });

  it('is opened again after a failed attempt', async () => {
    const file = fresh();
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'something else');
    const db = open(file);
    await rejects(db.len(), 'Corrupt');
    fs.rmSync(file);
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
    const db = new writer.VectorDb({ dimensions: 3, storagePath: file });
    await db.insert({ id: 'a', vector: [1, 2, 3], metadata: { writer: writer.name } });
    await db.close();
    const copy = new reader.VectorDb({ dimensions: 3, storagePath: file });
    assert.deepEqual((await copy.get('a')).metadata, { writer: writer.name });
    const [hit] = await copy.search({ vector: [1, 2, 3] });
    assert.equal(hit.id, 'a');
  }
});
