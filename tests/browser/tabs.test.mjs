// One store in several tabs of real Chromium: one tab has it open, the others work through it, and another takes over when
// it closes or is killed.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openBrowser } from './demo.mjs';
import { serveSite } from './site.mjs';

const KILLS = process.env.ANNYWHERE_FULL ? 12 : 3;

// Keeps the workers, so that they can be killed; `open` makes the page's database, `loop` inserts until it is told to stop.
const PAGE = `<!doctype html><link rel="icon" href="data:,"><title>annywhere</title><script type="module">
  window.workers = [];
  const { Worker } = window;
  window.Worker = class extends Worker {
    constructor(...args) {
      super(...args);
      window.workers.push(this);
    }
  };
  const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
  window.VectorDb = VectorDb;
  window.open_ = (storagePath, options) => {
    window.db = new VectorDb({ dimensions: 8, storagePath, ...options });
    return window.db.len();
  };
  window.codeOf = (promise) => promise.then((value) => value ?? 'done', (error) => error.code ?? String(error));
  window.acknowledged = [];
  window.errors = [];
  window.loop = async (name) => {
    for (let step = 0; !window.isOver; step++) {
      const id = name + step;
      try {
        await window.db.insert({ id, vector: new Float32Array(8).fill(step + 1) });
        window.acknowledged.push(id);
        if (!(await window.db.has(id))) window.errors.push('does not read what it wrote: ' + id);
      } catch (error) {
        window.errors.push(error.code + ': ' + error.message);
      }
    }
  };
  window.isLoaded = true;
</script>`;

