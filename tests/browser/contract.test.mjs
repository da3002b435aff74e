// The contract of every entry, in Chromium: databases in workers of their own, in the page, in a worker of the caller,
// and in the page because no worker starts.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { publicMethods } from '../../pkg-scripts/docs.mjs';
import { contract } from '../contract/contract.mjs';
import { codes, harm } from '../contract/errors.mjs';
import { openBrowser } from './demo.mjs';
import { serveSite } from './site.mjs';

/** What runs beside the entry, in the page or in a worker: keeps promises, brings about errors, says what was called. */
const KEEPER = `
  import { contract } from '/tests/contract/contract.mjs';
  import { provoke } from '/tests/contract/errors.mjs';
  import { watched } from '/tests/contract/watched.mjs';
  export function keeperOf(given) {
    const { annywhere, used } = watched(given);
    // Paths of their own, also beside what earlier runs have left.
    const own = () => {
      const folder = 'contract-' + Math.random().toString(36).slice(2);
      return { ...annywhere, scratch: (name) => folder + '/' + name };
    };
    return {
      async keep(promise) {
        try {
          await contract[promise](own());
          return 'kept';
        } catch (error) {
          return String(error.stack);
        }
      },
      provoke: (code) => provoke(own(), code),
      used: () => [...used],
    };
  }`;
const CALLERS_WORKER = `
  import * as annywhere from '/npm/annywhere/dist/browser.js';
  import { keeperOf } from '/keeper.js';
  const keeper = keeperOf(annywhere);
  onmessage = async ({ data: [method, argument] }) => postMessage(await keeper[method](argument));`;
const PAGE = '<!doctype html><link rel="icon" href="data:,"><title>annywhere</title>';

const MADE = { '/page.html': PAGE, '/callers-worker.js': CALLERS_WORKER, '/keeper.js': KEEPER };
const GLUE = '/npm/annywhere/dist/annywhere_wasm.js';

/** The files of the package and the contract; what `hidden` names is not there. */
const serve = (hidden) =>
  // An engine that can be made to fail, wherever it runs.
  serveSite(MADE, { hidden, change: (path, body) => (path === GLUE ? `${body}\n(${harm})(Engine);` : body) });

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
  // Each error takes a worker of its own here, and half a second: one of every origin.
  'in workers of their own': {
    site: () => site.url,
    workers: true,
    // And there a second database of a store is not refused: it shares it, see tabs.test.mjs.
    codes: ['WrongDimension', 'Mismatch', 'ReadOnly', 'NoSpace', 'EngineFailed'],
  },
  'in the page': { site: () => site.url, options: { worker: false }, workers: false },
  'in the page because no worker starts': {
    site: () => siteWithoutWorker.url,
    workers: false,
    fails: true,
    codes: codes.filter((code) => code !== 'Locked'),
  },
};

/** The contract, kept by `window.keeper` of a page. */
function holds(pageOf, thrown = codes) {
  for (const promise of Object.keys(contract)) {
    it(promise, async () => {
      assert.equal(await pageOf().evaluate((name) => window.keeper.keep(name), promise), 'kept');
    });
  }

  it('has called every public method', async () => {
    const used = await pageOf().evaluate(() => window.keeper.used());
    assert.deepEqual(
      publicMethods().filter((name) => !used.includes(name)),
      [],
    );
  });

  it(`throws ${thrown === codes ? 'every code' : thrown.join(', ')}`, async () => {
    for (const code of thrown) {
      const { isOurs, ...error } = await pageOf().evaluate((code) => window.keeper.provoke(code), code);
      assert.deepEqual([error.code, isOurs], [code, true], error.message);
    }
  });
}

for (const [name, way] of Object.entries(WAYS)) {
  describe(`the contract, databases ${name}`, () => {
    let page;
    before(async () => {
      page = await open(way.site());
      await page.evaluate(
        async ([options, fails]) => {
          const annywhere = await import('/npm/annywhere/dist/browser.js');
          const { keeperOf } = await import('/keeper.js');
          class VectorDb extends annywhere.VectorDb {
            constructor(given) {
              super(options ? { ...given, ...options, ...('worker' in given && given) } : given);
            }
            static open(what, given) {
              const isOptions = Object.getPrototypeOf(what) === Object.prototype;
              return isOptions
                ? annywhere.VectorDb.open({ ...what, ...options })
                : annywhere.VectorDb.open(what, { ...given, ...options });
            }
          }
          // Here errors of workers are what is expected.
          const getRuntimeInfo = () => ({
            ...annywhere.getRuntimeInfo(),
            ...(fails && { workerErrors: [] }),
          });
          window.keeper = keeperOf({ ...annywhere, VectorDb, getRuntimeInfo });
        },
        [way.options, way.fails],
      );
    });
    after(() => page.close());

    holds(() => page, way.codes);

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
  let page;
  before(async () => {
    page = await open(site.url);
    await page.evaluate(() => {
      const worker = new Worker('/callers-worker.js', { type: 'module' });
      const ask = (method) => (argument) =>
        new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
          worker.postMessage([method, argument]);
        });
      window.keeper = { keep: ask('keep'), provoke: ask('provoke'), used: ask('used') };
    });
  });
  after(() => page.close());

  holds(() => page);
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
