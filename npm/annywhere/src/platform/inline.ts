/** Anywhere without a second file: WebAssembly as text inside the script; the origin private file system. */
import base64 from '../inline-wasm.js';
import { instantiateFrom } from '../load-engine.wasm.js';
import { Runtime } from '../runtime.js';
import { opfs } from '../storage/opfs.js';

export const runtime = /* @__PURE__ */ new Runtime(
  {
    immediate: false,
    implementation: 'wasm',
    load: (source) => instantiateFrom(source ?? Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))),
  },
  opfs,
);
