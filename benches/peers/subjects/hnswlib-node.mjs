// hnswlib through N-API. It takes arrays of numbers; queries are turned into them before the clock runs.
import { statSync } from 'node:fs';
import { beamWidths, peerVersion, requirePeer, rowOf, scratch, serve } from './serve.mjs';

const { HierarchicalNSW } = requirePeer('hnswlib-node');

let index;

await serve({
  version: peerVersion('hnswlib-node'),
  settings: (_, plan) => beamWidths(plan),

  build(rows, { rows: count, dimensions, metric }, { m, efConstruction }) {
    index = new HierarchicalNSW(metric === 'cosine' ? 'cosine' : 'l2', dimensions);
    index.initIndex({ maxElements: count, m, efConstruction });
    for (let row = 0; row < count; row++) index.addPoint(Array.from(rowOf(rows, row, dimensions)), row);
  },

  indexBytes() {
    index.writeIndexSync(scratch('index'));
    return statSync(scratch('index')).size;
  },

  use: ({ ef }) => index.setEf(ef),
  query: (vector) => Array.from(vector),
  search: (vector, k) => index.searchKnn(vector, k),
  ids: ({ neighbors }) => neighbors,
});
