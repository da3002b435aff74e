/** Cloudflare Workers: WebAssembly compiled at deployment; no files. */
import module from '../annywhere.wasm';
import { instantiate, instantiateFrom } from '../load-engine.wasm.js';
import { Runtime } from '../runtime.js';

export const runtime = /* @__PURE__ */ new Runtime({
  immediate: true,
  implementation: 'wasm',
  load: (source) => (source === undefined ? instantiate(() => module) : instantiateFrom(source)),
});
