// usearch through N-API, f32. Its beam width is set when an index is made, so every setting loads the saved index.
import { statSync } from 'node:fs';
import { beamWidths, peerVersion, requirePeer, scratch, serve } from './serve.mjs';

const { Index } = requirePeer('usearch');
const ONE_THREAD = 1;

let options;
let index;

await serve({
  version: peerVersion('usearch'),
  settings: (_, plan) => beamWidths(plan),

  build(rows, { rows: count, dimensions, metric }, { m, efConstruction }) {
    options = {
      dimensions,
      metric: metric === 'cosine' ? 'cos' : 'l2sq',
      quantization: 'f32',
      connectivity: m,
      expansion_add: efConstruction,
      expansion_search: efConstruction,
      multi: false,
    };
    index = new Index(options);
    index.add(
      BigUint64Array.from({ length: count }, (_, row) => BigInt(row)),
      rows,
      ONE_THREAD,
    );
  },

  indexBytes() {
    index.save(scratch('index'));
    return statSync(scratch('index')).size;
  },

  use({ ef }) {
    index = new Index({ ...options, expansion_search: ef });
    index.load(scratch('index'));
  },

  query: (vector) => vector,
  search: (vector, k) => index.search(vector, k, ONE_THREAD),
  ids: ({ keys }) => Array.from(keys, Number),
});
