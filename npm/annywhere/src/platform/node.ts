/** Node, Deno and Bun: native or WebAssembly, loaded at once at the first use; files of the operating system. */
import { loadForNode, loadPackagedWasm } from '../load-engine.node.js';
import { instantiateFrom } from '../load-engine.wasm.js';
import { Runtime } from '../runtime.js';
import { nodeFiles } from '../storage/node.js';

export const runtime = /* @__PURE__ */ new Runtime(
  {
    immediate: true,
    load: (source) => (source === undefined ? loadForNode() : instantiateFrom(source)),
    loadWasm: () => loadPackagedWasm(),
  },
  nodeFiles,
);
