// Builds the native engines of all platforms on one Linux machine: `natives.mjs [names ..]`, such as `natives.mjs
// linux-arm64-gnu`. Each becomes a package in target/natives/<name>. What is missing is installed: Rust targets by
// rustup, zig and cargo-zigbuild from PyPI into target/tools, MinGW from Debian.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import {
  assembleNative,
  GLIBC_LIMIT,
  glibcVersions,
  libraryName,
  NATIVES,
  packageName,
} from './lib/natives.mjs';
import { inTarget } from './lib/paths.mjs';
import { Failure, main, run } from './lib/run.mjs';
import { installDebian, which } from './lib/tools.mjs';
import { workspaceVersion } from './version.mjs';

// Newer releases of zig link against other C libraries by default; these two are known to fit.
const PYTHON_TOOLS = ['ziglang==0.13.0', 'cargo-zigbuild==0.24.1'];
const MINGW = ['gcc-mingw-w64-x86-64'];
const tools = inTarget('tools');
const toolsBin = join(tools, 'bin');

export async function buildNatives(natives = NATIVES) {
  // Without a name rustup adds nothing and fails.
  if (natives.length === 0) return;
  await run('rustup', ['target', 'add', ...natives.map(({ target }) => target)]);
  if (natives.some(({ build }) => build.by === 'zig')) await setUpZig();
  if (natives.some(({ build }) => build.by === 'mingw')) await setUpMingw();
  for (const native of natives) await buildNative(native);
}

async function buildNative(native) {
  const { target, build } = native;
  const library = join(inTarget('cross'), target, 'release', libraryName(native));
  const env = { CARGO_TARGET_DIR: inTarget('cross'), ...build.env };
  const common = ['-p', 'annywhere-node', '--release', '--target', target + (build.suffix ?? '')];
  if (build.by === 'zig') {
    env.PATH = [toolsBin, process.env.PATH].join(delimiter);
    await run(join(toolsBin, 'cargo-zigbuild'), ['zigbuild', ...common], { env });
  } else {
    env.LIBNODE_PATH = importLibrary();
    await run('cargo', ['build', ...common], { env });
  }
  check(native, library);
  const folder = assembleNative(native, workspaceVersion(), library);
  console.log(`${packageName(native)}: ${folder}`);
}

/** A build that runs here and nowhere else is none. */
function check(native, library) {
  const [newest] = glibcVersions(library).slice(-1);
  if (native.manifest.libc?.[0] === 'glibc') {
    const [, minor] = (newest ?? '0.0').split('.').map(Number);
    if (minor > GLIBC_LIMIT) throw new Failure(`${native.name} asks for glibc ${newest}.`);
  } else if (newest !== undefined) {
    throw new Failure(`${native.name} asks for glibc ${newest}, and must not ask for any.`);
  }
}

async function setUpZig() {
  if (existsSync(join(toolsBin, 'cargo-zigbuild'))) return;
  if (!which('python3')) throw new Failure('python3 with venv is needed, because zig comes from PyPI.');
  await run('python3', ['-m', 'venv', tools]);
  await run(join(toolsBin, 'pip'), ['install', '--quiet', ...PYTHON_TOOLS]);
}

async function setUpMingw() {
  if (which('x86_64-w64-mingw32-gcc')) return;
  if (!(await installDebian(MINGW))) throw new Failure(`${MINGW} (a Debian package) is needed.`);
}

/** napi-build looks for a libnode.dll; the engine finds the functions of Node in the running program instead. */
function importLibrary() {
  const folder = inTarget('libnode');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'libnode.dll'), '');
  // An archive without members.
  writeFileSync(join(folder, 'libnode.dll.a'), '!<arch>\n');
  return folder;
}

await main(import.meta, async (args) => {
  const known = NATIVES.map(({ name }) => name);
  const unknown = args.find((name) => !known.includes(name));
  if (unknown) throw new Failure(`There is no platform ${unknown}; there are ${known.join(', ')}.`);
  await buildNatives(args.length === 0 ? NATIVES : NATIVES.filter(({ name }) => args.includes(name)));
});
