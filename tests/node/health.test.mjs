// health() says what is wrong with a database, and nothing where nothing is.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, it } from 'node:test';
import { onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'annywhere-health-'));
after(() => fs.rmSync(root, { recursive: true, force: true }));
let count = 0;
const fresh = () => path.join(root, `${count++}`);
const codes = ({ problems }) => problems.map(({ code }) => code);

onEveryEngine('health()', ({ name, VectorDb }) => {
  it('finds nothing in a sound database, and says what it looked at', async () => {
    const db = new VectorDb({ dimensions: 2 });
    assert.deepEqual(await db.health(), { status: 'healthy', problems: [], stats: db.getStats() });
    await db.insertBatch([
      { id: 'a', vector: [1, 0] },
      { id: 'b', vector: [0, 1] },
    ]);
    const { status, problems, stats, recall, store } = await db.health();
    assert.deepEqual([status, problems, stats.count, stats.implementation], ['healthy', [], 2, name]);
    assert.deepEqual([recall.recall, recall.samples, recall.k, store], [1, 2, 10, undefined]);
    assert.equal((await db.health({ samples: 0 })).recall, undefined);
    assert.equal((await db.health({ samples: 1 })).recall.samples, 1);
    await db.close();
    await rejects(db.health(), 'Closed');
  });

  it('says what a store has not written into a segment, and what room there is', async () => {
    const db = new VectorDb({ dimensions: 2, storagePath: fresh(), durability: 'manual' });
    await db.insert({ id: 'a', vector: [1, 0] });
    const { status, store } = await db.health();
    assert.equal(status, 'healthy');
    assert.deepEqual([store.isFlushed, store.journalBytes > 0, store.freeBytes > 0], [false, true, true]);
    await db.flush();
    assert.equal((await db.health()).store.isFlushed, true);
    await db.save();
    assert.ok((await db.health()).store.journalBytes < store.journalBytes);
    await db.close();
  });

  it('finds a graph that searches badly, and places of removed rows', async () => {
    const dimensions = 48;
    const db = new VectorDb({ dimensions, hnswConfig: { m: 2, efConstruction: 1, efSearch: 1 } });
    const rows = 600;
    const ids = Array.from({ length: rows }, (_, row) => `${row}`);
    await db.insertBatch({ ids, vectors: vectorsOf(rows, dimensions, 5) });
    const { status, problems, recall } = await db.health();
    assert.deepEqual([status, recall.samples], ['degraded', 32]);
    assert.deepEqual(codes({ problems }), ['LowRecall']);
    assert.match(problems[0].message, /not 90\.0 %/);
    await db.close();
    const scanned = new VectorDb({ dimensions: 2 });
    await scanned.insertBatch({ ids, vectors: vectorsOf(rows, 2, 5) });
    await scanned.deleteMany(ids.slice(100));
    const health = await scanned.health();
    assert.equal(health.stats.tombstoneRatio, 500 / 600);
    assert.deepEqual([health.status, codes(health)], ['degraded', ['ManyDeleted']]);
    await scanned.compact();
    assert.deepEqual((await scanned.health()).problems, []);
    await scanned.close();
  });

  it('answers also if the database cannot be opened', async () => {
    const storagePath = fresh();
    fs.mkdirSync(path.dirname(storagePath), { recursive: true });
    fs.writeFileSync(storagePath, 'not a folder');
    const { status, problems, stats } = await new VectorDb({ dimensions: 2, storagePath }).health();
    assert.deepEqual([status, stats], ['failed', undefined]);
    assert.deepEqual(codes({ problems }), ['Io']);
    const other = fresh();
    await (await VectorDb.open({ dimensions: 3, storagePath: other })).close();
    const mismatched = await new VectorDb({ dimensions: 2, storagePath: other }).health();
    assert.deepEqual(codes(mismatched), ['Mismatch']);
  });

  it('refuses what makes no sense', async () => {
    const db = new VectorDb({ dimensions: 2 });
    for (const options of [7, null, { sample: 1 }, { samples: -1 }, { samples: 1.5 }, { samples: 10_001 }]) {
      await rejects(db.health(options), 'InvalidArgument');
    }
    await db.close();
  });
});

function vectorsOf(rows, dimensions, seed) {
  return new Random(seed).vector(rows * dimensions);
}
