// Stores on the real OPFS of Chromium: what survives when the browser is killed, when a worker is terminated, and with
// two tabs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { chromium } from 'playwright-core';
import { serveSite } from './site.mjs';

const FULL = process.env.ANNYWHERE_FULL !== undefined;
const KILLS = FULL ? 25 : 3;
const IDB_KILLS = FULL ? 25 : 2;
const TERMINATIONS = FULL ? 25 : 6;

// Inserts steps of three rows; a step is told to the server once it is acknowledged. Every tenth writes a checkpoint.
const WRITER = `
  import { VectorDb } from '/npm/annywhere/dist/browser.js';
  const query = new URL(location).searchParams;
  const [durability, storagePath] = [query.get('durability'), query.get('path')];
  const db = new VectorDb({ dimensions: 8, storagePath, durability, worker: false });
  let step = (await db.len()) / 3;
  await fetch('/said?begin=' + step);
  for (;; step++) {
    const vectors = Float32Array.from({ length: 24 }, (_, at) => step + at + 1);
    await db.insertBatch({ ids: [0, 1, 2].map((part) => step + '.' + part), vectors });
    if (step % 10 === 9) await db.save();
    await fetch('/said?step=' + step);
  }`;
// Without a worker there are no files for synchronous access: IndexedDB.
const PAGE = `<!doctype html><link rel="icon" href="data:,"><script type="module">
  const query = new URL(location).search;
  if (query.includes('here')) import('/writer.js' + query);
  else if (query) window.writer = new Worker('/writer.js' + query, { type: 'module' });
</script>`;
const MADE = { '/page.html': PAGE, '/writer.js': WRITER };

let said = [];
let site;
let url;
before(async () => {
  site = await serveSite(MADE, {
    heard({ pathname, searchParams }) {
      if (pathname !== '/said') return false;
      said.push(Object.fromEntries(searchParams));
      return true;
    },
  });
  url = `${site.url}/page.html`;
});
after(() => site.close());

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
];
const steps = () => said.filter(({ step }) => step !== undefined).length;

