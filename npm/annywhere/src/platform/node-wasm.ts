/** Node with the WebAssembly engine, whatever the environment says; files of the operating system. */
import { loadPackagedWasm } from '../load-engine.node.js';
import { instantiateFrom } from '../load-engine.wasm.js';
import { Runtime } from '../runtime.js';
import { nodeFiles } from '../storage/node.js';

export const runtime = /* @__PURE__ */ new Runtime(
  {
    immediate: true,
    implementation: 'wasm',
    load: (source) => (source === undefined ? loadPackagedWasm() : instantiateFrom(source)),
  },
  nodeFiles,
);
