// Backups of a live database: verified before they count, kept in number, and restored past damaged ones.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, it } from 'node:test';
import { onEveryEngine, rejects } from './engines.mjs';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'annywhere-backup-'));
after(() => fs.rmSync(root, { recursive: true, force: true }));
let count = 0;
const fresh = () => path.join(root, `${count++}`);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const row = (id) => ({ id, vector: [1, 2] });
const flip = (file, at) => {
  const bytes = fs.readFileSync(file);
  bytes[at] ^= 1;
  fs.writeFileSync(file, bytes);
};

onEveryEngine('backups', ({ VectorDb }) => {
  it('verify() passes over what is sound and finds a flipped bit in segment, journal and superblock', async () => {
    const folder = fresh();
    const open = () => new VectorDb({ dimensions: 2, storagePath: folder });
    const db = open();
    await db.insert(row('a'));
    await db.save();
    await db.insert(row('b'));
    await db.insert(row('c'));
    await db.verify();
    const newest = (kind) =>
      path.join(
        folder,
        fs
          .readdirSync(folder)
          .filter((name) => name.startsWith(kind))
          .sort()
          .at(-1),
      );
    const generation = Number.parseInt(newest('segment').slice(-21, -5), 16);
    for (const [file, at] of [
      [newest('segment'), 4_100],
      [newest('journal'), 180],
      [path.join(folder, 'superblock'), (generation & 1) * 32_768 + 40],
    ]) {
      flip(file, at);
      await rejects(db.verify(), 'Corrupt');
      flip(file, at);
    }
    await db.verify();
    await db.close();
    const inMemory = new VectorDb({ dimensions: 2 });
    await inMemory.insert(row('a'));
    await inMemory.verify();
  });

  it('backup() is a whole file, and one that cannot be read back leaves the older one', async () => {
    const db = new VectorDb({ dimensions: 2, storagePath: fresh() });
    await db.insert(row('a'));
    const file = path.join(fresh(), 'copy.annw');
    await db.backup(file);
    assert.deepEqual(fs.readFileSync(file), Buffer.from(await db.toBytes()));
    await db.insert(row('b'));
    await db.backup(file);
    assert.deepEqual(fs.readdirSync(path.dirname(file)), ['copy.annw']);
    // A folder in its place cannot be replaced, and nothing is left behind.
    const taken = path.join(fresh(), 'taken');
    fs.mkdirSync(path.join(taken, 'x'), { recursive: true });
    await rejects(db.backup(taken), 'Io');
    assert.deepEqual(fs.readdirSync(path.dirname(taken)), ['taken']);
    await db.close();
    const other = new VectorDb({ dimensions: 2, storagePath: fresh() });
    await other.insert(row('x'));
    assert.equal(await other.restore(file), file);
    assert.deepEqual([await other.len(), await other.get('x')], [2, null]);
    await other.close();
  });

  it('scheduleBackups() keeps the newest, and restore() takes the newest that is whole', async () => {
    const folder = fresh();
    const db = new VectorDb({ dimensions: 2, storagePath: fresh() });
    await db.insert(row('a'));
    const errors = [];
    const schedule = db.scheduleBackups({
      folder,
      every: 15,
      keep: 2,
      onError: (error) => errors.push(error),
    });
    const names = () =>
      fs.existsSync(folder)
        ? fs
            .readdirSync(folder)
            .filter((name) => name.endsWith('Z.annw'))
            .sort()
        : [];
    const seen = new Set();
    while (seen.size < 4) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const name of names()) seen.add(name);
    }
    schedule.close();
    await db.insert(row('b'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(errors, []);
    assert.equal(names().length, 2);
    flip(path.join(folder, names()[1]), 4_100);
    assert.equal(await db.restore(folder), path.join(folder, names()[0]));
    assert.equal(await db.len(), 1);
    flip(path.join(folder, names()[0]), 4_100);
    await rejects(db.restore(folder), 'Corrupt');
    assert.equal(await db.len(), 1);
    await db.close();
    await rejects(() => db.scheduleBackups({ folder, every: 15, keep: 2 }), 'Closed');
  });

  it('scheduleBackups() begins at once, unless there is one that is not so old', async () => {
    const folder = fresh();
    const db = new VectorDb({ dimensions: 2 });
    await db.insert(row('a'));
    const count = () => (fs.existsSync(folder) ? fs.readdirSync(folder).length : 0);
    for (const wanted of [1, 1]) {
      const schedule = db.scheduleBackups({ folder, every: 60_000, keep: 9 });
      for (let turn = 0; count() < wanted && turn < 200; turn++) await pause(5);
      await pause(50);
      schedule.close();
      assert.equal(count(), wanted);
    }
    const [name] = fs.readdirSync(folder);
    fs.renameSync(path.join(folder, name), path.join(folder, 'backup-2020-01-01T00-00-00-000Z.annw'));
    const schedule = db.scheduleBackups({ folder, every: 60_000, keep: 9 });
    for (let turn = 0; count() < 2 && turn < 200; turn++) await pause(5);
    schedule.close();
    assert.equal(count(), 2);
    await db.close();
  });

  it('scheduleBackups() keeps the last of each day if asked', async () => {
    const folder = fresh();
    fs.mkdirSync(folder, { recursive: true });
    const old = (time) => `backup-2020-03-${time}-00-00-000Z.annw`;
    for (const time of ['01T09', '01T17', '02T05', '02T06', '04T01', '04T02', '04T03']) {
      fs.writeFileSync(path.join(folder, old(time)), '');
    }
    fs.writeFileSync(path.join(folder, 'mine.annw'), '');
    const db = new VectorDb({ dimensions: 2 });
    const schedule = db.scheduleBackups({ folder, every: 60_000, keep: { newest: 3, daily: 3 } });
    for (let turn = 0; fs.readdirSync(folder).length !== 5 && turn < 200; turn++) await pause(5);
    schedule.close();
    const [, ...names] = fs.readdirSync(folder).sort().reverse();
    // The newest is that of now; of its day there is no other.
    assert.deepEqual(names, [names[0], old('04T03'), old('04T02'), old('02T06')]);
    await db.close();
  });

  it('refuse what makes no sense', async () => {
    const db = new VectorDb({ dimensions: 2 });
    for (const keep of ['all', null, {}, { daily: 0 }, { daily: 1, newest: 0 }, { daily: 1, weekly: 1 }]) {
      await rejects(() => db.scheduleBackups({ folder: root, every: 9, keep }), 'InvalidArgument');
    }
    await rejects(() => db.scheduleBackups({ folder: root, every: 0, keep: 1 }), 'InvalidArgument', {
      argument: 'every',
    });
    await rejects(() => db.scheduleBackups({ folder: root, every: 9, keep: 0 }), 'InvalidArgument', {
      argument: 'keep',
    });
    await rejects(db.restore(path.join(root, 'nothing')), 'Io');
  });
});

it('the timers of backups do not keep a process', () => {
  const script = `
    import { VectorDb } from 'annywhere';
    const db = new VectorDb({ dimensions: 2 });
    await db.insert({ vector: [1, 2] });
    db.scheduleBackups({ folder: ${JSON.stringify(fresh())}, every: 60_000, keep: 1 });`;
  const args = ['--input-type=module', '-e', script];
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.deepEqual([status, stderr], [0, '']);
});
