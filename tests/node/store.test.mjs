// Databases kept in a folder: what is there after closing, after none, with two of them, and after damage.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { engines, native, onEveryEngine, rejects, wasm } from './engines.mjs';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'annywhere-store-'));
after(() => fs.rmSync(root, { recursive: true, force: true }));

let count = 0;
/** A path in a folder that does not exist yet. */
const fresh = () => path.join(root, `${count++}`, 'deep', 'größe 鍵');
const ours = (folder) => fs.readdirSync(folder).filter((name) => !['lock', 'owner'].includes(name));
const row = (id, vector = [1, 2]) => ({ id, vector });

/** What a kill leaves: the folder as it is, without the owner, who would live on here. */
function afterKill(folder) {
  const copy = fresh();
  fs.cpSync(folder, copy, { recursive: true });
  fs.rmSync(path.join(copy, 'owner'));
  return copy;
}

onEveryEngine('storagePath', ({ VectorDb }) => {
  const open = (storagePath, extra) => new VectorDb({ dimensions: 2, storagePath, ...extra });

  it('is not touched before the first use', async () => {
    const folder = fresh();
    const db = open(folder);
    await db.close();
    assert.equal(fs.existsSync(path.dirname(folder)), false);
  });

  it('keeps every acknowledged change, without closing', async () => {
    for (const durability of ['strict', 'group', 'manual']) {
      const folder = fresh();
      const db = open(folder, { durability });
      await db.insert({ id: 'a', vector: [1, 2], metadata: { n: 1 } });
      await db.insertBatch([row('b'), row('c', [2, 1])]);
      assert.equal(await db.delete('b'), true);
      assert.equal(await db.delete('b'), false);
      const reopened = open(afterKill(folder));
      assert.deepEqual(await reopened.get('a'), {
        id: 'a',
        vector: Float32Array.of(1, 2),
        metadata: { n: 1 },
      });
      assert.equal(await reopened.len(), 2);
      assert.deepEqual(
        await reopened.toBytes(),
        await db.toBytes(),
        'a reopened database goes on as the first',
      );
      await reopened.close();
      await db.flush();
      await db.close();
    }
  });

  it('is opened again after closing, and by both engines', async () => {
    const folder = fresh();
    for (const [round, engine] of [...engines, ...engines].entries()) {
      const db = new engine.VectorDb({ dimensions: 2, storagePath: folder });
      assert.equal(await db.len(), round);
      await db.insert(row(`row ${round}`));
      await db.close();
    }
    assert.ok(fs.existsSync(path.join(folder, 'superblock')));
    assert.equal(fs.existsSync(path.join(folder, 'owner')), false);
  });

  it('has one writer, of either engine, and any number of readers', async () => {
    const folder = fresh();
    const writer = open(folder);
    await writer.insert(row('a'));
    for (const engine of engines) {
      const second = new engine.VectorDb({ dimensions: 2, storagePath: folder });
      const error = await rejects(second.len(), 'Locked', { reason: /open for writing/ });
      assert.ok(error.details.reason.includes(folder));
      await second.close();
      const reader = new engine.VectorDb({ dimensions: 2, storagePath: folder, readOnly: true });
      assert.equal(await reader.len(), 1);
      await rejects(reader.insert(row('b')), 'ReadOnly');
      await rejects(reader.load(await writer.toBytes()), 'ReadOnly');
      assert.equal(await reader.len(), 1);
      await reader.close();
    }
    await writer.insert(row('b'));
    await writer.close();
    const next = open(folder);
    assert.equal(await next.len(), 2);
    await next.close();
  });

  it('for reading writes nothing, and must be there', async () => {
    const folder = fresh();
    await rejects(open(folder, { readOnly: true }).len(), 'Io');
    assert.equal(fs.existsSync(folder), false);
    const db = open(folder);
    await db.insert(row('a'));
    const killed = afterKill(folder);
    await db.close();
    const journal = ours(killed).find((file) => file.startsWith('journal'));
    // What a crash tore.
    fs.appendFileSync(path.join(killed, journal), 'torn');
    const listing = () =>
      Object.fromEntries(
        fs.readdirSync(killed).map((file) => [file, fs.readFileSync(path.join(killed, file), 'hex')]),
      );
    const before = listing();
    const reader = open(killed, { readOnly: true });
    assert.equal(await reader.len(), 1);
    await reader.close();
    assert.deepEqual(listing(), before);
  });

  it('is written anew by load, reindex, compact and save, at once', async () => {
    const other = new VectorDb({ dimensions: 2 });
    await other.insertBatch([row('x'), row('y')]);
    const folder = fresh();
    const db = open(folder);
    await db.insert(row('a'));
    await db.load(await other.toBytes());
    await db.reindex({ index: 'hnsw' });
    await db.compact();
    await db.save();
    const killed = open(afterKill(folder));
    assert.equal(await killed.len(), 2);
    assert.equal(killed.getStats().indexType, 'hnsw');
    assert.deepEqual(await killed.toBytes(), await db.toBytes());
    await killed.close();
    await db.close();
  });

  it('over damaged or foreign bytes never becomes an empty database', async () => {
    const folder = fresh();
    const db = open(folder);
    await db.insert(row('a'));
    await db.save();
    await db.close();
    const damaged = (change) => {
      const copy = fresh();
      fs.cpSync(folder, copy, { recursive: true });
      change(copy);
      return open(copy);
    };
    const segment = ours(folder).filter((file) => file.startsWith('segment'));
    const cases = [
      (copy) => fs.rmSync(path.join(copy, 'superblock')),
      (copy) => fs.writeFileSync(path.join(copy, 'superblock'), 'something else'),
      (copy) => fs.writeFileSync(path.join(copy, 'superblock'), Buffer.alloc(65_536)),
      (copy) => {
        for (const file of segment) fs.rmSync(path.join(copy, file));
      },
      (copy) => {
        for (const file of segment) fs.truncateSync(path.join(copy, file), 100);
      },
    ];
    for (const change of cases) {
      const broken = damaged(change);
      await rejects(broken.len(), 'Corrupt');
      await rejects(broken.insert(row('b')), 'Corrupt');
      await broken.close();
    }
    // Foreign files are left alone, and a file in the place of the folder is refused.
    const beside = damaged((copy) => fs.writeFileSync(path.join(copy, '.DS_Store'), 'mine'));
    assert.equal(await beside.len(), 1);
    await beside.save();
    await beside.close();
    const file = fresh();
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'something else');
    await rejects(open(file).len(), 'Io', { reason: /it is a file/ });
    assert.equal(fs.readFileSync(file, 'utf8'), 'something else');
  });

  it('loses nothing to damage of the newest slot or the newest segment', async () => {
    const folder = fresh();
    const db = open(folder);
    await db.insert(row('a'));
    await db.save();
    await db.insert(row('b'));
    await db.save();
    await db.insert(row('c'));
    const killed = afterKill(folder);
    await db.close();
    const newest = ours(killed)
      .filter((file) => file.startsWith('segment'))
      .sort()
      .at(-1);
    const generation = Number.parseInt(newest.slice(8, 24), 16);
    const flip = (file, at) => {
      const bytes = fs.readFileSync(path.join(killed, file));
      bytes[at] ^= 1;
      const copy = fresh();
      fs.cpSync(killed, copy, { recursive: true });
      fs.writeFileSync(path.join(copy, file), bytes);
      return copy;
    };
    for (const copy of [flip('superblock', (generation & 1) * 32_768 + 50), flip(newest, 4_100)]) {
      for (let again = 0; again < 2; again++) {
        const reopened = open(copy);
        assert.equal(await reopened.len(), 3);
        await reopened.close();
      }
    }
  });

  it('that contradicts the options is refused by every call', async () => {
    const folder = fresh();
    const db = open(folder);
    await db.insert(row('a'));
    await db.close();
    const other = open(folder, { dimensions: 3 });
    await rejects(other.len(), 'Mismatch', { option: 'dimensions' });
    await rejects(other.insert({ vector: [1, 2, 3] }), 'Mismatch', { option: 'dimensions' });
    await other.close();
    const again = open(folder);
    assert.equal(await again.len(), 1);
    await again.close();
  });

  it('checks the options that go with it', async () => {
    await rejects(() => open(undefined, { durability: 'strict' }), 'InvalidOption', { option: 'durability' });
    await rejects(() => open(undefined, { readOnly: true }), 'InvalidOption', { option: 'readOnly' });
    await rejects(() => open('x', { durability: 'maybe' }), 'InvalidOption', { option: 'durability' });
    await rejects(() => open('x', { readOnly: 'yes' }), 'InvalidOption', { option: 'readOnly' });
  });

  it('gets a new segment when the journal has grown long, and searches go on', async () => {
    const folder = fresh();
    const db = new VectorDb({ dimensions: 256, storagePath: folder });
    const vectors = Float32Array.from({ length: 256 * 1_000 }, (_, at) => ((at * 7919) % 1009) - 504);
    for (let batch = 0; batch < 12; batch++) {
      await db.insertBatch({ ids: Array.from({ length: 1_000 }, (_, at) => `${batch}-${at}`), vectors });
      assert.equal((await db.search({ vector: vectors.subarray(0, 256), k: 1 })).length, 1);
    }
    await db.flush();
    assert.equal(await db.delete('0-0'), true);
    // The segment is written beside all this, and takes its time on a busy machine.
    const sizes = () => ours(folder).map((file) => [file, fs.statSync(path.join(folder, file)).size]);
    const newest = (kind) =>
      sizes()
        .filter(([file]) => file.startsWith(kind))
        .sort()
        .at(-1)[1];
    const isSettled = () => newest('segment') > 4 << 20 && newest('journal') < 8 << 20;
    for (let waited = 0; waited < 10_000 && !isSettled(); waited += 50) await delay(50);
    assert.ok(isSettled(), JSON.stringify(sizes()));
    const killed = open(afterKill(folder), { dimensions: 256 });
    assert.equal(await killed.len(), 11_999);
    assert.deepEqual(await killed.toBytes(), await db.toBytes());
    await killed.close();
    await db.close();
  });
});

