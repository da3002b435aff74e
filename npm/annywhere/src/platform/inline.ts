/** Anywhere without a second file: WebAssembly as text inside the script; the browser's storage. */
import base64 from '../inline-wasm.js';
import { instantiateFrom } from '../load-engine.wasm.js';
import { Runtime } from '../runtime.js';
import { browserStorage } from '../storage/browser.js';

export const runtime = /* @__PURE__ */ new Runtime(
  {
    immediate: false,
    implementation: 'wasm',
    load: (source) => instantiateFrom(source ?? Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))),
  },
  browserStorage,
);
