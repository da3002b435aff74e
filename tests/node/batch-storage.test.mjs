// A database in a storage of the user's own, which takes batches: all of one or nothing, and nothing of one that is overtaken.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { onEveryEngine, rejects } from './engines.mjs';

/** The interface in a few lines, in memory. `fail` makes the next commit fail before or after it is stored. */
class MemoryStorage {
  kind = 'memory';
  number = 0;
  sizes = {};
  files = new Map();
  commits = [];
  closed = 0;

  async read() {
    if (this.number === 0) return undefined;
    const pages = [...this.files].flatMap(([file, pages]) =>
      [...pages].map(([page, bytes]) => ({ file, page, bytes: bytes.slice() })),
    );
    return { number: this.number, sizes: this.sizes, pages };
  }

  async commit({ expected, removed, pages, sizes, isStrict }) {
    const { fail } = this;
    this.fail = undefined;
    if (fail === 'before') throw new Error('unplugged');
    if (expected !== this.number) return false;
    this.commits.push({ bytes: pages.reduce((sum, { bytes }) => sum + bytes.length, 0), isStrict });
    for (const { bytes } of pages) assert.ok(bytes.length <= 1 << 20, 'a page fits everywhere');
    for (const file of removed) this.files.delete(file);
    for (const { file, page, bytes } of pages) {
      if (!this.files.has(file)) this.files.set(file, new Map());
      this.files.get(file).set(page, bytes.slice());
    }
    [this.number, this.sizes] = [expected + 1, sizes];
    if (fail === 'after') throw new Error('unplugged');
    return true;
  }

  close() {
    this.closed += 1;
  }
}

onEveryEngine('a storage that takes batches', ({ VectorDb }) => {
  const rows = (from, count) => ({
    ids: Array.from({ length: count }, (_, row) => `${from + row}`),
    vectors: Float32Array.from({ length: 4 * count }, (_, at) => Math.sin(from + at) + 2),
  });

  it('keeps a store: rows, index, changes, checkpoints', async () => {
    const storage = new MemoryStorage();
    const db = await VectorDb.open({ dimensions: 4, storage });
    await db.insertBatch(rows(0, 3_000));
    await db.save();
    await db.insert({ id: 'late', vector: [1, 2, 3, 4], metadata: { late: true } });
    await db.delete('7');
    assert.equal(db.getStats().storage, 'memory');
    assert.equal(db.getStats().implementation, 'wasm');
    const wanted = await db.search({ vector: [1, 2, 3, 4], k: 5 });
    await db.verify();
    // Without closing, as after a crash.
    const again = await VectorDb.open({ storage });
    assert.equal(await again.len(), 3_000);
    assert.deepEqual(await again.search({ vector: [1, 2, 3, 4], k: 5 }), wanted);
    assert.equal(await again.has('7'), false);
    await again.close();
    assert.ok(storage.closed > 0);
    const reader = new VectorDb({ dimensions: 4, storage, readOnly: true });
    assert.equal(await reader.len(), 3_000);
    await rejects(reader.insert({ vector: [1, 2, 3, 4] }), 'ReadOnly');
    await reader.close();
  });

  it('is asked for durability as the database is', async () => {
    for (const [durability, isStrict] of [
      ['strict', true],
      ['group', false],
    ]) {
      const storage = new MemoryStorage();
      const db = new VectorDb({ dimensions: 4, storage, durability });
      await db.insertBatch(rows(0, 10));
      assert.equal(storage.commits.at(-1).isStrict, isStrict);
      await db.flush();
      await db.close();
    }
  });

  it('that somebody else has written to is Locked, and keeps what is theirs', async () => {
    const storage = new MemoryStorage();
    const [one, two] = [
      await VectorDb.open({ dimensions: 4, storage }),
      await VectorDb.open({ dimensions: 4, storage }),
    ];
    await two.insert({ id: 'two', vector: [1, 2, 3, 4] });
    await rejects(one.insert({ id: 'one', vector: [1, 2, 3, 4] }), 'Locked');
    await assert.rejects(one.insert({ id: 'one', vector: [1, 2, 3, 4] }));
    await one.close().catch(() => {});
    await two.insert({ id: 'three', vector: [1, 2, 3, 4] });
    await two.close();
    const again = await VectorDb.open({ storage });
    assert.deepEqual([await again.has('one'), await again.has('two'), await again.len()], [false, true, 2]);
    await again.close();
  });

  it('that fails is Io, and the database writes nothing until it is opened anew', async () => {
    for (const fail of ['before', 'after']) {
      const storage = new MemoryStorage();
      const db = await VectorDb.open({ dimensions: 4, storage });
      await db.insert({ id: 'a', vector: [1, 2, 3, 4] });
      storage.fail = fail;
      await rejects(db.insert({ id: 'b', vector: [1, 2, 3, 4] }), 'Io', { reason: /unplugged/ });
      await assert.rejects(db.insert({ id: 'c', vector: [1, 2, 3, 4] }));
      await db.close().catch(() => {});
      const again = await VectorDb.open({ storage });
      assert.deepEqual(
        [await again.has('a'), await again.has('b'), await again.has('c')],
        [true, fail === 'after', false],
      );
      await again.close();
    }
  });

  it('makes nothing for reading, and is refused where it cannot be', async () => {
    const storage = new MemoryStorage();
    const db = new VectorDb({ dimensions: 4, storage });
    assert.equal(await db.len(), 0);
    await db.close();
    assert.equal(storage.number, 0);
    await rejects(VectorDb.open({ storage }), 'InvalidOption', { option: 'dimensions' });
    for (const [options, option] of [
      [{ storage, storagePath: 'somewhere' }, 'storage'],
      [{ storage: {} }, 'storage'],
      [{ storage: null }, 'storage'],
      [{ storage, persist: true }, 'persist'],
    ]) {
      await rejects(() => new VectorDb({ dimensions: 4, ...options }), 'InvalidOption', { option });
    }
  });
});
