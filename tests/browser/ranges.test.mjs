// A file of another origin of which only parts are fetched, in Chromium: from a worker of its own, from the page, and from a
// worker of the caller.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { VectorDb } from 'annywhere/wasm';
import { RangeServer } from '../range-server.mjs';
import { openBrowser } from './demo.mjs';
import { serveSite } from './site.mjs';

const MADE = {
  '/page.html': '<!doctype html><link rel="icon" href="data:,"><title>annywhere</title>',
  '/ask.js': `
    import { VectorDb } from '/npm/annywhere/dist/browser.js';
    export async function ask(url, options, search) {
      try {
        const db = await VectorDb.open(url, options);
        const hits = await db.search(search);
        const inserted = await db.insert({ vector: search.vector }).catch(({ code }) => code);
        const answers = [hits, (await db.get('77')).metadata, db.getStats().originals, inserted];
        await db.close();
        return answers;
      } catch ({ code }) {
        return code;
      }
    }`,
  '/worker.js': `
    import { ask } from '/ask.js';
    onmessage = async ({ data }) => postMessage(await ask(...data));`,
};
const ROWS = 20_000;
const DIMENSIONS = 64;
const SHARED = { 'access-control-allow-origin': '*' };
const EXPOSED = { ...SHARED, 'access-control-expose-headers': 'content-range, etag' };

describe('a file at a URL', () => {
  let [site, files, browser, page, whole, bytes] = [];
  before(async () => {
    whole = new VectorDb({ dimensions: DIMENSIONS });
    const vectors = Float32Array.from({ length: ROWS * DIMENSIONS }, (_, at) => Math.sin(at * at));
    const metadata = Array.from({ length: ROWS }, (_, row) => ({ title: `The title of row ${row}` }));
    const ids = metadata.map((_, row) => `${row}`);
    await whole.insertBatch({ ids, vectors, metadata });
    bytes = Buffer.from(await whole.toBytes());
    files = await new RangeServer(bytes).listen();
    site = await serveSite(MADE);
    browser = await openBrowser();
    page = await browser.context.newPage();
    await page.goto(`${site.url}/page.html`);
  });
  after(async () => {
    await browser.close();
    site.close();
    files.close();
    await whole.close();
  });

  const search = { vector: Array.from({ length: DIMENSIONS }, (_, at) => Math.cos(at)), k: 5 };
  const inPage = (options) =>
    page.evaluate(async (args) => (await import('/ask.js')).ask(...args), [files.url, options, search]);
  const inWorker = () =>
    page.evaluate(
      (args) =>
        new Promise((resolve) => {
          const worker = new Worker('/worker.js', { type: 'module' });
          worker.onmessage = ({ data }) => resolve(data);
          worker.postMessage(args);
        }),
      [files.url, {}, search],
    );
  const ways = {
    'a worker of its own': () => inPage({}),
    'the page': () => inPage({ worker: false }),
    'a worker of the caller': inWorker,
  };

  for (const [name, ask] of Object.entries(ways)) {
    it(`is read by ranges from ${name}`, async () => {
      files.behaviour = { headers: EXPOSED };
      files.count();
      const wanted = [await whole.search(search), { title: 'The title of row 77' }, 'storage', 'ReadOnly'];
      assert.deepEqual(await ask(), wanted);
      const { requests, ranges, sent } = files.count();
      assert.ok(ranges.every(Boolean), 'no preflight, and nothing but ranges');
      assert.ok(sent < bytes.length / 2, `${sent} bytes`);
      console.log(`${name}: ${requests} requests, ${sent} bytes of ${bytes.length}`);
      // Without the header nobody knows what a part is a part of.
      files.behaviour = { headers: SHARED };
      assert.deepEqual(await ask(), wanted);
      assert.deepEqual(files.count().ranges, ['bytes=0-65535', undefined]);
      const isPart = (range) => range && range !== 'bytes=0-65535';
      files.behaviour = { headers: EXPOSED, cut: isPart };
      assert.equal(await ask(), 'Io');
    });
  }
});
