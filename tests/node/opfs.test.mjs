// The browsers' storage, on a file system in memory. The real one is tested in tests/browser.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { VectorDb } from 'annywhere/inline';
import { rejects } from './engines.mjs';
import { FakeFolder } from './fake-opfs.mjs';

let root;
beforeEach(() => {
  root = new FakeFolder();
  Object.defineProperty(globalThis, 'navigator', {
    configurable: true,
    value: { storage: { getDirectory: async () => root } },
  });
});

const open = (storagePath, dimensions = 2) =>
  new VectorDb({ dimensions, ...(storagePath && { storagePath }) });
const row = { id: 'a', vector: [1, 2], metadata: { n: 1 } };

describe('the origin private file system', () => {
  it('keeps a database, in folders that are made, and leaves no temporary file', async () => {
    const db = open('deep/er/movies.annw');
    assert.equal(await db.len(), 0);
    assert.deepEqual(root.list(), {});
    await db.insert(row);
    const { length } = await db.toBytes();
    await db.close();
    assert.deepEqual(root.list(), { 'deep/er/movies.annw': length });
    assert.equal(root.flushes, 1);
    const again = open('/deep/er/movies.annw');
    assert.deepEqual(await again.get('a'), { ...row, vector: Float32Array.of(1, 2) });
    await again.insert({ id: 'b', vector: [2, 1] });
    await again.save();
    const third = open();
    await third.load('deep/er/movies.annw');
    assert.equal(await third.len(), 2);
    assert.equal(Object.keys(root.list()).length, 1);
  });

  it('writes the bytes of toBytes', async () => {
    const db = open();
    await db.insert(row);
    await db.save('copy');
    assert.deepEqual(root.entries.get('copy').bytes, await db.toBytes());
  });

  it('without room is NoSpace: the old file stays, and the database with it', async () => {
    const db = open('full');
    await db.insert(row);
    await db.save();
    const before = root.entries.get('full').bytes;
    root.quota = 5000;
    await db.insert({ id: 'b', vector: [2, 1] });
    await rejects(db.save(), 'NoSpace', { reason: /bytes at offset/ });
    root.quota = Number.POSITIVE_INFINITY;
    root.failWrites = 'QuotaExceededError';
    await rejects(db.close(), 'NoSpace', { reason: /the write failed/ });
    root.failWrites = 'UnknownError';
    await rejects(db.save(), 'Io', { operation: 'write' });
    root.failWrites = undefined;
    assert.deepEqual(root.entries.get('full').bytes, before);
    assert.deepEqual(Object.keys(root.list()), ['full']);
    assert.equal(await db.len(), 2);
    await db.close();
    assert.notDeepEqual(root.entries.get('full').bytes, before);
  });

  it('held by another is Locked, for reading and for writing', async () => {
    const db = open('held');
    await db.insert(row);
    await db.save();
    const handle = await root.entries.get('held').createSyncAccessHandle();
    await rejects(db.save(), 'Locked');
    await rejects(open('held').len(), 'Locked');
    handle.close();
    await db.save();
    assert.equal(await open('held').len(), 1);
    assert.deepEqual(Object.keys(root.list()), ['held']);
  });

  it('with a file cut short or damaged is Corrupt, and the handle is given back', async () => {
    const db = open('cut');
    await db.insert(row);
    await db.save();
    const file = root.entries.get('cut');
    const whole = file.bytes;
    file.bytes = whole.slice(0, 4000);
    const reader = open('cut');
    await rejects(reader.len(), 'Corrupt');
    await rejects(reader.insert(row), 'Corrupt');
    assert.equal(file.open, false);
    file.bytes = whole;
    assert.equal(await reader.len(), 1);
  });

  it('outside a dedicated worker, or missing, is an error that says so', async () => {
    const db = open('there');
    await db.insert(row);
    await db.save();
    root.entries.get('there').createSyncAccessHandle = undefined;
    await rejects(open('there').len(), 'Io', { reason: /dedicated worker/ });
    globalThis.navigator.storage.getDirectory = undefined;
    await rejects(open('there').len(), 'Io', { reason: /no origin private file system/ });
    await rejects(db.load('there'), 'Io');
    await rejects(db.save('elsewhere'), 'Io');
    assert.equal(await db.len(), 1);
  });

  it('refuses paths that are none', async () => {
    for (const path of ['a//b', '../a', 'a/.', 'a/', '/']) {
      await rejects(() => open(path), 'InvalidOption', { option: 'storagePath', reason: /slashes/ });
      await rejects(open().save(path), 'InvalidArgument', { argument: 'path' });
      await rejects(open().load(path), 'InvalidArgument', { argument: 'source' });
    }
  });
});
