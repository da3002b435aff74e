// Media search in Chromium: the same vectors, filters and stages in a page and with the database in a worker.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as media from 'annywhere/media';
import { VectorDb } from 'annywhere/wasm';
import { chromium } from 'playwright-core';
import { titles } from '../data/titles.mjs';

const dist = fileURLToPath(new URL('../../npm/annywhere/dist', import.meta.url));

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
  let server;
  let browser;
  let page;
  before(async () => {
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url, 'http://host');
      if (pathname === '/') {
        const html = '<!doctype html><link rel="icon" href="data:,">';
        return response.setHeader('content-type', 'text/html').end(html);
      }
      try {
        const type = pathname.endsWith('.js') ? 'text/javascript' : 'application/wasm';
        return response.setHeader('content-type', type).end(readFileSync(join(dist, pathname)));
      } catch {
        return response.writeHead(404).end();
      }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu'],
    });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
  });
  after(async () => {
    await browser?.close();
    server.close();
  });

  for (const [place, options] of [
    ['in the page', { worker: false }],
    ['in a worker', { worker: true }],
  ]) {
    it(`fills k and gives the hits and reasons of Node, the database ${place}`, async () => {
      const expected = await search({ VectorDb, ...media }, titles(), {});
      assert.equal(expected.hits.length, 12);
      assert.equal(expected.failed, 'the listener is broken');
      const found = await page.evaluate(`(async () => {
        const modules = { ...(await import('/browser.js')), ...(await import('/media/index.js')) };
        return (${search})(modules, ${JSON.stringify(titles())}, ${JSON.stringify(options)});
      })()`);
      assert.deepEqual(found, expected);
    });
  }
});