async function until(condition, what) {
  const end = Date.now() + 30_000;
  while (!condition()) {
    assert.ok(Date.now() < end, `${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** How many steps the store holds; each has its three rows or none. */
async function stepsStored(page, storagePath = 'opfs') {
  const rows = await page.evaluate(async (storagePath) => {
    const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
    const db = new VectorDb({ dimensions: 8, storagePath, worker: storagePath === 'opfs' });
    const rows = await db.len();
    await db.verify();
    const { storage } = db.getStats();
    if (rows > 0 && storage !== storagePath) throw new Error(`${storagePath} is in ${storage}`);
    await db.close();
    return rows;
  }, storagePath);
  assert.equal(rows % 3, 0, 'a batch is there whole or not at all');
  return rows / 3;
}

describe('a store in OPFS', () => {
  let profile;
  before(() => {
    profile = mkdtempSync(join(tmpdir(), 'annywhere-chromium-'));
  });
  after(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));
  const launch = () =>
    chromium.launchPersistentContext(profile, {
      executablePath: process.env.CHROMIUM_PATH,
      headless: true,
      args: ARGS,
    });

  /** A Chromium of its own process group, so that the kill takes all of its processes. */
  async function killedBrowser(query, milliseconds) {
    said = [];
    const args = ['--headless', `--user-data-dir=${profile}`, ...ARGS, `${url}?${query}`];
    const browser = spawn(process.env.CHROMIUM_PATH, args, { detached: true, stdio: 'ignore' });
    const over = new Promise((resolve) => browser.once('exit', resolve));
    try {
      await until(() => steps() > 0, 'an acknowledged step');
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
    } finally {
      process.kill(-browser.pid, 'SIGKILL');
      await over;
    }
    return steps();
  }

  for (const [place, kills] of [
    ['opfs', KILLS],
    ['indexeddb', IDB_KILLS],
  ]) {
    it(`loses nothing that was acknowledged in ${kills} kills of the browser (${place})`, async () => {
      let [kept, all] = [0, 0];
      for (let round = 0; round < kills; round++) {
        const acknowledged = await killedBrowser(
          `path=${place}&durability=${['strict', 'group'][round % 2]}${place === 'opfs' ? '' : '&here'}`,
          50 + ((round * 97) % 400),
        );
        all += acknowledged;
        const context = await launch();
        try {
          const page = await context.newPage();
          await page.goto(url);
          const stored = await stepsStored(page, place);
          assert.ok(
            stored >= kept + acknowledged,
            `${stored} steps stored, ${kept} + ${acknowledged} acknowledged`,
          );
          // One may be written and not yet told; the request that tells of it may be lost too.
          assert.ok(
            stored <= kept + acknowledged + 2,
            `${stored} steps stored, ${kept} + ${acknowledged} acknowledged`,
          );
          kept = stored;
        } finally {
          await context.close();
        }
      }
      console.log(`Chromium, ${place}: ${kills} kills, ${all} acknowledged batches, 0 lost`);
    });
  }

  it(`is opened again after ${TERMINATIONS} terminated workers, and has what they acknowledged`, async () => {
    const context = await launch();
    try {
      const page = await context.newPage();
      for (let round = 0; round < TERMINATIONS; round++) {
        await page.goto(url);
        const before = await stepsStored(page);
        said = [];
        await page.goto(`${url}?durability=group&path=opfs`);
        await until(() => steps() > 2 + round, 'an acknowledged step');
        const rows = await page.evaluate(async () => {
          window.writer.terminate();
          const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
          // At once: a terminated worker may keep its files for two seconds.
          const db = new VectorDb({ dimensions: 8, storagePath: 'opfs' });
          const rows = await db.len();
          await db.insert({ id: 'after', vector: new Float32Array(8).fill(1) });
          await db.delete('after');
          await db.close();
          return rows;
        });
        assert.equal(rows % 3, 0);
        assert.ok(rows / 3 >= before + steps() - 1, `${rows / 3} steps, ${before} + ${steps()} acknowledged`);
      }
      console.log(`Chromium: ${TERMINATIONS} terminated workers, 0 lost`);
    } finally {
      await context.close();
    }
  });

  it('has one writer among tabs that do not share it, and is shared by those that do', async () => {
    const context = await launch();
    try {
      const [first, second] = [await context.newPage(), await context.newPage()];
      await first.goto(url);
      await second.goto(url);
      await first.evaluate(async () => {
        const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
        window.db = new VectorDb({ dimensions: 2, storagePath: 'tabs' });
        await window.db.insert({ id: 'a', vector: [1, 2] });
      });
      // A database in a worker of the caller is nobody's but the caller's.
      const code = await second.evaluate(async () => {
        const script = `
          import { VectorDb } from '${location.origin}/npm/annywhere/dist/browser.js';
          const db = new VectorDb({ dimensions: 2, storagePath: 'tabs' });
          db.len().then(postMessage, (error) => postMessage(error.code));`;
        const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
        const worker = new Worker(url, { type: 'module' });
        return new Promise((resolve) => {
          worker.onmessage = ({ data }) => resolve(data);
        });
      });
      assert.equal(code, 'Locked');
      const before = await second.evaluate(async () => {
        const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
        window.db = new VectorDb({ dimensions: 2, storagePath: 'tabs' });
        return window.db.len();
      });
      assert.equal(before, 1);
      // Without closing the database: a tab that is closed lets go.
      await first.close();
      const rows = await second.evaluate(async () => {
        await window.db.insert({ id: 'b', vector: [1, 2] });
        const rows = await window.db.len();
        await window.db.close();
        return rows;
      });
      assert.equal(rows, 2);
    } finally {
      await context.close();
    }
  });

  it('in IndexedDB has one writer too, who finds out if another has written all the same', async () => {
    const context = await launch();
    try {
      const [first, second] = [await context.newPage(), await context.newPage()];
      await first.goto(url);
      await second.goto(url);
      const open = async (page) =>
        page.evaluate(async () => {
          const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
          window.db = new VectorDb({ dimensions: 2, storagePath: 'pages', worker: false });
          return window.db.insert({ vector: [1, 2] }).then(
            () => window.db.getStats().storage,
            (error) => error.code,
          );
        });
      assert.deepEqual([await open(first), await open(second)], ['indexeddb', 'Locked']);
      // A browser that gives the lock away, as some have after a page was put to sleep.
      await second.evaluate(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
      assert.equal(await open(second), 'indexeddb');
      const insert = () =>
        window.db.insert({ vector: [2, 1] }).then(
          () => 'ok',
          (error) => error.code,
        );
      assert.equal(await first.evaluate(insert), 'Locked');
      assert.notEqual(await first.evaluate(insert), 'ok');
      assert.equal(await second.evaluate(insert), 'ok');
      assert.equal(await second.evaluate(() => window.db.len()), 3);
    } finally {
      await context.close();
    }
  });

  it('in IndexedDB writes checkpoints, and what a worker has in files does not look empty', async () => {
    const context = await launch();
    try {
      const page = await context.newPage();
      await page.goto(url);
      const found = await page.evaluate(async () => {
        const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
        const options = { dimensions: 256, storagePath: 'large', worker: false };
        const db = new VectorDb(options);
        const vectors = new Float32Array(256_000).map((_, at) => (at % 1009) + 1);
        for (let step = 0; step < 8; step++) {
          await db.insertBatch({ ids: Array.from({ length: 1_000 }, (_, row) => `${step}.${row}`), vectors });
        }
        await db.verify();
        const bytes = (await db.toBytes()).length;
        await db.close();
        const again = new VectorDb(options);
        const rows = await again.len();
        const same = (await again.toBytes()).length === bytes;
        await again.save('one');
        const copy = new VectorDb({ dimensions: 256, worker: false });
        await copy.load('one');
        await again.close();
        const inFiles = new VectorDb({ dimensions: 256, storagePath: 'opfs only' });
        await inFiles.insert({ vector: vectors.subarray(0, 256) });
        await inFiles.close();
        const here = new VectorDb({ dimensions: 256, storagePath: 'opfs only', worker: false });
        const code = await here.insert({ vector: vectors.subarray(0, 256) }).catch((error) => error.code);
        return [rows, same, await copy.len(), code];
      });
      assert.deepEqual(found, [8_000, true, 8_000, 'Io']);
    } finally {
      await context.close();
    }
  });

  it('without room is NoSpace, and loses nothing', async () => {
    const context = await launch();
    try {
      const page = await context.newPage();
      await page.goto(url);
      const session = await context.newCDPSession(page);
      await page.evaluate(async () => {
        const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
        window.db = new VectorDb({ dimensions: 256, storagePath: 'full' });
        await window.db.insert({ id: 'a', vector: new Float32Array(256).fill(1) });
      });
      const { origin } = new URL(url);
      await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 4 << 20 });
      const codes = await page.evaluate(async () => {
        const codes = [];
        for (let step = 0; step < 20 && codes.length === 0; step++) {
          const ids = Array.from({ length: 1_000 }, (_, row) => `${step} ${row}`);
          const vectors = new Float32Array(256_000).map((_, at) => (at % 17) + 1);
          await window.db.insertBatch({ ids, vectors }).catch((error) => codes.push(error.code));
        }
        window.rows = await window.db.len();
        codes.push(
          await window.db.insert({ vector: new Float32Array(256).fill(1) }).catch((error) => error.code),
        );
        await window.db.close().catch(() => {});
        return codes;
      });
      assert.deepEqual(codes, ['NoSpace', 'Poisoned']);
      await session.send('Storage.overrideQuotaForOrigin', { origin });
      const [before, now] = await page.evaluate(async () => {
        const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
        const db = new VectorDb({ dimensions: 256, storagePath: 'full' });
        const now = await db.len();
        await db.insert({ id: 'b', vector: new Float32Array(256).fill(1) });
        await db.close();
        return [window.rows, now];
      });
      assert.equal(now, before);
    } finally {
      await context.close();
    }
  });
});
