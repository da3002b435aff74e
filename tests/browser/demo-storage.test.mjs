// What the demo does when storage or other tabs are not as they should be. Few rows, so that indexing is a moment.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { ask, FEW_ROWS, figure, hits, notice, openBrowser, phase, results, serveDemo } from './demo.mjs';

// Room for the probe that a browser stores anything at all, not for the index.
const SMALL_QUOTA = 1_500_000;

// The lock of tabs that build, `NAME` in www/src/worker/worker.ts.
const LOCK = 'reverse-dictionary';

// A name that is not localhost and has no certificate: pages there are not trusted with storage.
const INSECURE_HOST = 'insecure.test';

describe('the demo and its storage', () => {
  let server;
  let browser;
  let page;
  let url;

  before(async () => {
    mkdirSync(results, { recursive: true });
    server = await serveDemo();
    url = `http://127.0.0.1:${server.port}/?rows=${FEW_ROWS}`;
    browser = await openBrowser({ flags: [`--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`] });
  });

  after(async () => {
    await browser?.close();
    server?.close();
  });

  // Every test begins with an origin that stores nothing, and ends without a complaint in the console.
  beforeEach(async () => {
    page = await browser.context.newPage();
    const session = await browser.context.newCDPSession(page);
    const { origin } = new URL(url);
    await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
    await session.detach();
  });

  afterEach(async () => {
    await Promise.all(
      browser.context
        .pages()
        .slice(1)
        .map((tab) => tab.close()),
    );
    assert.deepEqual(browser.errors.splice(0), []);
  });

  async function indexed() {
    await page.goto(url);
    await phase(page, 'ready');
    assert.match(await status(page), /indexed in this browser/);
    assert.equal(await figure(page, 'rows'), FEW_ROWS);
  }

  /** Another page of this origin takes the stored file for itself. */
  async function holdStored() {
    const holder = await browser.context.newPage();
    await holder.goto(new URL('/holder.html', url).href);
    await holder.evaluate(
      (name) =>
        new Promise((held) => {
          window.holder.onmessage = held;
          window.holder.postMessage(name);
        }),
      await storedName(page),
    );
    return holder;
  }

  test('the index survives the end of the page and is not built twice', async () => {
    await indexed();
    await page.close();
    page = await browser.context.newPage();
    await page.goto(url);
    await phase(page, 'ready');
    assert.match(await status(page), /opened from this browser’s storage/);
    assert.ok((await ask(page, 'a living thing')).flat().includes('living thing'));
  });

  for (const kind of ['a damaged file', 'a cut file', 'a foreign file']) {
    test(`${kind} leads to a message and a new index`, async () => {
      await indexed();
      await replaceStored(page, kind);
      await page.reload();
      await phase(page, 'ready');
      assert.match(await notice(page), /The stored index could not be used: .+ It is being built anew/);
      assert.match(await status(page), /indexed in this browser/);
      assert.equal(await figure(page, 'rows'), FEW_ROWS);
      await page.reload();
      await phase(page, 'ready');
      assert.equal(await notice(page), '');
      assert.match(await status(page), /opened from this browser’s storage/);
    });
  }

  test('a second tab says that another one is building, and opens the index when it is there', async () => {
    await page.goto(url.replace(/\?.*/, ''));
    await phase(page, 'indexing');
    await ask(page, 'a living thing');
    await page.screenshot({ path: join(results, 'indexing.png') });
    await phase(page, 'ready');
    // Building takes too short a time to meet it in the middle, so this page stands for a tab that builds.
    const builder = await browser.context.newPage();
    await builder.goto(new URL('/holder.html', url).href);
    await builder.evaluate((name) => {
      navigator.locks.request(name, () => new Promise(() => {}));
    }, LOCK);
    const second = await browser.context.newPage();
    await second.goto(url);
    await phase(second, 'building-elsewhere');
    assert.match(await notice(second), /Another tab is building the index/);
    await second.screenshot({ path: join(results, 'second-tab.png') });
    await second.click('text=Work in memory');
    await phase(second, 'ready');
    await second.goto(url);
    await phase(second, 'building-elsewhere');
    await builder.close();
    await phase(second, 'ready');
    assert.equal(await notice(second), '');
    assert.equal(await figure(second, 'rows'), FEW_ROWS);
  });

  test('a file held elsewhere is waited for, then the person chooses to work on a copy', async () => {
    await indexed();
    await holdStored();
    await page.bringToFront();
    await page.reload();
    await phase(page, 'waiting');
    await phase(page, 'locked');
    assert.match(await notice(page), /Another tab holds the stored index/);
    await page.click('text=Work in memory');
    await phase(page, 'ready');
    assert.match(await status(page), /copied from this browser’s storage/);
    assert.equal(await figure(page, 'rows'), FEW_ROWS);
    assert.equal(await notice(page), '');
  });

  test('a file that is let go in time is opened without a question', async () => {
    await indexed();
    const holder = await holdStored();
    await page.reload();
    await phase(page, 'waiting');
    await holder.close();
    await phase(page, 'ready');
    assert.match(await status(page), /opened from this browser’s storage/);
  });

  test('clearing removes the file and the next visit indexes again', async () => {
    await indexed();
    await page.click('#clear');
    await page.waitForFunction(() => document.querySelector('[data-figure="stored"]').textContent === 'no');
    assert.deepEqual(await storedFiles(page), []);
    assert.ok((await ask(page, 'a living thing')).length > 0);
    await page.reload();
    await phase(page, 'ready');
    assert.match(await status(page), /indexed in this browser/);
  });

  test('rebuilding indexes again and keeps the query', async () => {
    await indexed();
    await page.reload();
    await phase(page, 'ready');
    assert.match(await status(page), /opened from this browser’s storage/);
    const found = await ask(page, 'a living thing');
    await page.click('#rebuild');
    // Indexing so few rows may be over before the test has looked.
    await page.waitForFunction(() =>
      /indexed in this browser/.test(document.querySelector('#status[data-phase="ready"]')?.innerText ?? ''),
    );
    assert.deepEqual(await hits(page), found);
    assert.equal((await storedFiles(page)).length, 1);
  });

  test('the index of another release is removed once the own one is stored', async () => {
    await page.goto(new URL('/holder.html', url).href);
    const other = `reverse-dictionary-${FEW_ROWS}-0.0.1-0123456789abcdef.annw`;
    const foreign = 'a-file-of-another-program';
    await page.evaluate(
      async (names) => {
        const directory = await navigator.storage.getDirectory();
        for (const name of names) await directory.getFileHandle(name, { create: true });
      },
      [other, foreign],
    );
    await indexed();
    const files = await storedFiles(page);
    assert.equal(files.length, 2);
    assert.ok(files.includes(foreign));
    assert.ok(!files.includes(other));
  });

  test('a full disk is told, and the dictionary works in memory', async () => {
    await page.goto(new URL('/holder.html', url).href);
    const session = await browser.context.newCDPSession(page);
    await session.send('Storage.overrideQuotaForOrigin', {
      origin: new URL(url).origin,
      quotaSize: SMALL_QUOTA,
    });
    await indexed();
    assert.match(await notice(page), /could not be stored: .+ works in memory until this tab is closed/);
    assert.ok((await ask(page, 'a living thing')).length > 0);
    assert.deepEqual(await storedFiles(page), []);
  });

  test('without storage (an insecure address) it works in memory and says so', async () => {
    await page.goto(url.replace('127.0.0.1', INSECURE_HOST));
    await phase(page, 'ready');
    assert.match(await notice(page), /Nothing is stored: .+ works in memory/);
    assert.ok((await ask(page, 'a living thing')).length > 0);
  });
});

const status = (page) => page.textContent('#status-text');

const storedFiles = (page) =>
  page.evaluate(async () => {
    const names = [];
    for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
    return names.sort();
  });

const storedName = async (page) =>
  (await storedFiles(page)).find((name) => name.startsWith('reverse-dictionary-'));

/** Puts other bytes in the place of the stored index. */
async function replaceStored(page, kind) {
  await page.evaluate(
    async ([name, kind]) => {
      const file = await (await navigator.storage.getDirectory()).getFileHandle(name);
      const bytes = new Uint8Array(await (await file.getFile()).arrayBuffer());
      const middle = bytes.length >> 1;
      const damaged = {
        'a damaged file': () => bytes.fill(0xff, middle, middle + 64),
        'a cut file': () => bytes.subarray(0, -1000),
        'a foreign file': () => new TextEncoder().encode('this is no index'),
      };
      const target = await file.createWritable();
      await target.write(damaged[kind]());
      await target.close();
    },
    [await storedName(page), kind],
  );
}
