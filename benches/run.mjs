// Runs a benchmark in a process of its own, with the flags it needs: `run.mjs [name] [arguments]`. Without a name, all.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// WebAssembly is pinned to V8's optimizing compiler; without it the first seconds measure the other one.
const BENCHES = { recall: ['--no-liftoff'] };

const [name, ...args] = process.argv.slice(2);
if (name !== undefined && !(name in BENCHES)) {
  console.error(`There is no benchmark ${name}; there are: ${Object.keys(BENCHES).join(', ')}.`);
  process.exit(2);
}
for (const bench of name === undefined ? Object.keys(BENCHES) : [name]) {
  const script = fileURLToPath(new URL(`${bench}.mjs`, import.meta.url));
  console.log(`# ${bench}`);
  const { status } = spawnSync(process.execPath, [...BENCHES[bench], script, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
