// The tarballs as a user gets them: packed, installed into an empty folder without a registry, and run there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pack } from '../../pkg-scripts/release.mjs';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'annywhere-package-'));
after(() => fs.rmSync(root, { recursive: true, force: true }));

const HAS_NATIVE = process.platform === 'linux' && process.arch === 'x64';
const MIB = 1024 * 1024;
/** Largest size of a tarball; raise it knowingly. */
const NATIVE_LIMIT = 1.5 * MIB;
const LIMITS = {
  annywhere: 1_500_000,
  '@annywhere/encoder-en': 16 * MIB,
};

/** The packages that need others; the engine needs none. */
const DEPENDENCIES = {
  'annywhere-mcp': ['@annywhere/encoder-en', '@modelcontextprotocol/sdk', 'annywhere', 'zod'],
};

function run(program, args, { cwd = root, env = {}, expected = 0 } = {}) {
  const merged = { ...process.env, ...env };
  const { stdout, stderr, status } = spawnSync(program, args, { cwd, env: merged, encoding: 'utf8' });
  assert.equal(status, expected, `${program} ${args.join(' ')}\n${stdout}\n${stderr}`);
  return stdout;
}

/** What `npm pack` says of each package, by name; the tarballs lie below `root`. */
const packed = new Map();
before(async () => {
  const folder = path.join(root, 'packed');
  for (const report of await pack(folder)) {
    const tarball = path.join(folder, path.basename(report.filename));
    const manifest = JSON.parse(run('tar', ['-xzOf', tarball, 'package/package.json']));
    const names = report.files.map((file) => file.path);
    packed.set(manifest.name, { ...report, manifest, names, tarball });
  }
});

/** An empty project with these packages installed from their tarballs, and nothing from a registry. */
function install(name, packages) {
  const cwd = path.join(root, name);
  fs.mkdirSync(cwd);
  fs.writeFileSync(path.join(cwd, 'package.json'), JSON.stringify({ name, private: true }));
  const tarballs = packages.map((each) => packed.get(each).tarball);
  // The tarballs of optional dependencies are given by name, so that npm finds them without asking.
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs], { cwd });
  return cwd;
}

const USE = `
  const db = new annywhere.VectorDb({ dimensions: 2, storagePath: 'db.annw' });
  await db.insert({ id: 'a', vector: [1, 2], metadata: { n: 1 } });
  await db.close();
  const again = new annywhere.VectorDb({ dimensions: 2, storagePath: 'db.annw' });
  const [hit] = await again.search({ vector: [1, 2] });
  console.log(JSON.stringify([annywhere.getImplementationType(), hit.id, hit.metadata]));`;

