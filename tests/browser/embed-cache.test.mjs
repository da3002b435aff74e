// The cache of embeddings in the IndexedDB of Chromium: what survives the page, and what happens when it is taken away.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openPackagePage } from './package-page.mjs';

/** Embeds texts by their lengths, through a cache; says what the embedder was asked for and what went wrong. */
async function embed(texts, { ttlMs, now } = {}) {
  const { cachedEmbedder, indexedDbStore } = await import('/npm/annywhere/dist/embed.browser.js');
  const asked = [];
  const errors = [];
  const embedder = {
    contract: { model: 'lengths', dimensions: 3, normalized: false },
    embed: async (all) => {
      asked.push(...all);
      return all.map((text) => Float32Array.of(text.length, 1, 1 / 3));
    },
  };
  window.store ??= indexedDbStore('vectors of a test');
  const time = now ?? Date.now();
  const cache = cachedEmbedder(embedder, {
    store: window.store,
    onError: (error) => errors.push(String(error)),
    now: () => time,
    ...(ttlMs && { ttlMs }),
  });
  const vectors = (await cache.embed(texts)).map((vector) => [...vector]);
  // Vectors are stored after the answer: the store is asked until it has them.
  for (let tries = 0; tries < 200 && asked.length > 0; tries++) {
    const again = cachedEmbedder(
      { ...embedder, embed: async (all) => all.map(() => new Float32Array(3)) },
      {
        store: window.store,
        now: () => time,
      },
    );
    await again.embed(texts);
    if (again.stats().stored === new Set(texts).size) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { asked, errors, vectors, stats: cache.stats() };
}

it('vectors outlive the page in IndexedDB, each for its time, and a store that is taken away is made again', async (t) => {
  const { page, close } = await openPackagePage();
  t.after(close);
  const run = (texts, options) =>
    page.evaluate(`(${embed})(${JSON.stringify(texts)}, ${JSON.stringify(options ?? {})})`);

  const first = await run(['one', 'three', 'one']);
  assert.deepEqual(first.asked, ['one', 'three']);
  await page.reload();
  const second = await run(['three', 'one', 'fourteen']);
  assert.deepEqual(second.asked, ['fourteen'], 'the others are in the store');
  assert.deepEqual(second.vectors[1], first.vectors[0], 'to the last bit');
  assert.deepEqual(second.errors, []);

  // A vector that is kept for a second is not used later.
  const now = Date.now();
  assert.deepEqual((await run(['short'], { ttlMs: 1000, now })).asked, ['short']);
  assert.deepEqual((await run(['short'], { ttlMs: 1000, now: now + 999 })).asked, []);
  assert.deepEqual((await run(['short'], { ttlMs: 1000, now: now + 1001 })).asked, ['short']);

  // A broken record is no vector.
  await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open('vectors of a test', 1);
        opening.onsuccess = () => {
          const vectors = opening.result.transaction('vectors', 'readwrite').objectStore('vectors');
          const keys = vectors.getAllKeys();
          keys.onsuccess = () => {
            for (const key of keys.result) vectors.put('no bytes', key);
            vectors.transaction.oncomplete = () => resolve(opening.result.close());
          };
        };
        opening.onerror = reject;
      }),
  );
  const repaired = await run(['one']);
  assert.deepEqual(repaired.asked, ['one']);
  assert.deepEqual(repaired.vectors, [first.vectors[0]]);

  // Deleted while it is open: the next use makes it anew.
  await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const deleting = indexedDB.deleteDatabase('vectors of a test');
        deleting.onsuccess = resolve;
        deleting.onblocked = reject;
      }),
  );
  const anew = await run(['one']);
  assert.deepEqual(anew.asked, ['one']);
  assert.deepEqual(anew.errors, []);
});
