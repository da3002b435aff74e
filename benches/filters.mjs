// Filtered searches against searches without a filter: time and recall over selectivities.
//
//   npm run bench -- filters [--index scan,hnsw] [--engines native,wasm] [--dimensions 256] [--queries 300]
//   npm run bench -- filters --made [rows] [dimensions] [index]
//
// The first takes all WordNet definitions, of which those match whose random number is small enough. The second runs
// crates/annywhere/examples/bench_filters.rs: made data of any size, where matches also lie near the queries or far from them.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { loadGlosses } from './glosses.mjs';

const K = 10;
const PASSES = 3;
const PARTS = [1, 0.9, 0.5, 0.1, 0.05, 0.01, 0.001, 0.0001];

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    index: { type: 'string', default: 'scan,hnsw' },
    engines: { type: 'string', default: 'native,wasm' },
    dimensions: { type: 'string', default: '256' },
    queries: { type: 'string', default: '300' },
    made: { type: 'boolean', default: false },
  },
});

if (given.made) {
  const cargo = ['run', '--release', '--quiet', '-p', 'annywhere', '--features', 'parallel'];
  const made = spawnSync('cargo', [...cargo, '--example', 'bench_filters', '--', ...positionals], {
    stdio: 'inherit',
  });
  process.exit(made.status ?? 1);
}

const data = await loadGlosses({ dimensions: Number(given.dimensions), queries: Number(given.queries) });
const rows = data.ids.length;
let state = 1;
const metadata = data.ids.map(() => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return { chance: state / 2 ** 32 };
});
for (const engine of given.engines.split(',')) {
  process.env.ANNYWHERE_BACKEND = 'native';
  const { VectorDb } = await import(engine === 'native' ? 'annywhere' : 'annywhere/wasm');
  for (const index of given.index.split(',')) {
    const db = new VectorDb({ dimensions: data.dimensions, index });
    await db.insertBatch({ ids: data.ids, vectors: data.vectors, metadata });
    console.log(
      `\n${engine}, ${index}, ${rows} × ${data.dimensions}, k = ${K}, ${data.queries.length} queries`,
    );
    console.log('| matches | recall | µs | × | strategy |\n|---|---|---|---|---|');
    let whole = Number.NaN;
    for (const part of PARTS) {
      const filter = part < 1 ? { chance: { $lt: part } } : {};
      const [recall, micros] = await measure(db, filter);
      if (part === 1) whole = micros;
      const { strategy } = await db.explain({ vector: data.queries[0], filter, k: K });
      const cells = [`${part * 100} %`, recall.toFixed(3), micros.toFixed(0), (micros / whole).toFixed(2)];
      console.log(`| ${cells.join(' | ')} | ${strategy} |`);
    }
    await db.close();
  }
}

/** The part of the nearest matches that is found, and the least microseconds per search of a few passes. */
async function measure(db, filter) {
  let found = 0;
  let wanted = 0;
  for (const vector of data.queries) {
    const hits = await db.search({ vector, filter, k: K });
    const truth = new Set((await db.search({ vector, filter, k: K, exact: true })).map(({ id }) => id));
    wanted += truth.size;
    found += hits.filter(({ id }) => truth.has(id)).length;
  }
  let least = Number.POSITIVE_INFINITY;
  for (let pass = 0; pass < PASSES; pass++) {
    const begin = performance.now();
    for (const vector of data.queries) await db.search({ vector, filter, k: K });
    least = Math.min(least, ((performance.now() - begin) * 1000) / data.queries.length);
  }
  return [found / wanted, least];
}
