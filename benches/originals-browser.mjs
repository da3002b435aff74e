// The same measurement in Chromium: the file lies in the origin private file system, the engine in a worker of its own.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };
const PAGE = '<!doctype html><link rel="icon" href="data:,"><title>originals</title>';
// As the optimizing compiler makes it from the start, and no sandbox: benchmarks may run as root.
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--js-flags=--no-liftoff'];
const WARM_UP = 100;

/** Copies the file into the page's file system, opens it there and searches. */
export async function searchInChromium(executablePath, { file, dimensions, queries, k }) {
  const made = { '/page.html': PAGE, '/file': file };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://host');
    const body = pathname === '/page.html' ? PAGE : readFileSync(made[pathname] ?? join(root, pathname));
    response.writeHead(200, { 'content-type': TYPES[extname(pathname)] ?? 'application/octet-stream' });
    response.end(body);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const profile = mkdtempSync(join(tmpdir(), 'annywhere-chromium-'));
  const browser = await chromium.launchPersistentContext(profile, { executablePath, args: FLAGS });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/page.html`);
    const asked = { dimensions, k, warmUp: WARM_UP, queries: queries.map((query) => Array.from(query)) };
    return await page.evaluate(search, asked);
  } finally {
    await browser.close();
    server.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** Runs in the page. */
async function search({ dimensions, k, warmUp, queries }) {
  const folder = await navigator.storage.getDirectory();
  const target = await (await folder.getFileHandle('rows.annw', { create: true })).createWritable();
  await (await fetch('/file')).body.pipeTo(target);
  const { VectorDb } = await import('/npm/annywhere/dist/browser.js');
  const vectors = queries.map((query) => Float32Array.from(query));
  const begin = performance.now();
  const db = new VectorDb({ dimensions });
  await db.load('rows.annw', { originals: 'storage' });
  const openMs = performance.now() - begin;
  for (const vector of vectors.slice(0, warmUp)) await db.search({ vector, k });
  const [times, ids] = [[], []];
  for (const vector of vectors) {
    const start = performance.now();
    const hits = await db.search({ vector, k });
    times.push((performance.now() - start) * 1000);
    ids.push(hits.map((hit) => hit.id));
  }
  const { memoryUsage } = db.getStats();
  await db.close();
  return { openMs, memoryUsage, times, ids };
}
