#!/usr/bin/env -S node --no-warnings --no-turbo-fast-api-calls
// Runs a WebAssembly test program under Node's WASI: `wasi-run.mjs <program.wasm> [arguments]`.
//
// Cargo calls it for `cargo test --target wasm32-wasip1` (.cargo/config.toml). The program sees the current folder
// for relative paths, and by absolute path the checkout and the folder for temporary files; `..` does not lead out
// of these. Of the environment it gets only what steers tests.
// Without fast calls: from one of those, growing the memory may collect garbage, which crashes Node now and then
// (nodejs/node issues 46777 and 53087).
// A panic aborts the program, so nothing is captured, else its message would be lost; the exit code is then 134, as
// after a native abort.
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { WASI } from 'node:wasi';
import { root } from './lib/paths.mjs';

const ABORTED = 134;
const STEERING = /^(RUST_|PROPTEST_|ANNYWHERE_)/;

const [program, ...args] = process.argv.slice(2);
const steering = Object.entries(process.env).filter(([name]) => STEERING.test(name));
const env = { ...Object.fromEntries(steering), RUST_TEST_NOCAPTURE: '1' };
// Not `/`: wasi-libc takes `/` and `.` for the same folder.
const preopens = Object.fromEntries(['.', root, tmpdir()].map((folder) => [folder, folder]));
const wasi = new WASI({ version: 'preview1', args: [program, ...args], env, preopens });

try {
  const module = await WebAssembly.compile(await readFile(program));
  process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
} catch (error) {
  console.error(error instanceof WebAssembly.RuntimeError ? `The program aborted: ${error.message}` : error);
  process.exitCode = ABORTED;
}
