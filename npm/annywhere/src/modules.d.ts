/** Modules that are not TypeScript. */

declare module '*/annywhere.wasm' {
  const module: WebAssembly.Module;
  export default module;
}

declare module '*/annywhere.wasm?module' {
  const module: WebAssembly.Module;
  export default module;
}

/** `dist/annywhere.wasm` in base64, written by `scripts/inline-wasm.mjs`. */
declare module '*/inline-wasm.js' {
  const base64: string;
  export default base64;
}
