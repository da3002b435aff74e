// Checks what the other scripts need and installs what is missing: `setup.mjs [--for start|test]`.
//
//   --for start   Rust with its WebAssembly targets, npm packages
//   (default)     the same and Chromium
//   --for test    the same and what runs the NEON kernels on an x86-64 machine
//
// System packages are installed only by root on Debian and its kin; elsewhere one sentence says what is missing.
// A missing browser or emulator is no failure here: the tests that need it say so.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot } from './lib/paths.mjs';
import { attempt, Failure, main, run } from './lib/run.mjs';
import { unlessUnchanged } from './lib/stamp.mjs';
import {
  canInstallDebian,
  chromium,
  hasNeonTools,
  installDebian,
  NEON_PACKAGES,
  NEON_TARGET,
  which,
} from './lib/tools.mjs';

const LEAST_NODE = [20, 19];
const WASM_TARGETS = ['wasm32-unknown-unknown', 'wasm32-wasip1'];

export async function setup(purpose = 'work') {
  checkNode();
  const neon = purpose === 'test' && process.platform === 'linux' && process.arch === 'x64';
  if (neon && !hasNeonTools()) await installSystem(NEON_PACKAGES, 'The NEON tests need');
  await setUpRust(neon && hasNeonTools() ? [...WASM_TARGETS, NEON_TARGET] : WASM_TARGETS);
  await installNpmPackages();
  if (purpose !== 'start' && !chromium()) await installSystem(['chromium'], 'The browser tests need');
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])) return;
  throw new Failure(`Node ${LEAST_NODE.join('.')} or newer is needed; this is ${process.versions.node}.`);
}

async function setUpRust(targets) {
  if (!which('cargo')) {
    throw new Failure(
      'cargo is not on the PATH. Install Rust with rustup as described on rustup.rs, then try again.',
    );
  }
  const toolchain = readFileSync(inRoot('rust-toolchain.toml'), 'utf8').match(/channel = "(.+)"/)[1];
  const clippyAndFormat = ['-c', 'clippy', '-c', 'rustfmt'];
  let sysroot = await findSysroot();
  if (!sysroot) {
    const wanted = [...clippyAndFormat, ...targets.flatMap((target) => ['-t', target])];
    await run('rustup', [
      'toolchain',
      'install',
      toolchain,
      '--profile',
      'minimal',
      '--no-self-update',
      ...wanted,
    ]);
    sysroot = await findSysroot();
  }
  const missing = targets.filter((target) => !existsSync(join(sysroot, 'lib/rustlib', target, 'lib')));
  if (missing.length > 0) await addToToolchain('target', missing);
  const programs = { clippy: 'cargo-clippy', rustfmt: 'rustfmt' };
  const absent = Object.keys(programs).filter((name) => !existsSync(join(sysroot, 'bin', programs[name])));
  if (absent.length > 0) await addToToolchain('component', absent);
}

/** The folder of the toolchain that rust-toolchain.toml names, or undefined if it is not installed. */
async function findSysroot() {
  const { code, output } = await attempt('rustc', ['--print', 'sysroot']);
  return code === 0 ? output.trim() : undefined;
}

async function addToToolchain(kind, names) {
  if (!which('rustup')) {
    throw new Failure(`This Rust lacks the ${kind} ${names.join(', ')}, and there is no rustup to add it.`);
  }
  await run('rustup', [kind, 'add', ...names]);
}

async function installNpmPackages() {
  const lock = inRoot('package-lock.json');
  const installed = inRoot('node_modules/.package-lock.json');
  const stamp = inRoot('node_modules/.annywhere-setup');
  await unlessUnchanged(stamp, { inputs: [lock], outputs: [installed] }, async () => {
    console.log('Installing npm packages ...');
    const { code, output } = await attempt('npm', ['ci', '--ignore-scripts', '--loglevel=error']);
    if (output.includes('EUSAGE')) {
      throw new Failure(
        'package-lock.json does not fit the package.json files: run node pkg-scripts/lock.mjs.',
      );
    }
    if (code !== 0) throw new Failure(`${output}npm ci failed with exit code ${code}.`);
  });
}

async function installSystem(packages, need) {
  if (canInstallDebian() && (await installDebian(packages))) return;
  console.warn(`${need} ${packages.join(', ')} (Debian package names): please install.`);
}

await main(import.meta, async (args) => {
  const purpose = args[0] === '--for' ? args[1] : 'work';
  if (
    !['start', 'work', 'test'].includes(purpose) ||
    args.length > 2 ||
    (args.length > 0 && args[0] !== '--for')
  ) {
    throw new Failure('Usage: setup.mjs [--for start|test]');
  }
  const begin = performance.now();
  await setup(purpose);
  console.log(`Everything is in place (${((performance.now() - begin) / 1000).toFixed(1)} s).`);
});
