// Builds the parts of the packages: `build.mjs [wasm|native|types|all] [--profile release|dev]`.
//
//   wasm     crates/annywhere-wasm -> npm/annywhere/dist/annywhere.wasm, its glue annywhere_wasm.{js,d.ts}, the same
//            module as text, and annywhere.relaxed.wasm, which the same glue fits
//   native   crates/annywhere-node -> npm/native-<platform>/annywhere.node
//   types    npm/*/src/*.ts        -> npm/*/dist/*.{js,d.ts}, and npm/annywhere/docs/api.md
//
// Incremental: cargo and tsc see for themselves what changed; glue and wasm-opt run when cargo's output did.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { writeApi } from './docs.mjs';
import { inRoot, inTarget, npmProgram, root } from './lib/paths.mjs';
import { capture, Failure, main, run } from './lib/run.mjs';
import { unlessUnchanged } from './lib/stamp.mjs';

// Browsers and Node choose the second where it runs: see `load-engine.wasm.ts`.
const VARIANTS = [
  { file: 'annywhere.wasm', folder: '.' },
  {
    file: 'annywhere.relaxed.wasm',
    folder: 'relaxed',
    rustflags: ['-C', 'target-feature=+simd128,+relaxed-simd'],
  },
];

const GLUE = ['annywhere_wasm.js', 'annywhere_wasm.d.ts'];

// What rustc 1.95 may emit for wasm32-unknown-unknown with +simd128 and +relaxed-simd; wasm-opt refuses what is not named.
const WASM_FEATURES = [
  '--enable-simd',
  '--enable-relaxed-simd',
  '--enable-bulk-memory',
  '--enable-nontrapping-float-to-int',
  '--enable-sign-ext',
  '--enable-mutable-globals',
  '--enable-reference-types',
  '--enable-multivalue',
];

// The glue writer works for a tenth of a second: what counts is that it compiles in a third of the time.
const QUICK_TO_COMPILE = ['--config', 'profile.dev.opt-level=0', '--config', 'profile.dev.debug=false'];

// Which package holds the native engine of this machine, and what cargo calls the library there.
const NATIVE = {
  'linux-x64': { package: 'native-linux-x64-gnu', library: 'libannywhere_node.so' },
};

const PARTS = { wasm: buildWasm, native: buildNative, types: buildTypes };

// The .wasm is loaded by pages: a quarter less to transfer costs 3 % of a search's time, because hot loops are written out.
const FOR_SIZE = ['--config', 'profile.release.opt-level="s"'];

export async function build(parts, profile = 'release') {
  for (const part of parts) await PARTS[part](profile);
}

async function buildWasm(profile) {
  const dist = inRoot('npm/annywhere/dist');
  const asText = inRoot('npm/annywhere/scripts/inline-wasm.mjs');
  const raws = [];
  for (const variant of VARIANTS) raws.push(await compileWasm(variant, profile));
  const outputs = [...GLUE, ...VARIANTS.map(({ file }) => file), 'inline-wasm.js'].map((name) =>
    join(dist, name),
  );
  const tools = [inRoot('pkg-scripts/bindgen'), inRoot('Cargo.lock'), import.meta.filename, asText];
  const inputs = [...raws, ...tools, { text: profile }];
  await unlessUnchanged(inTarget('stamps/wasm'), { inputs, outputs }, async () => {
    const work = inTarget('glue');
    rmSync(work, { recursive: true, force: true });
    for (const [at, { file }] of VARIANTS.entries()) await bind(raws[at], join(work, file), profile);
    const [glue, other] = VARIANTS.map(({ file }) =>
      GLUE.map((name) => readFileSync(join(work, file, name), 'utf8')),
    );
    if (glue.join() !== other.join()) throw new Failure('The two .wasm need different glue.');
    for (const { file } of VARIANTS) replaceFile(join(work, file, file), join(dist, file));
    for (const name of GLUE) replaceFile(join(work, VARIANTS[0].file, name), join(dist, name));
    await run(process.execPath, [asText]);
  });
  for (const { file } of VARIANTS) printSizes(join(dist, file));
}

