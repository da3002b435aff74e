// Makes the tarballs of a release: `release.mjs`. Checks the versions, builds everything with the engines of all
// platforms, packs every package into target/packages/ and prints what each holds. Publishing is left to a person: the
// natives first, `annywhere` last, so that no version of it is ever without its engines.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from './build.mjs';
import { isBuilt, NATIVES, nativeFolder, packageName } from './lib/natives.mjs';
import { inRoot, inTarget } from './lib/paths.mjs';
import { capture, Failure, main } from './lib/run.mjs';
import { buildNatives } from './natives.mjs';
import { setup } from './setup.mjs';
import { publishedPackages, workspaceVersion } from './version.mjs';

/** The native package that is developed in npm/, and so is not one of `NATIVES` to be packed. */
const DEVELOPED = 'native-linux-x64-gnu';

/**
 * Packs every package into `folder`, and resolves with what npm says about each tarball: those below npm/, and of the
 * engines of other platforms those that have been built. With `released` the engine of Linux on x64 is the one that runs
 * on old systems too, and not this machine's.
 */
export async function pack(folder, { released = false } = {}) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const developed = publishedPackages().filter((source) => !(released && basename(source) === DEVELOPED));
  const natives = NATIVES.filter((native) => released || `native-${native.name}` !== DEVELOPED);
  const tarballs = [];
  for (const source of [...developed.map(stage), ...natives.filter(isBuilt).map(nativeFolder)]) {
    requireMain(source);
    const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
    const output = await capture('npm', args, { cwd: source });
    // npm 11 prints an array, newer versions an object by name.
    const [report] = Object.values(JSON.parse(output.slice(output.search(/^[[{]/m))));
    tarballs.push(report);
  }
  return tarballs;
}

/**
 * The package as it is published. `annywhere` names the engines of all platforms there; in the checkout it cannot, because
 * npm makes no lock file with packages that no registry has yet.
 */
function stage(source) {
  if (basename(source) !== 'annywhere') return source;
  const staged = inTarget('staged', 'annywhere');
  rmSync(staged, { recursive: true, force: true });
  mkdirSync(staged, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  const version = workspaceVersion();
  const engines = NATIVES.map((native) => [packageName(native), version]).sort();
  const published = { ...manifest, optionalDependencies: Object.fromEntries(engines) };
  delete published.devDependencies;
  for (const name of manifest.files) {
    if (existsSync(join(source, name))) cpSync(join(source, name), join(staged, name), { recursive: true });
  }
  writeFileSync(join(staged, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  return staged;
}

/** A package whose main file was not built must not become a tarball. */
function requireMain(source) {
  const { main: file = 'package.json' } = JSON.parse(readFileSync(`${source}/package.json`, 'utf8'));
  if (!existsSync(`${source}/${file}`)) throw new Failure(`${basename(source)} lacks its main file ${file}.`);
}

await main(import.meta, async () => {
  await setup('start');
  await capture(process.execPath, [inRoot('pkg-scripts/version.mjs'), '--check']);
  await build(['wasm', 'native', 'types']);
  await buildNatives();
  const folder = inTarget('packages');
  for (const { filename, size, unpackedSize, entryCount } of await pack(folder, { released: true })) {
    console.log(`${folder}/${filename}: ${size} bytes packed, ${unpackedSize} unpacked, ${entryCount} files`);
  }
});
