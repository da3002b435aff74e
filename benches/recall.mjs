// Recall of an index on all WordNet definitions, measured against exact scan, and whether both engines agree.
//
//   npm run bench -- recall [--index scan|hnsw] [--dimensions 256] [--queries 1000] [--targetRecall 0.9,0.999]
//                           [--m 16] [--efConstruction 200] [--ef 32,64,128] [--engines native,wasm] [--rows N]
//
// Times are of one process on one machine; the ratios and the recall are what to compare.
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { loadGlosses } from './glosses.mjs';

const { values: given } = parseArgs({
  options: {
    index: { type: 'string', default: 'scan' },
    targetRecall: { type: 'string', default: '0.8,0.9,0.95,0.98,0.999' },
    dimensions: { type: 'string', default: '256' },
    queries: { type: 'string', default: '1000' },
    m: { type: 'string' },
    efConstruction: { type: 'string' },
    ef: { type: 'string', default: '32,64,128,256' },
    engines: { type: 'string', default: 'native,wasm' },
    rows: { type: 'string' },
  },
});

const K = 10;
// The graph takes rows in batches; the scan arranges all of a call at once.
const BATCH = given.index === 'hnsw' ? 5_000 : 1_000_000;
const data = await loadGlosses({ dimensions: Number(given.dimensions), queries: Number(given.queries) });
const rows = Math.min(Number(given.rows ?? data.ids.length), data.ids.length);
console.log(
  `${rows} definitions × ${data.dimensions}, ${data.queries.length} usage examples as queries, k = ${K}, cosine; ` +
    `encoding ${data.encodeSeconds.toFixed(1)} s`,
);

const hnswConfig = {
  ...(given.m && { m: Number(given.m) }),
  ...(given.efConstruction && { efConstruction: Number(given.efConstruction) }),
};
const settings =
  given.index === 'hnsw'
    ? given.ef.split(',').map((ef) => ({ ef: Number(ef) }))
    : given.targetRecall.split(',').map((target) => ({ targetRecall: Number(target) }));
const answers = new Map();
for (const engine of given.engines.split(',')) answers.set(engine, await measure(engine));

const [first, ...others] = answers.values();
for (const other of others) {
  const same = other.file === first.file && other.hits === first.hits;
  console.log(
    `files and hits of both engines: ${same ? 'identical' : 'DIFFERENT'} (${first.file.slice(0, 16)})`,
  );
  if (!same) process.exitCode = 1;
}

async function measure(engine) {
  process.env.ANNYWHERE_BACKEND = 'native';
  const { VectorDb } = await import(engine === 'native' ? 'annywhere' : 'annywhere/wasm');
  const options = { dimensions: data.dimensions, index: given.index };
  const db = new VectorDb(given.index === 'hnsw' ? { ...options, hnswConfig } : options);
  const build = await seconds(async () => {
    for (let from = 0; from < rows; from += BATCH) {
      const to = Math.min(from + BATCH, rows);
      await db.insertBatch({
        ids: data.ids.slice(from, to),
        vectors: data.vectors.subarray(from * data.dimensions, to * data.dimensions),
        metadata: data.metadata.slice(from, to),
      });
    }
  });
  const stats = db.getStats();
  const memory = Object.entries(stats.memory).map(
    ([part, bytes]) => `${part} ${(bytes / 2 ** 20).toFixed(0)}`,
  );
  console.log(
    `\n${engine}: ${(rows / build).toFixed(0)} rows/s (${build.toFixed(1)} s); MiB: ${memory.join(', ')}`,
  );

  const truth = await searchAll(db, { exact: true });
  console.log(`  exact              ${truth.p50} µs p50`);
  const everyHit = createHash('sha256');
  for (const setting of [{}, ...settings]) {
    const found = await searchAll(db, setting);
    for (const hits of found.hits) everyHit.update(JSON.stringify(hits));
    const label = Object.entries(setting).flat().join(' ') || 'default';
    console.log(
      `  ${label.padEnd(18)} recall@${K} ${recall(found.hits, truth.hits).toFixed(4)}  ${found.p50} µs p50`,
    );
  }
  const file = createHash('sha256')
    .update(await db.toBytes())
    .digest('hex');
  await db.close();
  return { file, hits: everyHit.digest('hex') };
}

/** Hits of every query, and the median time; a first pass warms up. */
async function searchAll(db, options) {
  const times = [];
  const hits = [];
  for (const vector of data.queries.slice(0, 100)) await db.search({ vector, k: K, ...options });
  for (const vector of data.queries) {
    const begin = performance.now();
    hits.push(await db.search({ vector, k: K, ...options }));
    times.push((performance.now() - begin) * 1000);
  }
  times.sort((a, b) => a - b);
  return { hits, p50: times[times.length >> 1].toFixed(0) };
}

function recall(found, truth) {
  const shared = found.map((hits, query) => {
    const ids = new Set(truth[query].map((hit) => hit.id));
    return hits.filter((hit) => ids.has(hit.id)).length / truth[query].length;
  });
  return shared.reduce((sum, part) => sum + part, 0) / shared.length;
}

async function seconds(work) {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