/** Runs cargo for one variant; returns the path of what it makes. */
async function compileWasm({ folder, rustflags }, profile) {
  const target = ['--target', 'wasm32-unknown-unknown', '--target-dir', inTarget(folder)];
  const flags = rustflags
    ? ['--config', `target.wasm32-unknown-unknown.rustflags=${JSON.stringify(rustflags)}`]
    : [];
  await run('cargo', [
    'build',
    '-p',
    'annywhere-wasm',
    ...FOR_SIZE,
    ...flags,
    ...target,
    '--profile',
    profile,
  ]);
  return inTarget(folder, 'wasm32-unknown-unknown', outputFolder(profile), 'annywhere_wasm.wasm');
}

/** Writes the glue and the optimized module, under the folder's name, into a folder. */
async function bind(raw, folder, profile) {
  await run('cargo', ['run', '--quiet', ...QUICK_TO_COMPILE, '-p', 'bindgen', '--', raw, folder]);
  const unoptimized = join(folder, 'annywhere_wasm_bg.wasm');
  const optimized = join(folder, basename(folder));
  if (profile === 'dev') copyFileSync(unoptimized, optimized);
  else await run(npmProgram('wasm-opt'), ['-O3', ...WASM_FEATURES, unoptimized, '-o', optimized]);
}

async function buildNative(profile) {
  const platform = NATIVE[`${process.platform}-${process.arch}`];
  if (!platform) {
    console.log(
      `No native package exists for ${process.platform}-${process.arch} yet: WebAssembly serves there.`,
    );
    return;
  }
  await run('cargo', ['build', '-p', 'annywhere-node', '--profile', profile]);
  const addon = inRoot('npm', platform.package, 'annywhere.node');
  const library = inTarget(outputFolder(profile), platform.library);
  await unlessUnchanged(inTarget('stamps/native'), { inputs: [library], outputs: [addon] }, () =>
    replaceFile(library, addon),
  );
  printSizes(addon);
}

async function buildTypes() {
  const packages = readdirSync(inRoot('npm')).filter((name) =>
    existsSync(inRoot('npm', name, 'tsconfig.json')),
  );
  if (packages.length === 0)
    console.log('No package below npm/ has a tsconfig.json yet: nothing to compile.');
  for (const name of packages) {
    const project = inRoot('npm', name);
    await capture(npmProgram('tsc'), ['-p', project]);
    console.log(`npm/${name}: compiled`);
  }
  writeApi();
}

/** Cargo's folder name of a profile. */
const outputFolder = (profile) => (profile === 'dev' ? 'debug' : profile);

/** Copies beside the destination, then renames, so that a running test never reads half a file. */
function replaceFile(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  const fresh = `${to}.${process.pid}`;
  copyFileSync(from, fresh);
  renameSync(fresh, to);
}

function printSizes(file) {
  const bytes = readFileSync(file);
  const kib = (length) => `${(length / 1024).toFixed(1)} KiB`;
  const sizes = `${kib(bytes.length)}, gzip ${kib(gzipSync(bytes).length)}, brotli ${kib(brotliCompressSync(bytes).length)}`;
  console.log(`${file.slice(root.length + 1)}: ${sizes}`);
}

await main(import.meta, async (args) => {
  const at = args.indexOf('--profile');
  const [profile] = at < 0 ? ['release'] : args.splice(at, 2).slice(1);
  const wanted = args.length === 0 ? ['all'] : args;
  const unknown = wanted.find((part) => part !== 'all' && !(part in PARTS));
  if (unknown || !['release', 'dev'].includes(profile)) {
    throw new Failure('Usage: build.mjs [wasm|native|types|all] [--profile release|dev]');
  }
  await build(wanted.includes('all') ? Object.keys(PARTS) : wanted, profile);
});
