// Stores that Chromium was given to keep and does not have any more: an error, and no empty database.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { openBrowser } from './demo.mjs';
import { serveSite } from './site.mjs';

const PAGE = `<!doctype html><link rel="icon" href="data:,"><title>annywhere</title><script type="module">
  const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
  window.VectorDb = VectorDb;
  const codeOf = (promise) => promise.then(String, (error) => error.code ?? String(error));
  // Makes a store, or opens it, with one more row; how many there are then, or the code of the error.
  window.add = async (storagePath, options) => {
    const db = new VectorDb({ dimensions: 2, storagePath, ...options });
    const code = await codeOf(db.insert({ vector: [1, 2] }).then(() => db.len()));
    await db.close().catch(() => {});
    return code;
  };
  window.look = async (storagePath, options) => {
    const db = new VectorDb({ dimensions: 2, storagePath, ...options });
    const code = await codeOf(db.len());
    await db.close().catch(() => {});
    return code;
  };
  window.removeFiles = async (path) =>
    (await navigator.storage.getDirectory()).removeEntry(path, { recursive: true });
  window.removeDatabase = (name) =>
    new Promise((resolve) => {
      indexedDB.deleteDatabase(name).onsuccess = resolve;
    });
  window.isLoaded = true;
</script>`;

describe('a store that the browser has removed', () => {
  let [site, browser, page, session, origin] = [];
  let stores = 0;
  let path;
  before(async () => {
    site = await serveSite({ '/page.html': PAGE });
    origin = site.url;
    browser = await openBrowser();
  });
  beforeEach(async () => {
    path = `store-${stores++}`;
    page = await browser.context.newPage();
    session = await browser.context.newCDPSession(page);
    await page.goto(`${origin}/page.html`);
    await page.waitForFunction(() => window.isLoaded);
  });
  afterEach(() => page.close());
  after(async () => {
    await browser.close();
    site.close();
  });

  const HERE = { worker: false };
  const add = (options) => page.evaluate((args) => window.add(...args), [path, options]);
  const look = (options) => page.evaluate((args) => window.look(...args), [path, options]);

  it('with all that the origin had but localStorage, as by an eviction', async () => {
    for (const [options, place] of [
      [{}, 'OPFS'],
      [HERE, 'IndexedDB'],
    ]) {
      path = `${place} ${path}`;
      assert.equal(await add(options), '1');
      assert.equal(await add(options), '2');
      const storageTypes = 'indexeddb,file_systems,cache_storage';
      await session.send('Storage.clearDataForOrigin', { origin, storageTypes });
      assert.deepEqual([await look(options), await add(options)], ['Evicted', 'Evicted'], place);
      // Everything, as users do: nothing is known of it any more.
      await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
      assert.equal(await add(options), '1');
    }
  });

  it('in OPFS alone, or left without content', async () => {
    await add({});
    await page.evaluate(() => localStorage.clear());
    await page.evaluate((path) => window.removeFiles(path), path);
    assert.deepEqual([await look({}), await add({})], ['Evicted', 'Evicted']);
    // An empty file is what is left when a browser loses content.
    await page.evaluate(async (path) => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(path, {
        create: true,
      });
      await folder.getFileHandle('superblock', { create: true });
    }, path);
    assert.equal(await add({}), 'Evicted');
  });

  it('in IndexedDB alone', async () => {
    await add(HERE);
    await page.evaluate(() => localStorage.clear());
    await page.evaluate((path) => window.removeDatabase(`annywhere:${path}`), path);
    assert.deepEqual([await look(HERE), await add(HERE)], ['Evicted', 'Evicted']);
  });

  it('is made anew once it was removed on purpose', async () => {
    for (const options of [{}, HERE]) {
      path = `store-${stores++}`;
      await add(options);
      await page.evaluate((path) => window.VectorDb.destroy(path), path);
      assert.deepEqual([await look(options), await add(options)], ['0', '1']);
      await page.evaluate((path) => window.removeFiles(path).catch(() => {}), path);
      await page.evaluate((path) => window.removeDatabase(`annywhere:${path}`), path);
      assert.equal(await add(options), 'Evicted');
      await page.evaluate((path) => window.VectorDb.destroy(path), path);
      assert.equal(await add(options), '1');
    }
  });

  it('is kept if the browser agrees to, and health() says whether it does', async () => {
    const answers = await page.evaluate(async (storagePath) => {
      let asked = 0;
      navigator.storage.persist = async () => {
        asked += 1;
        return true;
      };
      const found = [];
      for (const options of [{}, { persist: true }, { persist: true, worker: false }]) {
        const db = new window.VectorDb({
          dimensions: 2,
          storagePath: storagePath + found.length,
          ...options,
        });
        await db.insert({ vector: [1, 2] });
        const { store } = await db.health();
        found.push([asked, store.isPersisted]);
        await db.close();
      }
      return found;
    }, path);
    assert.deepEqual(answers, [
      [0, false],
      [1, false],
      [2, false],
    ]);
    assert.equal(
      await page.evaluate(async () => {
        try {
          new window.VectorDb({ dimensions: 2, persist: true });
        } catch ({ code }) {
          return code;
        }
      }),
      'InvalidOption',
    );
  });
});
