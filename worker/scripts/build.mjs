// Bundles the endpoint into dist/script: index.js, and annywhere.wasm, which index.js imports as a compiled module.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { Failure, main } from '../../pkg-scripts/lib/run.mjs';

const SCRIPT_FILES = ['index.js', 'annywhere.wasm'];

// Cloudflare's limit on free plans in its older, stricter form; see README.md.
const SCRIPT_LIMIT_BYTES = 3 * 1000 * 1000;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Bundles a worker as `index.js` with its `.wasm` beside it. Tests use it for the worker with their own additions. */
export async function bundle(entry, folder) {
  await build({
    entryPoints: { index: entry },
    outdir: folder,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
    minify: true,
    keepNames: true,
    logLevel: 'warning',
  });
}

async function buildWorker() {
  const folder = here('../dist/script');
  await bundle(here('../src/index.ts'), folder);
  const contents = SCRIPT_FILES.map((name) => readFileSync(join(folder, name)));
  for (const [at, name] of SCRIPT_FILES.entries()) {
    console.log(`worker/dist/script/${name}: ${contents[at].length} bytes`);
  }
  const packed = gzipSync(Buffer.concat(contents)).length;
  console.log(`script as it is uploaded: ${packed} bytes gzipped of ${SCRIPT_LIMIT_BYTES}`);
  if (packed > SCRIPT_LIMIT_BYTES) throw new Failure('The script is too large for Cloudflare.');
}

await main(import.meta, buildWorker);
