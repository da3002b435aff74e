// Checks form: formatting, lints, types, versions: `check.mjs`. Every tool counts as one test.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot, npmProgram, root } from './lib/paths.mjs';
import { attempt, commandLine, main } from './lib/run.mjs';
import { setup } from './setup.mjs';

const DENY_WARNINGS = ['--', '-D', 'warnings'];

const TOOLS = [
  ['cargo', 'metadata', '--locked', '--format-version=1', '--no-deps'],
  ['cargo', 'fmt', '--all', '--check'],
  // The WebAssembly shell is linted for its own target: handles of JavaScript cannot be shared between threads.
  [
    'cargo',
    'clippy',
    '--quiet',
    '--workspace',
    '--exclude',
    'annywhere-wasm',
    '--all-targets',
    ...DENY_WARNINGS,
  ],
  [
    'cargo',
    'clippy',
    '--quiet',
    '-p',
    'annywhere-wasm',
    '--target',
    'wasm32-unknown-unknown',
    ...DENY_WARNINGS,
  ],
  [npmProgram('biome'), 'ci', '--colors=off', '--error-on-warnings', '.'],
  [process.execPath, inRoot('pkg-scripts/version.mjs'), '--check'],
  [process.execPath, inRoot('pkg-scripts/docs.mjs'), '--check'],
];

/** Runs every tool, shows what those that fail say, and resolves with `{ passed, failed }`. */
export async function check() {
  const counts = { passed: 0, failed: 0 };
  for (const [program, ...args] of [...TOOLS, ...typeChecks()]) {
    const { code, output } = await attempt(program, args);
    const name = commandLine(program, args).replaceAll(`${root}/`, '');
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name}`);
    if (code !== 0) process.stdout.write(output);
    counts[code === 0 ? 'passed' : 'failed'] += 1;
  }
  return counts;
}

function typeChecks() {
  const below = (folder) => readdirSync(inRoot(folder)).map((name) => join(folder, name));
  return [...below('npm'), 'www', 'worker', 'tests', 'benches']
    .filter((project) => existsSync(inRoot(project, 'tsconfig.json')))
    .map((project) => {
      // The projects after it read its declarations, so they are written.
      const emit = project === join('npm', 'annywhere') ? [] : ['--noEmit'];
      return [npmProgram('tsc'), ...emit, '-p', inRoot(project)];
    });
}

await main(import.meta, async () => {
  await setup();
  const { passed, failed } = await check();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
});
