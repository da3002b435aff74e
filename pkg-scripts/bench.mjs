// Builds the engines and runs the benchmarks: `bench.mjs [arguments of benches/run.mjs]`.
import { existsSync } from 'node:fs';
import { build } from './build.mjs';
import { inRoot } from './lib/paths.mjs';
import { Failure, main, run } from './lib/run.mjs';
import { setup } from './setup.mjs';

await main(import.meta, async (args) => {
  const runner = inRoot('benches/run.mjs');
  if (!existsSync(runner)) throw new Failure('benches/run.mjs does not exist, so there is nothing to run.');
  await setup('start');
  await build(['wasm', 'native', 'types']);
  await run('npm', ['run', '--silent', 'prepare-data', '-w', 'www']);
  await run(process.execPath, [runner, ...args]);
});
