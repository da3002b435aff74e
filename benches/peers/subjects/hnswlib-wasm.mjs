// hnswlib as WebAssembly. The package is made for browsers: while it loads, Node has to look like one. It then
// complains that there is no IndexedDB, which only its saving needs.
import { readdirSync, readFileSync } from 'node:fs';
import { beamWidths, peerFile, peerVersion, rowOf, serve } from './serve.mjs';

const SEED = 100;
const NO_AUTO_SAVE = '';

const { HierarchicalNSW } = await load();

let index;

await serve({
  version: peerVersion('hnswlib-wasm'),
  settings: (_, plan) => beamWidths(plan),

  build(rows, { rows: count, dimensions, metric }, { m, efConstruction }) {
    index = new HierarchicalNSW(metric === 'cosine' ? 'cosine' : 'l2', dimensions, NO_AUTO_SAVE);
    index.initIndex(count, m, efConstruction, SEED);
    for (let row = 0; row < count; row++) index.addPoint(rowOf(rows, row, dimensions), row, false);
  },

  use: ({ ef }) => index.setEfSearch(ef),
  query: (vector) => vector,
  search: (vector, k) => index.searchKnn(vector, k, undefined),
  ids: ({ neighbors }) => neighbors,
  wasm,
});

async function load() {
  const { process } = globalThis;
  globalThis.window = globalThis;
  globalThis.process = undefined;
  try {
    const { loadHnswlib } = await import(peerFile('hnswlib-wasm', 'dist', 'hnswlib.js'));
    return await loadHnswlib();
  } finally {
    globalThis.process = process;
  }
}

/** The module stands in a script, in base64. */
function wasm() {
  const folder = peerFile('hnswlib-wasm', 'dist');
  const script = readdirSync(folder).find((name) => /^hnswlib-\w+\.js$/.test(name));
  const base64 = readFileSync(`${folder}/${script}`, 'utf8').match(/octet-stream;base64,([\w+/=]+)/)[1];
  return Buffer.from(base64, 'base64');
}