function use(cwd, specifier, env = {}) {
  fs.writeFileSync(path.join(cwd, 'use.mjs'), `import * as annywhere from '${specifier}';${USE}`);
  fs.writeFileSync(
    path.join(cwd, 'use.cjs'),
    `const annywhere = require('${specifier}'); (async () => {${USE}})();`,
  );
  return ['use.mjs', 'use.cjs'].map((script) => {
    fs.rmSync(path.join(cwd, 'db.annw'), { recursive: true, force: true });
    const merged = { ANNYWHERE_BACKEND: '', ...env };
    const { stdout, stderr, status } = spawnSync(process.execPath, [script], {
      cwd,
      env: { ...process.env, ...merged },
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  });
}

describe('the packages', () => {
  it('have no dependency but those named, no install script and no file too many', () => {
    assert.ok(packed.has('annywhere'));
    for (const [name, { manifest, names }] of packed) {
      assert.deepEqual(Object.keys(manifest.dependencies ?? {}), DEPENDENCIES[name] ?? [], name);
      // What may be used beside it is optional: nothing is installed for it.
      for (const peer of Object.keys(manifest.peerDependencies ?? {})) {
        assert.equal(manifest.peerDependenciesMeta?.[peer]?.optional, true, `${name}: ${peer}`);
      }
      for (const script of ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']) {
        assert.equal(manifest.scripts?.[script], undefined, `${name}: ${script}`);
      }
      if (name === 'annywhere') {
        const engines = Object.keys(manifest.optionalDependencies);
        assert.deepEqual(engines.length, 7, engines.join());
      }
      for (const [dependency, range] of Object.entries(manifest.optionalDependencies ?? {})) {
        assert.equal(range, manifest.version, `${dependency} has to be exactly this version`);
      }
      const foreign = names.filter((file) =>
        /(^|\/)(src|scripts|node_modules|tests?)\/|\.(tgz|rs|map)$|tsconfig|^\.|\/\./.test(file),
      );
      assert.deepEqual(foreign, [], name);
    }
  });

  it('contain what their manifests name', () => {
    const files = (value) =>
      typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(files);
    for (const [name, { manifest, names }] of packed) {
      const named = [...files(manifest.exports), manifest.main, manifest.types].filter(Boolean);
      for (const file of named) assert.ok(names.includes(file.replace(/^\.\//, '')), `${name}: ${file}`);
    }
    const { names } = packed.get('annywhere');
    for (const file of ['dist/annywhere.wasm', 'dist/inline-wasm.js', 'README.md'])
      assert.ok(names.includes(file), file);
  });

  it('are as small as promised', () => {
    for (const [name, { size }] of packed) {
      const isNative = name.startsWith('@annywhere/native-');
      const limit = LIMITS[name] ?? (isNative ? NATIVE_LIMIT : MIB);
      assert.ok(size <= limit, `${name} packs to ${size} bytes, more than ${limit}`);
    }
  });
});

describe('installed', () => {
  it('with the native package it runs natively, and as WebAssembly when told to', {
    skip: !HAS_NATIVE,
  }, () => {
    const cwd = install('native', ['annywhere', '@annywhere/native-linux-x64-gnu']);
    const expected = (type) => [type, 'a', { n: 1 }];
    for (const result of use(cwd, 'annywhere')) assert.deepEqual(result, expected('native'));
    for (const result of use(cwd, 'annywhere', { ANNYWHERE_BACKEND: 'wasm' }))
      assert.deepEqual(result, expected('wasm'));
    for (const result of use(cwd, 'annywhere/wasm')) assert.deepEqual(result, expected('wasm'));
    const installed = fs.readdirSync(path.join(cwd, 'node_modules')).filter((name) => !name.startsWith('.'));
    assert.deepEqual(installed.sort(), ['@annywhere', 'annywhere']);
  });

  it('without the native package it runs as WebAssembly', () => {
    const cwd = path.join(root, 'plain');
    fs.mkdirSync(path.join(cwd, 'node_modules/annywhere'), { recursive: true });
    const { tarball } = packed.get('annywhere');
    run('tar', ['-xzf', tarball, '--strip-components=1', '-C', path.join(cwd, 'node_modules/annywhere')]);
    for (const result of use(cwd, 'annywhere')) assert.deepEqual(result, ['wasm', 'a', { n: 1 }]);
    fs.writeFileSync(path.join(cwd, 'force.mjs'), "import { isNative } from 'annywhere'; isNative();");
    const { stderr, status } = spawnSync(process.execPath, ['force.mjs'], {
      cwd,
      env: { ...process.env, ANNYWHERE_BACKEND: 'native' },
      encoding: 'utf8',
    });
    assert.notEqual(status, 0);
    assert.match(stderr, /EngineUnavailable/);
  });

  it('with a broken native binary it runs as WebAssembly and says why', { skip: !HAS_NATIVE }, () => {
    const cwd = install('broken', ['annywhere', '@annywhere/native-linux-x64-gnu']);
    const binary = path.join(cwd, 'node_modules/@annywhere/native-linux-x64-gnu/annywhere.node');
    fs.writeFileSync(binary, 'this is no library');
    for (const result of use(cwd, 'annywhere')) assert.deepEqual(result, ['wasm', 'a', { n: 1 }]);
    const script = `import { getRuntimeInfo } from 'annywhere'; console.log(getRuntimeInfo().nativeErrors[0]);`;
    fs.writeFileSync(path.join(cwd, 'why.mjs'), script);
    assert.match(
      run(process.execPath, ['why.mjs'], { cwd, env: { ANNYWHERE_BACKEND: '' } }),
      /annywhere\.node/,
    );
  });

  it('has a command line', () => {
    const cwd = install('command', ['annywhere']);
    const report = JSON.parse(run('npx', ['--no-install', 'annywhere', 'info', '--json'], { cwd }));
    assert.deepEqual([report.version, report.engine], [packed.get('annywhere').manifest.version, 'wasm']);
  });

  it('npm installs it without a registry even if no native package can be had', () => {
    const cwd = install('optional', ['annywhere']);
    const [result] = use(cwd, 'annywhere');
    assert.deepEqual(result, ['wasm', 'a', { n: 1 }]);
  });

  it('the encoder package gives its table to annywhere/embed', () => {
    const cwd = install('encoder', ['annywhere', '@annywhere/encoder-en']);
    const script = `
      import { VectorDb } from 'annywhere';
      import { StaticEncoder } from 'annywhere/embed';
      import { tableUrl } from '@annywhere/encoder-en';
      const encoder = await StaticEncoder.load(tableUrl, { dimensions: 128 });
      const db = new VectorDb({ dimensions: encoder.dimensions });
      const texts = ['a film about dinosaurs', 'how to bake bread', 'football results'];
      await db.insertBatch({ ids: texts, vectors: encoder.encodeMany(texts) });
      const [hit] = await db.search({ vector: encoder.encode('cake recipe') });
      console.log(hit.id);`;
    fs.writeFileSync(path.join(cwd, 'embed.mjs'), script);
    assert.equal(run(process.execPath, ['embed.mjs'], { cwd }).trim(), 'how to bake bread');
  });
});
