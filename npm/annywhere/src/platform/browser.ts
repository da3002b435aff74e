/** Browsers: WebAssembly fetched from beside this file; the browser's storage. */
import { compile, compilePackaged, instantiateFrom } from '../load-engine.wasm.js';
import { Runtime } from '../runtime.js';
import { browserStorage } from '../storage/browser.js';

// These exact expressions are what bundlers look for when they copy the modules.
const packaged = () =>
  compilePackaged({
    plain: new URL('../annywhere.wasm', import.meta.url),
    relaxed: new URL('../annywhere.relaxed.wasm', import.meta.url),
  });

export const runtime = /* @__PURE__ */ new Runtime(
  {
    immediate: false,
    implementation: 'wasm',
    load: (source) => instantiateFrom(source ?? packaged),
    compile: async (source) => (source === undefined ? packaged() : compile(await source)),
  },
  browserStorage,
);
