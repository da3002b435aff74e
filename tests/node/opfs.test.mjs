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

/** The file system as a crash of the browser leaves it: everything closed. */
function crash(folder = root) {
  for (const entry of folder.entries.values()) {
    if (entry instanceof FakeFolder) crash(entry);
    else entry.open = false;
  }
}
const files = () => Object.keys(root.list()).sort();

describe('the origin private file system', () => {
  it('keeps every acknowledged change, in folders that are made, without closing', async () => {
    const db = open('deep/er/movies');
    assert.equal(files().length, 0);
    await db.insert(row);
    await db.insertBatch([{ id: 'b', vector: [2, 1] }]);
    assert.ok(files().includes('deep/er/movies/superblock'));
    crash();
    const again = open('/deep/er/movies');
    assert.deepEqual(await again.get('a'), { ...row, vector: Float32Array.of(1, 2) });
    assert.equal(await again.len(), 2);
    assert.deepEqual(await again.toBytes(), await db.toBytes());
    await again.close();
    assert.ok(
      [...root.entries.get('deep').entries.get('er').entries.get('movies').entries.values()].every(
        (file) => !file.open,
      ),
    );
  });

  it('keeps checkpoints, and two generations of files', async () => {
    const db = open('movies');
    for (let round = 0; round < 5; round++) {
      await db.insert({ id: `${round}`, vector: [1, round] });
      await db.save();
    }
    await db.compact();
    await db.insert(row);
    const generations = files().filter((name) => name.includes('segment') && root.list()[name] > 0);
    assert.equal(generations.length, 2, files().join());
    crash();
    const again = open('movies');
    assert.equal(await again.len(), 6);
    await again.close();
  });

  it('flushes within 10 ms, or at once with strict durability', async () => {
    const strict = new VectorDb({ dimensions: 2, storagePath: 'strict', durability: 'strict' });
    await strict.flush();
    const before = root.flushes;
    await strict.insert(row);
    assert.equal(root.flushes, before + 1);
    const group = open('group');
    await group.flush();
    const opened = root.flushes;
    await group.insert(row);
    assert.equal(root.flushes, opened);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(root.flushes, opened + 1);
    const manual = new VectorDb({ dimensions: 2, storagePath: 'manual', durability: 'manual' });
    await manual.insert(row);
    const written = root.flushes;
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(root.flushes, written);
    await manual.flush();
    assert.equal(root.flushes, written + 1);
  });

  it('writes one file with save(path), the bytes of toBytes', async () => {
    const db = open();
    await db.insert(row);
    await db.save('copies/one');
    assert.deepEqual(files(), ['copies/one']);
    assert.deepEqual(root.entries.get('copies').entries.get('one').bytes, await db.toBytes());
    const other = open();
    await other.load('copies/one');
    assert.equal(await other.len(), 1);
  });

  it('without room is NoSpace, whatever the browser says of it, and loses nothing acknowledged', async () => {
    const says = [(room) => room, () => 0xffff_fff8, () => 0];
    for (const [number, shortCount] of says.entries()) {
      const db = open(`full ${number}`);
      await db.insert(row);
      root.shortCount = shortCount;
      root.quota = 150;
      await rejects(db.insert({ id: 'b', vector: [2, 1] }), 'NoSpace', { reason: /could be written/ });
      assert.equal(await db.len(), 1);
      root.quota = Number.POSITIVE_INFINITY;
      await rejects(db.insert({ id: 'b', vector: [2, 1] }), 'Poisoned');
      await db.close();
      const again = open(`full ${number}`);
      assert.equal(await again.len(), 1);
      await again.insert({ id: 'b', vector: [2, 1] });
      root.failWrites = 'QuotaExceededError';
      await rejects(again.save('elsewhere'), 'NoSpace', { reason: /the write failed/ });
      await rejects(again.save(), 'NoSpace');
      root.failWrites = undefined;
      await again.insert({ id: 'c', vector: [2, 1] });
      await again.close();
      const third = open(`full ${number}`);
      assert.equal(await third.len(), 3);
      await third.close();
    }
  });

  it('that fails poisons: reads go on, nothing is written until it is opened again', async () => {
    const db = open('failing');
    await db.insert(row);
    root.failWrites = 'UnknownError';
    await rejects(db.insert({ id: 'b', vector: [2, 1] }), 'Io', { operation: 'write' });
    root.failWrites = undefined;
    await rejects(db.insert({ id: 'b', vector: [2, 1] }), 'Poisoned');
    assert.equal((await db.search({ vector: [1, 2] }))[0].id, 'a');
    await db.close();
    const again = open('failing');
    await again.insert({ id: 'b', vector: [2, 1] });
    assert.equal(await again.len(), 2);
    await again.close();
  });

  it('held by another is Locked, once a terminated worker would have let go', async () => {
    const db = open('held');
    await db.insert(row);
    const begin = Date.now();
    await rejects(open('held').len(), 'Locked');
    assert.ok(Date.now() - begin > 2_500, 'a terminated worker keeps its files for about two seconds');
    // One that lets go meanwhile is waited for.
    const waiting = open('held');
    setTimeout(() => db.close(), 300);
    assert.equal(await waiting.len(), 1);
    await waiting.close();
  });

  it('with damage is Corrupt, and the handles are given back', async () => {
    const db = open('cut');
    await db.insert(row);
    await db.close();
    const folder = root.entries.get('cut');
    const [name] = [...folder.entries.keys()]
      .filter((each) => each.startsWith('segment') && folder.entries.get(each).bytes.length > 0)
      .sort()
      .reverse();
    const whole = folder.entries.get(name).bytes;
    folder.entries.get(name).bytes = whole.slice(0, 4_000);
    for (const other of folder.entries.keys()) {
      if (other.startsWith('segment') && other !== name) folder.entries.delete(other);
    }
    const reader = open('cut');
    await rejects(reader.len(), 'Corrupt');
    await rejects(reader.insert(row), 'Corrupt');
    assert.ok([...folder.entries.values()].every((file) => !file.open));
    folder.entries.get(name).bytes = whole;
    assert.equal(await reader.len(), 1);
    await reader.close();
  });

  it('outside a dedicated worker, or missing, is an error that says so', async () => {
    const db = open('there');
    await db.insert(row);
    await db.close();
    for (const file of root.entries.get('there').entries.values()) file.createSyncAccessHandle = undefined;
    await rejects(open('there').len(), 'Io', { reason: /dedicated worker/ });
    globalThis.navigator.storage.getDirectory = undefined;
    await rejects(open('there').len(), 'Io', { reason: /no origin private file system/ });
    await rejects(open().load('there'), 'Io');
    await rejects(open().save('elsewhere'), 'Io');
  });

  it('refuses paths that are none', async () => {
    for (const path of ['a//b', '../a', 'a/.', 'a/', '/']) {
      await rejects(() => open(path), 'InvalidOption', { option: 'storagePath', reason: /slashes/ });
      await rejects(open().save(path), 'InvalidArgument', { argument: 'path' });
      await rejects(open().load(path), 'InvalidArgument', { argument: 'source' });
    }
  });
});
