// A real sentence model in Chromium, by transformers.js. Long: it fetches half a gigabyte.
import assert from 'node:assert/strict';
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { minilmEmbedder } from '../data/minilm.mjs';
import { titles } from '../data/titles.mjs';
import { prepareModels } from '../models.mjs';

const skip = process.env.ANNYWHERE_FULL ? false : 'runs with ANNYWHERE_FULL=1';
const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
const dist = fileURLToPath(new URL('../../npm/annywhere/dist', import.meta.url));

/** The folders under their names, and an empty page. */
async function serve(folders) {
  const server = createServer((request, response) => {
    const [, name, ...rest] = normalize(decodeURIComponent(request.url.split('?')[0])).split('/');
    const file = folders[name] && join(folders[name], ...rest);
    if (name === '')
      return response.setHeader('content-type', 'text/html').end('<!doctype html><title>.</title>');
    if (!file || !existsSync(file)) return response.writeHead(404).end();
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    return createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

it('MiniLM by transformers.js in Chromium gives the vectors that were made beforehand', {
  skip,
}, async (t) => {
  const { library, models } = prepareModels();
  const { url, close } = await serve({
    models,
    dist,
    transformers: join(library, '@huggingface/transformers/dist'),
    ort: join(library, 'onnxruntime-web/dist'),
  });
  t.after(close);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(url);
  const texts = titles()
    .slice(0, 8)
    .map(({ title, overview }) => `${title}: ${overview}`);
  const made = await page.evaluate(async (all) => {
    const { env, pipeline } = await import('/transformers/transformers.js');
    const { transformersEmbedder } = await import('/dist/embed.browser.js');
    env.allowRemoteModels = false;
    env.allowLocalModels = true;
    env.localModelPath = '/models/';
    env.backends.onnx.wasm.wasmPaths = '/ort/';
    const extractor = await pipeline('feature-extraction', 'minilm', { dtype: 'q8', device: 'wasm' });
    const embedder = transformersEmbedder({ extractor, model: 'all-MiniLM-L6-v2', dimensions: 384 });
    return (await embedder.embed(all)).map((vector) => [...vector]);
  }, texts);
  const beforehand = await minilmEmbedder().embed(texts);
  for (const [at, vector] of made.entries()) {
    const cosine = vector.reduce((sum, value, i) => sum + value * beforehand[at][i], 0);
    assert.ok(cosine > 0.99, `${texts[at]}: ${cosine}`);
  }
});
