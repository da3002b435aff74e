// ruvector's native engine, without the package `ruvector` around it, whose locked dependencies do not install. The
// beam width of a search is ignored, that of the index counts; making an index again takes as long as building it, so
// there is one setting.
import { statSync } from 'node:fs';
import { peerVersion, requirePeer, rowOf, scratch, serve } from './serve.mjs';

const { VectorDB } = requirePeer('@ruvector/core');
const BATCH = 1_000;
const EF_SEARCH = 200;

let db;

await serve({
  version: peerVersion('@ruvector/core'),
  settings: () => [{ label: `ef ${EF_SEARCH}` }],

  async build(rows, { rows: count, dimensions, metric }, { m, efConstruction }) {
    db = new VectorDB({
      dimensions,
      distanceMetric: metric === 'cosine' ? 'Cosine' : 'Euclidean',
      storagePath: scratch('ruvector.db'),
      hnswConfig: { m, efConstruction, efSearch: EF_SEARCH, maxElements: count },
    });
    for (let from = 0; from < count; from += BATCH) {
      const length = Math.min(BATCH, count - from);
      const batch = Array.from({ length }, (_, at) => ({
        id: String(from + at),
        vector: rowOf(rows, from + at, dimensions),
      }));
      await db.insertBatch(batch);
    }
  },

  indexBytes: () => statSync(scratch('ruvector.db')).size,
  use() {},
  query: (vector) => vector,
  search: (vector, k) => db.search({ vector, k }),
  ids: (hits) => hits.map((hit) => Number(hit.id)),
});
