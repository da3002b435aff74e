// Media search in Chromium: the same vectors, filters and stages in a page and with the database in a worker.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as media from 'annywhere/media';
import { VectorDb } from 'annywhere/wasm';
import { titles } from '../data/titles.mjs';
import { openPackagePage } from './package-page.mjs';

/** Searches a database made with these options; runs in Node and in the page. */
async function search({ VectorDb, MediaVectorService, mediaSpace }, contents, options) {
  const embedder = {
    contract: { model: 'letters', dimensions: 26, normalized: true },
    embed: async (texts) =>
      texts.map((text) => {
        const vector = new Float32Array(26);
        for (const char of text.toLowerCase()) if (/[a-z]/.test(char)) vector[char.charCodeAt(0) - 97] += 1;
        return vector;
      }),
  };
  const space = mediaSpace(26);
  const db = new VectorDb({ dimensions: space.dimensions, distanceMetric: 'dot', ...options });
  const service = new MediaVectorService({ db, embedder, space, now: () => Date.UTC(2024, 0) });
  await service.add(contents);
  const { hits, stages } = await service.advancedSearch({
    text: 'a crew far from home',
    genreIds: [878],
    moods: ['suspenseful'],
    yearRange: { from: 1970, to: 2000 },
    diversity: true,
    k: 12,
  });
  const failed = await new Promise((resolve) => {
    const late = setTimeout(resolve, 3000, 'nothing was heard');
    const listener = async () => Promise.reject(new Error('the listener is broken'));
    db.watch({ vector: new Float32Array(space.dimensions).fill(1) }, listener, (error) => {
      clearTimeout(late);
      resolve(error.message);
    });
  });
  await db.close();
  return {
    hits: hits.map(({ id, matchReasons }) => [id, matchReasons]),
    stages: stages.map(({ name }) => name),
    failed,
  };
}

describe('media search in a browser', () => {
  let page;
  let close;
  before(async () => {
    ({ page, close } = await openPackagePage());
  });
  after(() => close?.());

  for (const [place, options] of [
    ['in the page', { worker: false }],
    ['in a worker', { worker: true }],
  ]) {
    it(`fills k and gives the hits and reasons of Node, the database ${place}`, async () => {
      const expected = await search({ VectorDb, ...media }, titles(), {});
      assert.equal(expected.hits.length, 12);
      assert.equal(expected.failed, 'the listener is broken');
      const found = await page.evaluate(`(async () => {
        const modules = { ...(await import('/npm/annywhere/dist/browser.js')), ...(await import('/npm/annywhere/dist/media/index.js')) };
        return (${search})(modules, ${JSON.stringify(titles())}, ${JSON.stringify(options)});
      })()`);
      assert.deepEqual(found, expected);
    });
  }
});
