// Rewrites package-lock.json after a package.json changed: `lock.mjs`, then `npm run setup` installs.
//
// npm writes into a lock file what it finds in node_modules: links to elsewhere, and of optional packages only those
// of this machine. So the lock is made in an empty folder from the manifests alone, and proved with `npm ci`.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inRoot } from './lib/paths.mjs';
import { capture, Failure, main } from './lib/run.mjs';

await main(import.meta, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'annywhere-lock-'));
  try {
    const lock = join(folder, 'package-lock.json');
    for (const file of ['.npmrc', 'package-lock.json', ...manifests()]) {
      if (existsSync(inRoot(file))) cpSync(inRoot(file), join(folder, file));
    }
    await capture('npm', ['install', '--package-lock-only', '--ignore-scripts', '--loglevel=error'], {
      cwd: folder,
    });
    await capture('npm', ['ci', '--dry-run', '--ignore-scripts', '--loglevel=error'], { cwd: folder });
    const host = readFileSync(lock, 'utf8').match(/"resolved": "[a-z+]+:.*"/);
    if (host) throw new Failure(`The lock file would name a host: ${host[0]}.`);
    cpSync(lock, inRoot('package-lock.json'));
    console.log('package-lock.json is up to date.');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Every package.json of the workspace, as the root manifest lists them. */
function manifests() {
  const { workspaces } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  const files = workspaces.flatMap((pattern) =>
    pattern.endsWith('/*')
      ? readdirSync(inRoot(dirname(pattern))).map((name) => join(dirname(pattern), name, 'package.json'))
      : [join(pattern, 'package.json')],
  );
  return ['package.json', ...files].filter((file) => existsSync(inRoot(file)));
}
