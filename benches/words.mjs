// Words on all WordNet definitions: what indexing them costs, how long searches take by vector, by words and by both, what
// they find, and whether both engines agree.
//
//   npm run bench -- words [--dimensions 128] [--queries 1000] [--engines native,wasm] [--rows N]
//
// Queries of the times are usage examples, which are in no row. What is found is counted over the hand-made queries of
// hybrid-queries.json and over the reverse dictionary of pkg-scripts/distill/queries.json: queries whose lemma is among
// the first ten hits.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { tableUrl } from '@annywhere/encoder-en';
import { StaticEncoder } from 'annywhere/embed';
import { loadGlosses } from './glosses.mjs';

const { values: given } = parseArgs({
  options: {
    dimensions: { type: 'string', default: '128' },
    queries: { type: 'string', default: '1000' },
    engines: { type: 'string', default: 'native,wasm' },
    rows: { type: 'string' },
  },
});

const FIELDS = ['lemmas', 'definition'];
const dimensions = Number(given.dimensions);
const data = await loadGlosses({ dimensions, queries: Number(given.queries) });
const encoder = await StaticEncoder.load(tableUrl, { dimensions });
const rows = Math.min(Number(given.rows ?? data.ids.length), data.ids.length);
const columns = {
  ids: data.ids.slice(0, rows),
  vectors: data.vectors.subarray(0, rows * dimensions),
  metadata: data.metadata.slice(0, rows),
};
const ways = {
  vector: ({ vector }) => ({ vector }),
  words: ({ text }) => ({ text }),
  'both, rrf': ({ vector, text }) => ({ vector, text }),
  'both, weighted': ({ vector, text }) => ({ vector, text, fusion: { method: 'weighted', alpha: 0.5 } }),
  'vector, diverse': ({ vector }) => ({ vector, diversify: { lambda: 0.7 } }),
  'vector, 2 per part of speech': ({ vector }) => ({ vector, k: 8, groupBy: { field: 'part', size: 2 } }),
};
const sets = readSets();
console.log(`${rows} definitions × ${dimensions}, ${data.queries.length} usage examples as queries, k = 10`);

const answers = [];
for (const engine of given.engines.split(',')) answers.push(await measure(engine));
for (const other of answers.slice(1)) {
  const same = other === answers[0];
  console.log(`files and hits of both engines: ${same ? 'identical' : 'DIFFERENT'}`);
  if (!same) process.exitCode = 1;
}

async function measure(engine) {
  process.env.ANNYWHERE_BACKEND = 'native';
  const { VectorDb } = await import(engine === 'native' ? 'annywhere' : 'annywhere/wasm');
  const db = new VectorDb({ dimensions });
  const plain = await seconds(() => db.insertBatch(columns));
  const words = await seconds(() => db.reindex({ text: { fields: FIELDS } }));
  const rebuilt = await seconds(() => db.reindex({}));
  const { memory } = db.getStats();
  console.log(
    `\n${engine}: rows in ${plain.toFixed(1)} s, words of all in ${(words - rebuilt).toFixed(1)} s, ` +
      `${(memory.words / 2 ** 20).toFixed(1)} MiB of words`,
  );
  const one = { id: 'one more', vector: data.vectors.slice(0, dimensions), metadata: data.metadata[0] };
  const single = await seconds(async () => {
    for (let time = 0; time < 200; time++) await db.insert(one);
  });
  console.log(`  one row replaced by one call: ${((single / 200) * 1e6).toFixed(0)} µs`);
  await db.delete('one more');
  const hash = createHash('sha256').update(await db.toBytes());
  for (const [name, way] of Object.entries(ways)) {
    const times = [];
    for (const at of [...data.queries.keys()].slice(0, 100)) await db.search(way(query(at)));
    for (const at of data.queries.keys()) {
      const begin = performance.now();
      const hits = await db.search(way(query(at)));
      times.push((performance.now() - begin) * 1000);
      hash.update(JSON.stringify(hits));
    }
    times.sort((a, b) => a - b);
    const [p50, p99] = [0.5, 0.99].map((part) => times[Math.floor(part * times.length)].toFixed(0));
    console.log(`  ${name.padEnd(30)} ${p50.padStart(6)} µs p50 ${p99.padStart(7)} µs p99`);
  }
  for (const [set, queries] of Object.entries(sets)) {
    const found = [];
    for (const [name, way] of Object.entries(ways).slice(0, 4))
      found.push(`${name} ${await hits(db, queries, way)}`);
    console.log(`  ${set}, found of ${queries.length}: ${found.join('; ')}`);
  }
  await db.close();
  return hash.digest('hex');
}

function query(at) {
  return { vector: data.queries[at], text: data.queryTexts[at] };
}

/** How many queries have a wanted lemma among the first ten hits. */
async function hits(db, queries, way) {
  let count = 0;
  for (const { query: text, lemmas } of queries) {
    const found = await db.search(way({ vector: encoder.encode(text), text }));
    count += found.some((hit) => hit.metadata.lemmas.some((lemma) => lemmas.includes(lemma))) ? 1 : 0;
  }
  return count;
}

function readSets() {
  const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
  const own = read('hybrid-queries.json');
  return {
    'exact words': own.words,
    meanings: own.meanings,
    'reverse dictionary': read('../pkg-scripts/distill/queries.json').reverse,
  };
}

async function seconds(work) {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
