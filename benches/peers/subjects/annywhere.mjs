// This project through its npm package: `annywhere.mjs native|wasm hnsw|scan`.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beamWidths, Refusal, serve } from './serve.mjs';

const TARGET_RECALLS = [0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];

const [engine, index] = process.argv.slice(2);
/** Rows of one call: the graph takes them in batches, the scan arranges all of them at once. */
const BATCH = index === 'hnsw' ? 5_000 : 1_000_000;
process.env.ANNYWHERE_BACKEND = engine;
const { VectorDb, getRuntimeInfo, init } = await import(engine === 'native' ? 'annywhere' : 'annywhere/wasm');
await init();

let db;
let setting;

await serve({
  version: `${getRuntimeInfo().version} ${getRuntimeInfo().simd}`,

  settings(data, plan) {
    db = open(data, plan);
    if (index === 'hnsw') return beamWidths(plan);
    return TARGET_RECALLS.map((targetRecall) => ({ label: `target ${targetRecall}`, targetRecall }));
  },

  async build(rows, data) {
    for (let from = 0; from < data.rows; from += BATCH) {
      const to = Math.min(from + BATCH, data.rows);
      await db.insertBatch({
        ids: Array.from({ length: to - from }, (_, row) => String(from + row)),
        vectors: rows.subarray(from * data.dimensions, to * data.dimensions),
      });
    }
  },

  indexBytes: () => db.getStats().memoryUsage,

  use({ label, ...options }) {
    setting = options;
  },

  query: (vector) => vector,
  search: (vector, k) => db.search({ vector, k, ...setting }),
  ids: (hits) => hits.map((hit) => Number(hit.id)),
  wasm: engine === 'wasm' ? wasm : undefined,
});

/** A version without the option `index` has the graph alone. */
function open({ dimensions, metric }, { m, efConstruction }) {
  const options = { dimensions, distanceMetric: metric };
  const hnswConfig = { m, efConstruction };
  try {
    return new VectorDb(index === 'hnsw' ? { ...options, index, hnswConfig } : { ...options, index });
  } catch (error) {
    if (error.details?.option !== 'index' && !/\bindex\b/.test(error.message)) throw error;
    if (index === 'hnsw') return new VectorDb({ ...options, hnswConfig });
    throw new Refusal(`this version refuses index: 'scan' (${error.message})`);
  }
}

function wasm() {
  return readFileSync(fileURLToPath(import.meta.resolve('annywhere/annywhere.wasm')));
}
