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

export async function installPeers() {
  await installPython();
  await installNpm();
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
