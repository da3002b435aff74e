// edgevec. Of its metrics only the euclidean one ranks the nearest first; on unit vectors it ranks as cosine does.
// The beam width belongs to the index, so every setting has an index of its own; the build time is that of one.
import { readFileSync } from 'node:fs';
import { peerFile, peerVersion, serve } from './serve.mjs';

const EF_SEARCH = [64, 256];

const wasmFile = () => readFileSync(peerFile('edgevec', 'edgevec_bg.wasm'));
const { default: init, EdgeVec, EdgeVecConfig } = await import(peerFile('edgevec', 'edgevec.js'));
await init({ module_or_path: wasmFile() });

const indexes = new Map();
let index;
let rest;

await serve({
  version: peerVersion('edgevec'),
  settings: () => EF_SEARCH.map((ef) => ({ label: `ef ${ef}`, ef })),

  build(rows, data, plan) {
    const [first, ...others] = EF_SEARCH;
    indexes.set(first, build(first, rows, data, plan));
    rest = () => {
      for (const ef of others) indexes.set(ef, build(ef, rows, data, plan));
    };
  },

  indexBytes() {
    const bytes = indexes.get(EF_SEARCH[0]).memoryUsage();
    rest();
    rest = undefined;
    return bytes;
  },

  use({ ef }) {
    index = indexes.get(ef);
  },

  query: (vector) => vector,
  search: (vector, k) => index.search(vector, k),
  ids: (hits) => hits.map((hit) => hit.id - 1),
  wasm: wasmFile,
});

function build(ef, rows, { dimensions, rows: count }, { m, efConstruction }) {
  const config = new EdgeVecConfig(dimensions);
  config.metric = 'l2';
  config.m = m;
  config.m0 = 2 * m;
  config.ef_construction = efConstruction;
  config.ef_search = ef;
  const built = new EdgeVec(config);
  for (let row = 0; row < count; row++) built.insert(rows.subarray(row * dimensions, (row + 1) * dimensions));
  return built;
}
