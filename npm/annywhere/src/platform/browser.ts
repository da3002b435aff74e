/** Browsers: WebAssembly fetched from beside this file; the browser's storage. */
import { compile, instantiateFrom } from '../load-engine.wasm.js';
import { Runtime } from '../runtime.js';
import { browserStorage } from '../storage/browser.js';

export const runtime = /* @__PURE__ */ new Runtime(
  {
    immediate: false,
    implementation: 'wasm',
    // This exact expression is what bundlers look for when they copy the module.
    load: (source) => instantiateFrom(source ?? new URL('../annywhere.wasm', import.meta.url)),
    compile: async (source) => compile(await (source ?? new URL('../annywhere.wasm', import.meta.url))),
  },
  browserStorage,
);
