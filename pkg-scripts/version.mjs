// Keeps one version: the root Cargo.toml's `[workspace.package] version` is written into every package.json of the
// workspace, also where one depends on another, and into the npm package's version.ts: `version.mjs [--check]`. With
// --check nothing is written, and a file that differs is a failure.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { inRoot, npmProgram, root } from './lib/paths.mjs';
import { capture, Failure, main } from './lib/run.mjs';

const DEPENDENCIES = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];

/** The one version. */
export function workspaceVersion() {
  const table = readFileSync(inRoot('Cargo.toml'), 'utf8').split('[workspace.package]')[1] ?? '';
  const version = table.match(/^version = "(.+)"$/m)?.[1];
  if (!version) throw new Failure('Cargo.toml has no version in [workspace.package].');
  return version;
}

/** Folders of the packages that are published. */
export const publishedPackages = () =>
  readdirSync(inRoot('npm'))
    .map((name) => inRoot('npm', name))
    .filter((folder) => existsSync(`${folder}/package.json`));

function packageFiles() {
  const others = ['www', 'worker', 'tests', 'benches'].map((name) => inRoot(name));
  return [...publishedPackages(), ...others].map((folder) => `${folder}/package.json`).filter(existsSync);
}

/** The manifest with the version in its place, and with every dependency on one of `ours` at exactly that version. */
function withVersion(manifest, version, ours) {
  const result = { ...manifest, version };
  for (const kind of DEPENDENCIES.filter((name) => name in manifest)) {
    const entries = Object.entries(manifest[kind]);
    result[kind] = Object.fromEntries(
      entries.map(([name, range]) => [name, ours.has(name) ? version : range]),
    );
  }
  return result;
}

/** The source file by which the npm package knows its version. */
const versionModule = inRoot('npm/annywhere/src/version.ts');

function updateVersionModule(version, checkOnly) {
  const text = readFileSync(versionModule, 'utf8');
  const updated = text.replace(/version = '.*'/, `version = '${version}'`);
  if (updated === text) return;
  if (!checkOnly) return writeFileSync(versionModule, updated);
  console.error(`npm/annywhere/src/version.ts does not say ${version}: run node pkg-scripts/version.mjs.`);
  process.exitCode = 1;
}

await main(import.meta, async (args) => {
  const checkOnly = args[0] === '--check';
  if (args.length > (checkOnly ? 1 : 0)) throw new Failure('Usage: version.mjs [--check]');
  const version = workspaceVersion();
  const manifests = packageFiles().map((file) => [file, JSON.parse(readFileSync(file, 'utf8'))]);
  updateVersionModule(version, checkOnly);
  const ours = new Set(manifests.map(([, manifest]) => manifest.name));
  for (const [file, manifest] of manifests) {
    const updated = withVersion(manifest, version, ours);
    if (JSON.stringify(updated) === JSON.stringify(manifest)) continue;
    const name = file.slice(root.length + 1);
    if (checkOnly) {
      console.error(`${name} does not have version ${version} everywhere: run node pkg-scripts/version.mjs.`);
      process.exitCode = 1;
    } else {
      writeFileSync(file, `${JSON.stringify(updated, null, 2)}\n`);
      await capture(npmProgram('biome'), ['format', '--write', file]);
      console.log(`${name}: ${version}`);
    }
  }
});
