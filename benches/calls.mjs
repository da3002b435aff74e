// What a call of `search` costs above the search itself: 768 dimensions, k = 10, metadata of 100 bytes.
//
//   npm run bench -- calls [--rows 2000] [--dimensions 768] [--k 10] [--rounds 60] [--engines native,wasm] [--index scan|hnsw]
//
// The core's time is that of the same searches in one `searchMany` on one thread, with a threshold that no hit reaches:
// all is searched and no hit has to be handed over. Both take turns on fifty queries each; of each fifty the fastest turn
// counts, and the figures are means over all.
import { parseArgs } from 'node:util';
import { measureCalls } from './call-times.mjs';

// Before the native engine starts its threads.
process.env.RAYON_NUM_THREADS = '1';
process.env.ANNYWHERE_BACKEND = 'native';

const { values: given } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000' },
    dimensions: { type: 'string', default: '768' },
    k: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '60' },
    engines: { type: 'string', default: 'native,wasm' },
    index: { type: 'string', default: 'scan' },
  },
});

for (const engine of given.engines.split(',')) {
  const { VectorDb } = await import(engine === 'native' ? 'annywhere' : 'annywhere/wasm');
  const { core, awaited } = await measureCalls(VectorDb, {
    rows: Number(given.rows),
    dimensions: Number(given.dimensions),
    k: Number(given.k),
    rounds: Number(given.rounds),
    index: given.index,
  });
  const column = (value) => `${value.toFixed(1)} µs`.padStart(9);
  console.log(
    `${engine.padEnd(6)}  core ${column(core)}   awaited ${column(awaited)}   difference ${column(awaited - core)}`,
  );
}