/** A writer in a process of its own, which is killed in the middle; returns what it had acknowledged. */
function killedWriter(folder, backend, durability, milliseconds) {
  const script = `
    import { VectorDb } from 'annywhere';
    const db = new VectorDb({ dimensions: 8, storagePath: ${JSON.stringify(folder)}, durability: '${durability}' });
    let next = await db.len();
    process.stdout.write('start ' + next + '\\n');
    for (;; next++) {
      const vectors = Float32Array.from({ length: 24 }, (_, at) => next + at + 1);
      const ids = [0, 1, 2].map((part) => next + '.' + part);
      // Three rows that are all there or none; every tenth step writes a checkpoint.
      await db.insertBatch({ ids, vectors });
      if (next % 10 === 9) await db.save();
      process.stdout.write('ok ' + next + '\\n');
    }`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      env: { ...process.env, ANNYWHERE_BACKEND: backend },
    });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (data) => {
      if (output === '') setTimeout(() => child.kill('SIGKILL'), milliseconds);
      output += data;
    });
    child.stderr.on('data', (data) => {
      errors += data;
    });
    child.on('close', (_code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the writer ended by itself: ${errors}`));
      else
        resolve({ acknowledged: output.split('\n').filter((line) => line.startsWith('ok ')).length, output });
    });
  });
}

const ROUNDS = process.env.ANNYWHERE_FULL ? 100 : 15;

for (const engine of engines) {
  it(`${ROUNDS} rounds of kill -9 lose nothing that was acknowledged (${engine.name})`, async () => {
    const folder = fresh();
    let [kept, acknowledged] = [0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      const durability = ['strict', 'group', 'manual'][round % 3];
      const killed = await killedWriter(folder, engine.name, durability, 20 + ((round * 37) % 120));
      acknowledged += killed.acknowledged;
      const db = new engine.VectorDb({ dimensions: 8, storagePath: folder });
      const rows = await db.len();
      assert.equal(rows % 3, 0, 'a batch is there whole or not at all');
      assert.ok(
        rows / 3 >= kept + killed.acknowledged,
        `${rows / 3} steps, ${kept + killed.acknowledged} acknowledged`,
      );
      assert.ok(rows / 3 <= kept + killed.acknowledged + 1, 'at most one step more than was acknowledged');
      kept = rows / 3;
      // The writer counts rows, this test steps.
      await db.close();
    }
    console.log(`${engine.name}: ${ROUNDS} kills, ${acknowledged} acknowledged batches, 0 lost`);
  });
}

it('a store written by one engine has the bytes of the other', {
  skip: native ? false : 'no native engine here',
}, async () => {
  const folders = [];
  for (const { VectorDb } of [native, wasm]) {
    const folder = fresh();
    // Frames say what had been flushed, which timers must not decide here.
    const db = new VectorDb({ dimensions: 3, storagePath: folder, durability: 'manual' });
    await db.insertBatch([0, 1, 2].map((id) => ({ id: `${id}`, vector: [1, id, 2], metadata: { id } })));
    await db.save();
    await db.insert({ id: 'later', vector: [3, 2, 1] });
    await db.delete('1');
    folders.push(afterKill(folder));
    await db.close();
  }
  const [a, b] = folders;
  const files = ours(a).sort();
  assert.deepEqual(ours(b).sort(), files);
  for (const file of files) {
    assert.deepEqual(fs.readFileSync(path.join(a, file)), fs.readFileSync(path.join(b, file)), file);
  }
});
