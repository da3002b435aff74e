// A file whose vectors and metadata stay in it: the same answers, little memory, nothing can be changed.
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

const ROWS = 3_000;
const DIMENSIONS = 32;

let folder;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'annywhere-originals-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

for (const originals of ['storage', 'mapped'])
  onEveryEngine(`vectors and metadata in a file: ${originals}`, (engine) => {
    const { name, VectorDb } = engine;
    // WebAssembly has no memory to map a file into.
    const inEffect = name === 'native' ? originals : 'storage';

    it('can stay there, and nothing is found differently', async () => {
      const random = new Random(11);
      const vector = () => Float32Array.from({ length: DIMENSIONS }, () => 2 * random.next() - 1);
      const path = join(folder, `${name}-${originals}.annw`);
      const db = new VectorDb({ dimensions: DIMENSIONS });
      await db.insertBatch(
        Array.from({ length: ROWS }, (_, row) => ({ id: `${row}`, vector: vector(), metadata: { row } })),
      );
      await db.save(path);
      const opened = new VectorDb({ dimensions: DIMENSIONS });
      await opened.load(path, { originals });
      for (let query = 0; query < 20; query += 1) {
        const question = { vector: vector(), k: 7, filter: query % 2 ? { row: { $lt: 1_000 } } : undefined };
        assert.deepEqual(await opened.search(question), await db.search(question));
      }
      assert.deepEqual(await opened.get('17'), await db.get('17'));
      assert.equal(await opened.get('none'), null);
      assert.equal(await opened.len(), ROWS);
      const [full, small] = [db.getStats(), opened.getStats()];
      assert.deepEqual([full.originals, small.originals], ['memory', inEffect]);
      assert.ok(small.memory.vectors < full.memory.vectors / 50, `${small.memory.vectors} bytes of vectors`);
      assert.ok(
        small.memoryUsage < full.memoryUsage / 3,
        `${small.memoryUsage} of ${full.memoryUsage} bytes`,
      );
      await rejects(opened.insert({ id: 'a', vector: vector() }), 'ReadOnly');
      await rejects(opened.delete('17'), 'ReadOnly');
      await rejects(opened.compact(), 'ReadOnly');
      assert.deepEqual(Buffer.from(await opened.toBytes()), readFileSync(path));
      // Other content, into memory, can be changed again.
      await opened.load(await db.toBytes());
      await opened.insert({ id: 'a', vector: vector() });
      assert.equal(opened.getStats().originals, 'memory');
      await opened.close();
      await db.close();
    });

    it('are damaged: an error of the search that meets it', async () => {
      const random = new Random(12);
      const vector = () => Float32Array.from({ length: DIMENSIONS }, () => 2 * random.next() - 1);
      const path = join(folder, `damaged-${name}-${originals}.annw`);
      const db = new VectorDb({ dimensions: DIMENSIONS });
      await db.insertBatch(Array.from({ length: ROWS }, (_, row) => ({ id: `${row}`, vector: vector() })));
      await db.save(path);
      // Vectors come last, before the checksums of every block.
      const vectors = ROWS * DIMENSIONS * 4;
      const bytes = await db.toBytes();
      const file = openSync(path, 'r+');
      writeSync(file, Buffer.alloc(64, 0xa5), 0, 64, bytes.length - 2 * 65_536);
      closeSync(file);
      assert.ok(vectors > 3 * 65_536, 'the damage lies in the vectors');
      const opened = new VectorDb({ dimensions: DIMENSIONS });
      await opened.load(path, { originals });
      await rejects(opened.search({ vector: vector(), exact: true }), 'Corrupt');
      await opened.close();
      await db.close();
    });

    it('stay only in a file, and not beside a store', async () => {
      const db = new VectorDb({ dimensions: 3 });
      await db.insert({ id: 'a', vector: [1, 2, 3] });
      const bytes = await db.toBytes();
      const path = join(folder, `small-${name}-${originals}.annw`);
      await db.save(path);
      await rejects(db.load(bytes, { originals }), 'InvalidArgument');
      await rejects(db.load(path, { originals: 'disk' }), 'InvalidArgument');
      await rejects(db.load(path, { original: 'storage' }), 'InvalidArgument');
      await rejects(db.load(join(folder, 'missing'), { originals }), 'Io');
      assert.equal(await db.len(), 1);
      const kept = new VectorDb({ dimensions: 3, storagePath: join(folder, `store-${name}-${originals}`) });
      await rejects(kept.load(path, { originals }), 'InvalidArgument');
      await kept.close();
      await db.close();
    });
  });
