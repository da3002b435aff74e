// What a row takes in memory when vectors and metadata stay in a file, and how long searches take then.
//
//   npm run bench -- originals [--index scan|hnsw] [--codes rabitq|scalar|product] [--bits 2] [--dimensions 128]
//                              [--originals storage|mapped] [--queries 1000] [--chromium PATH]
//
// Rows are all definitions of WordNet, saved to a file below target/bench; each engine opens it in a process of its own.
// With --chromium (or CHROMIUM_PATH) the page does the same from its origin private file system.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inTarget } from '../pkg-scripts/lib/paths.mjs';
import { loadGlosses } from './glosses.mjs';
import { searchInChromium } from './originals-browser.mjs';

const K = 10;
const WARM_UP = 100;

const { values: given } = parseArgs({
  options: {
    index: { type: 'string', default: 'scan' },
    codes: { type: 'string', default: 'rabitq' },
    originals: { type: 'string', default: 'storage' },
    bits: { type: 'string', default: '2' },
    dimensions: { type: 'string', default: '128' },
    queries: { type: 'string', default: '1000' },
    chromium: { type: 'string', default: process.env.CHROMIUM_PATH },
    // Given to the processes that this one starts.
    open: { type: 'string' },
  },
});
const dimensions = Number(given.dimensions);
const { index, codes: type } = given;
const quantization = type === 'rabitq' ? { type, bits: Number(given.bits) } : { type };

if (given.open) process.stdout.write(JSON.stringify(await searchOpened(given.open)));
else await main();

async function main() {
  const data = await loadGlosses({ dimensions, queries: Number(given.queries) });
  const rows = data.ids.length;
  const folder = inTarget('bench', 'originals');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${dimensions}-${index}-${type}-${given.bits}.annw`);
  const truth = await save(data, file);
  console.log(
    `${rows} definitions × ${dimensions}, ${index}, ${JSON.stringify(quantization)}, ${data.queries.length} usage examples as queries, k = ${K}, cosine, ` +
      `defaults otherwise; vectors take ${dimensions * 4} bytes`,
  );
  for (const engine of ['native', 'wasm']) {
    const script = fileURLToPath(import.meta.url);
    const args = [
      '--no-liftoff',
      '--expose-gc',
      script,
      ...process.argv.slice(2),
      '--open',
      `${engine}:${file}`,
    ];
    const text = execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
    report(`Node, ${engine}`, JSON.parse(text), truth, rows);
  }
  if (!given.chromium) return console.log('Chromium: not run; name it with --chromium');
  const found = await searchInChromium(given.chromium, { file, dimensions, queries: data.queries, k: K });
  report('Chromium, OPFS', found, truth, rows);
}

/** Builds and saves the index, and finds the true neighbours. */
async function save(data, file) {
  const { VectorDb } = await import('annywhere');
  const db = new VectorDb({ dimensions, index, quantization });
  await db.insertBatch({ ids: data.ids, vectors: data.vectors });
  await db.compact();
  await db.save(file);
  const truth = [];
  for (const vector of data.queries) truth.push(await db.search({ vector, k: K, exact: true }));
  await db.close();
  return truth.map((hits) => hits.map((hit) => hit.id));
}

/** In a process that has nothing else: memory and times. */
async function searchOpened(argument) {
  const at = argument.indexOf(':');
  const [engine, file] = [argument.slice(0, at), argument.slice(at + 1)];
  process.env.ANNYWHERE_BACKEND = 'native';
  const { VectorDb, init } = await import(engine === 'native' ? 'annywhere' : 'annywhere/wasm');
  await init();
  globalThis.gc();
  const before = process.memoryUsage.rss();
  const begin = performance.now();
  const db = new VectorDb({ dimensions });
  await db.load(file, { originals: given.originals });
  const openMs = performance.now() - begin;
  globalThis.gc();
  const resident = process.memoryUsage.rss() - before;
  const { memoryUsage } = db.getStats();
  // Only now: what reading the definitions takes must not be counted.
  const { queries } = await loadGlosses({ dimensions, queries: Number(given.queries) });
  for (const vector of queries.slice(0, WARM_UP)) await db.search({ vector, k: K });
  const [times, ids] = [[], []];
  for (const vector of queries) {
    const start = performance.now();
    const hits = await db.search({ vector, k: K });
    times.push((performance.now() - start) * 1000);
    ids.push(hits.map((hit) => hit.id));
  }
  await db.close();
  return { openMs, resident, memoryUsage, times, ids };
}

function report(title, { openMs, resident, memoryUsage, times, ids }, truth, rows) {
  times.sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((part) => times[Math.floor(part * times.length)].toFixed(0));
  let found = 0;
  ids.forEach((hits, query) => {
    found += hits.filter((id) => truth[query].includes(id)).length;
  });
  const grown = resident === undefined ? '' : `, process grew by ${(resident / rows).toFixed(1)}`;
  console.log(
    `${title.padEnd(16)} ${(memoryUsage / rows).toFixed(1)} B/row${grown}; opened in ${openMs.toFixed(0)} ms; ` +
      `recall@${K} ${(found / (truth.length * K)).toFixed(4)}; p50 ${p50} µs, p99 ${p99} µs`,
  );
}