for (const [place, storage] of [
  ['OPFS, in workers', 'opfs'],
  ['IndexedDB, in pages without workers', 'indexeddb'],
]) {
  describe(`tabs with one store (${place})`, () => {
    const inPages = storage === 'indexeddb';
    let [site, browser] = [];
    let pages = [];
    let stores = 0;
    before(async () => {
      const hidden = inPages ? ['engine-worker.js'] : [];
      site = await serveSite({ '/page.html': PAGE }, { hidden });
      browser = await openBrowser();
    });
    afterEach(async () => {
      for (const page of pages) if (!page.isClosed()) await page.close();
      pages = [];
    });
    after(async () => {
      await browser.close();
      site.close();
    });

    /** A page that has opened the store. */
    async function tab(storagePath, options) {
      const page = await browser.context.newPage();
      pages.push(page);
      await page.goto(`${site.url}/page.html`);
      await page.waitForFunction(() => window.isLoaded);
      await page.evaluate(([path, options]) => window.open_(path, options), [storagePath, options]);
      return page;
    }
    const tabs = async (count) => {
      const storagePath = `tabs-${stores++}`;
      const made = [];
      while (made.length < count) made.push(await tab(storagePath));
      return { storagePath, made };
    };
    const kill = inPages
      ? (page) => page.close()
      : (page) =>
          page.evaluate(() => {
            for (const worker of window.workers) worker.terminate();
          });
    const insert = (page, id, n = 1) =>
      page.evaluate(
        ([id, n]) => window.db.insert({ id, vector: new Float32Array(8).fill(n), metadata: { n } }),
        [id, n],
      );

    it('have the same rows, and each reads what any has written', async () => {
      const { made } = await tabs(3);
      for (const [at, page] of made.entries()) await insert(page, `row ${at}`, at + 1);
      for (const [at, page] of made.entries()) {
        const seen = await page.evaluate(async () => ({
          rows: await window.db.len(),
          row: (await window.db.get('row 1')).metadata,
          hits: (await window.db.search({ vector: new Float32Array(8).fill(3), k: 3 })).length,
          count: window.db.getStats().count,
          storage: window.db.getStats().storage,
        }));
        assert.deepEqual(seen, { rows: 3, row: { n: 2 }, hits: 3, count: 3, storage }, `tab ${at}`);
      }
      assert.equal(await made[2].evaluate(() => window.db.delete('row 0')), true);
      for (const page of made) assert.equal(await page.evaluate(() => window.db.has('row 0')), false);
      assert.equal(
        await made[1].evaluate(() => window.codeOf(window.db.insert({ id: 'a', vector: [1] }))),
        'WrongDimension',
      );
    });

    it('hear of each other through standing queries, also after another has taken over', async () => {
      const { made } = await tabs(3);
      await made[1].evaluate(() => {
        window.heard = [];
        window.db.watch({ vector: new Float32Array(8).fill(1), k: 5 }, ({ entered }) =>
          window.heard.push(...entered.map(({ id }) => id)),
        );
      });
      await insert(made[2], 'before');
      await made[1].waitForFunction(() => window.heard.includes('before'));
      await kill(made[0]);
      await insert(made[2], 'after');
      await made[1].waitForFunction(() => window.heard.includes('after'));
    });

    it('of other options are refused', async () => {
      const { storagePath, made } = await tabs(1);
      await insert(made[0], 'a');
      const page = await tab(`${storagePath} other`);
      const codes = await page.evaluate(async (storagePath) => {
        const open = async (options) => {
          const db = new window.VectorDb({ dimensions: 8, storagePath, ...options });
          const code = await window.codeOf(db.len());
          await db.close().catch(() => {});
          return code;
        };
        const opened = await window.VectorDb.open({ storagePath });
        const { dimensions } = opened.getStats();
        await opened.close();
        return [
          await open({ dimensions: 9 }),
          await open({ distanceMetric: 'dot' }),
          await open({ maxElements: 5, maxElementsPolicy: 'error' }),
          await open({ durability: 'strict' }),
          dimensions,
        ];
      }, storagePath);
      assert.deepEqual(codes, ['Mismatch', 'Mismatch', 'Mismatch', 1, 8]);
    });

    it('go on without an error when the one that leads closes, whatever they are doing', async () => {
      const { made } = await tabs(3);
      await insert(made[0], 'doomed');
      for (const [at, page] of made.slice(1).entries()) {
        await page.evaluate((name) => {
          window.looping = window.loop(name);
        }, `tab ${at} `);
      }
      for (const page of made.slice(1)) await page.waitForFunction(() => window.acknowledged.length > 5);
      // Removals cannot be repeated: that none fails shows that nothing has to be.
      const removing = made[1].evaluate(async () => {
        const codes = [];
        for (let at = 0; at < 60; at++) {
          await window.db.insert({ id: 'removed', vector: new Float32Array(8).fill(1) });
          codes.push(await window.codeOf(window.db.delete('removed')));
        }
        return codes;
      });
      await made[0].evaluate(() => window.db.close());
      assert.deepEqual(new Set(await removing), new Set([true]));
      await finished(made.slice(1));
    });

    /** Ends the loops, and looks whether every acknowledged row is there and nothing failed. */
    async function finished(left) {
      let all = [];
      for (const page of left) {
        const { acknowledged, errors } = await page.evaluate(async () => {
          window.isOver = true;
          await window.looping;
          return { acknowledged: window.acknowledged, errors: window.errors };
        });
        assert.deepEqual(errors, []);
        assert.ok(acknowledged.length > 0);
        all = all.concat(acknowledged);
      }
      for (const page of left) {
        const lost = await page.evaluate(async (ids) => {
          const rows = await window.db.getMany(ids);
          return ids.filter((_, at) => !rows[at]);
        }, all);
        assert.deepEqual(lost, []);
      }
      return all.length;
    }

    it(`lose nothing acknowledged in ${KILLS} kills of the one that leads`, async () => {
      let acknowledged = 0;
      for (let round = 0; round < KILLS; round++) {
        const { made } = await tabs(3);
        for (const [at, page] of made.entries()) {
          await page.evaluate((name) => {
            window.looping = window.loop(name);
          }, `tab ${at} `);
        }
        for (const page of made) await page.waitForFunction(() => window.acknowledged.length > 3);
        await new Promise((resolve) => setTimeout(resolve, (round * 97) % 300));
        const [leader, ...left] = made;
        const ofLeader = await leader.evaluate(() => window.acknowledged);
        const counts = await Promise.all(left.map((page) => page.evaluate(() => window.acknowledged.length)));
        // The worker alone, or the page with it.
        await (round % 2 ? kill(leader) : leader.close());
        for (const [at, page] of left.entries())
          await page.waitForFunction((count) => window.acknowledged.length > count + 5, counts[at]);
        acknowledged += ofLeader.length + (await finished(left));
        const rows = await left[1].evaluate((ids) => window.db.getMany(ids), ofLeader);
        assert.ok(rows.every(Boolean), 'what the killed tab had acknowledged');
        for (const page of made) if (!page.isClosed()) await page.close();
      }
      console.log(
        `Chromium, ${place}: ${KILLS} leading tabs killed, ${acknowledged} acknowledged rows, 0 lost`,
      );
    });

    it('repeat what can be repeated, and say of a removal that it may have been made', async () => {
      const { made } = await tabs(2);
      await made[1].evaluate(async () => {
        const ids = Array.from({ length: 1_500 }, (_, at) => `row ${at}`);
        await window.db.insertBatch({ ids, vectors: new Float32Array(12_000).map((_, at) => (at % 97) + 1) });
      });
      const listing = made[1].evaluate(async () => {
        const ids = [];
        for await (const id of window.db.ids()) {
          ids.push(id);
          if (ids.length === 1_000) {
            window.isHalf = true;
            await new Promise((resolve) => (window.goOn = resolve));
          }
        }
        return [ids.length, new Set(ids).size];
      });
      await made[1].waitForFunction(() => window.isHalf);
      // The leading tab is kept from answering, by something long or for ever.
      await made[0].evaluate((inPage) => {
        if (inPage) {
          setTimeout(() => {
            for (const end = Date.now() + 1_500; Date.now() < end; ) {}
          });
          return;
        }
        const vectors = new Float32Array(8 * 600_000).map((_, at) => Math.sin(at * at));
        window.db.insertBatch({ ids: Array.from({ length: 600_000 }, (_, at) => `more ${at}`), vectors });
      }, inPages);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const asked = made[1].evaluate(() =>
        Promise.all([
          window.codeOf(window.db.has('row 7')),
          window.codeOf(window.db.insert({ vector: new Float32Array(8).fill(5) })),
          window.codeOf(window.db.update('row 9', { metadata: { n: 9 } })),
          window.codeOf(window.db.delete('row 8')),
          window.codeOf(window.db.search({ vector: new Float32Array(8).fill(1), k: 1 })),
        ]),
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
      await kill(made[0]);
      const [has, id, updated, removed, hits] = await asked;
      assert.deepEqual([has, updated, removed, hits.length], [true, true, 'Interrupted', 1]);
      assert.match(id, /^[0-9a-f-]{36}$/);
      await made[1].evaluate(() => window.goOn());
      const [listed, different] = await listing;
      assert.equal(listed, different, 'no id twice');
      assert.ok(listed >= 1_499);
      assert.equal(await made[1].evaluate((id) => window.db.has(id), id), true);
    });
  });
}
