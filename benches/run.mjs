// Runs a benchmark in a process of its own, with the flags it needs: `run.mjs [name] [arguments]`. Without a name, all
// but `peers`, which installs other libraries and takes hours.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BENCHES = {
  // WebAssembly is pinned to V8's optimizing compiler; without it the first seconds measure the other one.
  calls: { script: 'calls.mjs', flags: ['--no-liftoff'] },
  filters: { script: 'filters.mjs', flags: [] },
  targets: { script: 'targets.mjs', flags: [], onlyByName: true },
  recall: { script: 'recall.mjs', flags: ['--no-liftoff'] },
  words: { script: 'words.mjs', flags: ['--no-liftoff'] },
  store: { script: 'store.mjs', flags: [] },
  originals: { script: 'originals.mjs', flags: ['--no-liftoff'] },
  media: { script: 'media.mjs', flags: [] },
  memory: { script: 'memory.mjs', flags: ['--no-liftoff'] },
  peers: { script: 'peers/run.mjs', flags: [], onlyByName: true },
};

const [name, ...args] = process.argv.slice(2);
if (name !== undefined && !(name in BENCHES)) {
  console.error(`There is no benchmark ${name}; there are: ${Object.keys(BENCHES).join(', ')}.`);
  process.exit(2);
}
const chosen =
  name === undefined ? Object.keys(BENCHES).filter((bench) => !BENCHES[bench].onlyByName) : [name];
for (const bench of chosen) {
  const { script, flags } = BENCHES[bench];
  const path = fileURLToPath(new URL(script, import.meta.url));
  console.log(`# ${bench}`);
  const { status } = spawnSync(process.execPath, [...flags, path, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
