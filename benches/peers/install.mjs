// Installs the peers where git does not look: a Python virtual environment and an npm folder below target/bench.
// Versions are pinned by requirements.txt and package-lock.json beside this file.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inTarget } from '../../pkg-scripts/lib/paths.mjs';
import { run } from '../../pkg-scripts/lib/run.mjs';
import { unlessUnchanged } from '../../pkg-scripts/lib/stamp.mjs';

const here = import.meta.dirname;
const npmFolder = inTarget('bench', 'npm');
const pythonFolder = inTarget('bench', 'python');

/** The interpreter of the virtual environment. */
export const python = join(pythonFolder, 'bin', 'python');

/** Holds the peers' node_modules. */
export const nodeModules = join(npmFolder, 'node_modules');

/** The Rust peers behind one program. */
export const rustGraphs = inTarget('bench', 'rust', 'release', 'rust-graphs');

export async function installPeers() {
  await installPython();
  await installNpm();
  await installRust();
}

/** Compiled for this processor: neither library chooses its instructions when it runs. */
async function installRust() {
  const folder = join(here, 'subjects', 'rust');
  const inputs = ['Cargo.toml', 'Cargo.lock', 'src/main.rs'].map((name) => join(folder, name));
  const stamp = inTarget('bench', 'rust', '.installed');
  await unlessUnchanged(stamp, { inputs, outputs: [rustGraphs] }, async () => {
    console.log('Compiling the Rust peers ...');
    await run('cargo', ['build', '--quiet', '--release', '--locked'], {
      cwd: folder,
      env: { ...process.env, RUSTFLAGS: '-C target-cpu=native', CARGO_TARGET_DIR: inTarget('bench', 'rust') },
    });
  });
}

/** numpy, the vectors of words and what reads models; enough to make every data set. */
export async function installPython() {
  const requirements = join(here, 'requirements.txt');
  const stamp = join(pythonFolder, '.installed');
  await unlessUnchanged(stamp, { inputs: [requirements], outputs: [python] }, async () => {
    console.log('Installing the Python peers ...');
    if (!existsSync(python)) await run('python3', ['-m', 'venv', pythonFolder]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '-r', requirements]);
  });
}

/** No install scripts run but the compilation of hnswlib-node, which ships no binary. */
async function installNpm() {
  const manifests = ['package.json', 'package-lock.json'].map((name) => join(here, name));
  const addon = join(nodeModules, 'hnswlib-node', 'build', 'Release', 'addon.node');
  const stamp = join(npmFolder, '.installed');
  await unlessUnchanged(stamp, { inputs: manifests, outputs: [addon] }, async () => {
    console.log('Installing the npm peers ...');
    mkdirSync(npmFolder, { recursive: true });
    for (const name of ['package.json', 'package-lock.json'])
      copyFileSync(join(here, name), join(npmFolder, name));
    const quiet = '--loglevel=error';
    await run('npm', ['ci', '--ignore-scripts', quiet], { cwd: npmFolder });
    await run('npm', ['rebuild', 'hnswlib-node', quiet], { cwd: npmFolder });
  });
}
