// The worker with additions for tests: the header `x-test-trap` makes an engine call of that request end in a real trap,
// `x-test-bug` makes the worker itself throw, and `GET /test/memory` tells how large the memory of the engine is.
// Bundled by `loading.test.mjs`.
import * as glue from '../../npm/annywhere/dist/annywhere_wasm.js';
import worker from '../../worker/src/index';

const traps = {
  search: [glue.Engine.prototype, 'searchNow'],
  encode: [glue.Encoder.prototype, 'encode'],
};

// An address beyond the memory.
const NOWHERE = 0xffff_fff0;

const BROKEN = {
  get API_KEY_HASHES() {
    throw new TypeError('cannot read secret.js:1');
  },
};

/** The exports of the instance that is running. */
const instance = () => glue.initSync({ module: new Uint8Array() });

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname === '/test/memory') {
      return Response.json({ wasm: instance().memory.buffer.byteLength });
    }
    if (request.headers.has('x-test-bug')) return worker.fetch(request, BROKEN, context);
    const [prototype, method] = traps[request.headers.get('x-test-trap')] ?? [];
    if (!method) return worker.fetch(request, env, context);
    const original = prototype[method];
    prototype[method] = () => instance().engine_len(NOWHERE);
    try {
      return await worker.fetch(request, env, context);
    } finally {
      prototype[method] = original;
    }
  },
};
