// Makes the tarballs of a release: `release.mjs`. Checks the versions, builds everything, packs every package below
// npm/ into target/packages/ and prints what each holds. Publishing is left to a person: the natives first,
// `annywhere` last, so that no version of it is ever without its engines.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { build } from './build.mjs';
import { inRoot, inTarget } from './lib/paths.mjs';
import { capture, Failure, main } from './lib/run.mjs';
import { setup } from './setup.mjs';
import { publishedPackages } from './version.mjs';

/** Packs every package below npm/ into `folder`, and resolves with what npm says about each tarball. */
export async function pack(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const tarballs = [];
  for (const source of publishedPackages()) {
    requireMain(source);
    const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
    const output = await capture('npm', args, { cwd: source });
    tarballs.push(JSON.parse(output.slice(output.search(/^\[/m)))[0]);
  }
  return tarballs;
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
  const folder = inTarget('packages');
  for (const { filename, size, unpackedSize, entryCount } of await pack(folder)) {
    console.log(`${folder}/${filename}: ${size} bytes packed, ${unpackedSize} unpacked, ${entryCount} files`);
  }
});
