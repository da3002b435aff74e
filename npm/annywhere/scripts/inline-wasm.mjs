// Writes dist/inline-wasm.js, the WebAssembly module as base64 text, from dist/annywhere.wasm.
import { readFileSync, writeFileSync } from 'node:fs';

const dist = new URL('../dist/', import.meta.url);
const base64 = readFileSync(new URL('annywhere.wasm', dist)).toString('base64');
writeFileSync(new URL('inline-wasm.js', dist), `export default '${base64}';\n`);
writeFileSync(new URL('inline-wasm.d.ts', dist), 'declare const base64: string;\nexport default base64;\n');
