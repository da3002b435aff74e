// The contract of every entry, in Chromium: databases in workers of their own, in the page, in a worker of the caller,
// and in the page because no worker starts.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { contract } from '../contract/contract.mjs';
import { openBrowser } from './demo.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' };
const CALLERS_WORKER = `
  import * as annywhere from '/npm/annywhere/dist/browser.js';
  import { contract } from '/tests/contract/contract.mjs';
  onmessage = async ({ data }) => {
    try {
      await contract[data](annywhere);
      postMessage('kept');
    } catch (error) {
      postMessage(String(error.stack));
    }
  };`;
const PAGE = '<!doctype html><link rel="icon" href="data:,"><title>annywhere</title>';

const MADE = { '/page.html': PAGE, '/callers-worker.js': CALLERS_WORKER };

/** The files of the package and the contract; what `hidden` names is not there. */
async function serve(hidden = []) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://host');
    try {
      if (hidden.some((name) => pathname.endsWith(name))) throw new Error('hidden');
      const body = MADE[pathname] ?? readFileSync(join(root, pathname));
      // A simple server: it does not know the type of a .wasm.
      response.writeHead(200, { 'content-type': TYPES[extname(pathname)] ?? 'application/octet-stream' });
      response.end(body);
    } catch {
      response.writeHead(404, { 'content-type': 'text/html' }).end('not here');
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

let browser;
let site;
let siteWithoutWorker;
before(async () => {
  browser = await openBrowser();
  site = await serve();
  siteWithoutWorker = await serve(['engine-worker.js']);
});
after(async () => {
  await browser.close();
  site.close();
  siteWithoutWorker.close();
});

async function open(url) {
  const page = await browser.context.newPage();
  await page.goto(`${url}/page.html`);
  return page;
}

/** Waits until the page has so many workers; those of closed databases take a moment to go. */
async function hasWorkers(page, count) {
  for (let turn = 0; page.workers().length !== count && turn < 250; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(page.workers().length, count);
}

const WAYS = {
  'in workers of their own': { site: () => site.url, workers: true },
  'in the page': { site: () => site.url, options: { worker: false }, workers: false },
  'in the page because no worker starts': { site: () => siteWithoutWorker.url, workers: false, fails: true },
};

for (const [name, way] of Object.entries(WAYS)) {
  describe(`the contract, databases ${name}`, () => {
    let page;
    before(async () => {
      page = await open(way.site());
    });
    after(() => page.close());

    for (const promise of Object.keys(contract)) {
      it(promise, async () => {
        const result = await page.evaluate(
          async ([promise, options, fails]) => {
            const annywhere = await import('/npm/annywhere/dist/browser.js');
            const { contract } = await import('/tests/contract/contract.mjs');
            class VectorDb extends annywhere.VectorDb {
              constructor(given) {
                super(options ? { ...given, ...options, ...('worker' in given && given) } : given);
              }
            }
            // Here errors of workers are what is expected.
            const getRuntimeInfo = () => ({
              ...annywhere.getRuntimeInfo(),
              ...(fails && { workerErrors: [] }),
            });
            try {
              await contract[promise]({ ...annywhere, VectorDb, getRuntimeInfo });
              return 'kept';
            } catch (error) {
              return String(error.stack);
            }
          },
          [promise, way.options, way.fails],
        );
        assert.equal(result, 'kept');
      });
    }

    it('really has the databases there, and lets go of them', async () => {
      await hasWorkers(page, 0);
      await page.evaluate(async (options) => {
        const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
        window.db = new VectorDb({ dimensions: 1, ...options });
        await window.db.insert({ id: 'a', vector: [1] });
      }, way.options);
      await hasWorkers(page, way.workers ? 1 : 0);
      const errors = await page.evaluate(async () => {
        const { getRuntimeInfo } = await import('/npm/annywhere/dist/browser.js');
        await window.db.close();
        return getRuntimeInfo().workerErrors;
      });
      assert.equal(errors.length > 0, way.fails === true, errors.join());
      await hasWorkers(page, 0);
    });
  });
}

describe('the contract, in a worker of the caller', () => {
  for (const promise of Object.keys(contract)) {
    it(promise, async () => {
      const page = await open(site.url);
      const result = await page.evaluate(
        (promise) =>
          new Promise((resolve, reject) => {
            const worker = new Worker('/callers-worker.js', { type: 'module' });
            worker.onmessage = ({ data }) => resolve(data);
            worker.onerror = ({ message }) => reject(new Error(message));
            worker.postMessage(promise);
          }),
        promise,
      );
      await page.close();
      assert.equal(result, 'kept');
    });
  }
});

describe('a database in a worker of its own', () => {
  it('keeps its file in the origin private file system, from a page', async () => {
    const page = await open(site.url);
    const answers = await page.evaluate(async () => {
      const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
      const options = { dimensions: 2, storagePath: 'folder/kept.annw' };
      const db = new VectorDb(options);
      await db.insert({ id: 'a', vector: [1, 2], metadata: { kept: true } });
      await db.close();
      const again = new VectorDb(options);
      const row = await again.get('a');
      await again.close();
      return [row.metadata, [...row.vector]];
    });
    assert.deepEqual(answers, [{ kept: true }, [1, 2]]);
    await page.close();
  });

  it('lets the page draw while it inserts and indexes', async () => {
    const page = await open(site.url);
    const { gap, rows, seconds } = await page.evaluate(async () => {
      const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
      const [dimensions, rows] = [128, 20_000];
      const vectors = Float32Array.from({ length: rows * dimensions }, (_, i) => Math.sin(i * i));
      const ids = Array.from({ length: rows }, (_, row) => `${row}`);
      const db = new VectorDb({ dimensions });
      await db.len();
      let [gap, last, isOver] = [0, performance.now(), false];
      const frame = (now) => {
        gap = Math.max(gap, now - last);
        last = now;
        if (!isOver) requestAnimationFrame(frame);
      };
      await new Promise(requestAnimationFrame);
      last = performance.now();
      requestAnimationFrame(frame);
      const begin = performance.now();
      await db.insertBatch({ ids, vectors }, { transfer: true });
      await db.search({ vector: new Float32Array(dimensions).fill(1) });
      isOver = true;
      const seconds = (performance.now() - begin) / 1000;
      const count = await db.len();
      await db.close();
      return { gap, rows: count, seconds };
    });
    assert.equal(rows, 20_000);
    console.log(`longest gap between frames: ${gap.toFixed(0)} ms in ${seconds.toFixed(1)} s of work`);
    // A frame takes 17 ms; the bound leaves room for a busy test machine, and the work itself takes much longer.
    assert.ok(gap < 200 && gap < seconds * 500, `${gap} ms without a frame, ${seconds} s in all`);
    await page.close();
  });
});
