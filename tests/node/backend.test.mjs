// Which engine is loaded, seen from processes of their own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { native } from './engines.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const packageFolder = path.dirname(require.resolve('annywhere/package.json'));
const manifest = require('annywhere/package.json');

/** Runs a script and returns what it printed as JSON. */
function run(script, { backend, cwd = here, type = 'module' } = {}) {
  const env = { ...process.env };
  delete env.ANNYWHERE_BACKEND;
  if (backend !== undefined) env.ANNYWHERE_BACKEND = backend;
  const args = [`--input-type=${type}`, '--no-warnings=ExperimentalWarning', '-e', script];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

const REPORT = `
  const db = new annywhere.VectorDb({ dimensions: 2 });
  await db.insert({ id: 'a', vector: [1, 2] });
  const hits = await db.search({ vector: [1, 2] });
  const { getImplementationType, isNative, isWasm, getRuntimeInfo, version } = annywhere;
  console.log(JSON.stringify({
    type: getImplementationType(), native: isNative(), wasm: isWasm(), version, info: getRuntimeInfo(), hit: hits[0].id,
  }));
`;
const esm = (specifier) => `import * as annywhere from '${specifier}'; ${REPORT}`;
const commonJs = (specifier) => `const annywhere = require('${specifier}'); (async () => { ${REPORT} })();`;
const failure = (specifier) => `
  import * as annywhere from '${specifier}';
  const facts = (error) => ({ code: error.code, message: error.message, causes: (error.cause?.errors ?? []).map(String) });
  const db = new annywhere.VectorDb({ dimensions: 2 });
  const rejected = await db.len().catch(facts);
  let thrown;
  try { annywhere.getImplementationType(); } catch (error) { thrown = facts(error); }
  console.log(JSON.stringify({ rejected, thrown }));
`;

describe('the engine in Node', { skip: native ? false : 'no native engine here' }, () => {
  it('is native by default, for import and for require', () => {
    for (const report of [run(esm('annywhere')), run(commonJs('annywhere'), { type: 'commonjs' })]) {
      assert.deepEqual([report.type, report.native, report.wasm, report.hit], ['native', true, false, 'a']);
      assert.deepEqual(report.info.nativeErrors, []);
    }
  });

  it('is what ANNYWHERE_BACKEND says', () => {
    for (const [backend, type] of [
      ['native', 'native'],
      ['wasm', 'wasm'],
      ['auto', 'native'],
      ['', 'native'],
    ]) {
      assert.equal(run(esm('annywhere'), { backend }).type, type, backend);
    }
    const { rejected } = run(failure('annywhere'), { backend: 'gpu' });
    assert.equal(rejected.code, 'EngineUnavailable');
    assert.match(rejected.message, /'gpu'; it must be one of auto, native, wasm/);
  });

  it('is WebAssembly from annywhere/wasm whatever ANNYWHERE_BACKEND says', () => {
    for (const backend of [undefined, 'native', 'wasm']) {
      assert.match(run(esm('annywhere/wasm'), { backend }).info.simd, /^(simd128|relaxed-simd)$/);
      assert.equal(run(commonJs('annywhere/wasm'), { backend, type: 'commonjs' }).type, 'wasm');
    }
  });

  it('names its version, which is that of the package and of the Rust workspace', () => {
    const cargo = fs.readFileSync(path.join(here, '../../Cargo.toml'), 'utf8');
    const workspace = cargo.split('[workspace.package]')[1].match(/^version = "(.+)"$/m)[1];
    assert.equal(manifest.version, workspace);
    for (const backend of ['native', 'wasm']) {
      const { version, info } = run(esm('annywhere'), { backend });
      assert.deepEqual([version, info.version], [workspace, workspace]);
    }
    const engines = `
      import { createRequire } from 'node:module';
      import { readFileSync } from 'node:fs';
      const require = createRequire(import.meta.url);
      const wasm = await import(${JSON.stringify(path.join(packageFolder, 'dist/annywhere_wasm.js'))});
      wasm.initSync({ module: readFileSync(${JSON.stringify(path.join(packageFolder, 'dist/annywhere.wasm'))}) });
      console.log(JSON.stringify([require('@annywhere/native-linux-x64-gnu').version(), wasm.version()]));`;
    assert.deepEqual(run(engines), [workspace, workspace]);
  });
});

describe('the engine in Node without a working native binary', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'annywhere-backend-'));
  after(() => fs.rmSync(root, { recursive: true, force: true }));

  /** A project with annywhere installed, and native packages as given: `{ name: content of its main file }`. */
  const project = (name, natives = {}) => {
    const modules = path.join(root, name, 'node_modules');
    fs.cpSync(path.join(packageFolder, 'dist'), path.join(modules, 'annywhere/dist'), { recursive: true });
    fs.copyFileSync(path.join(packageFolder, 'package.json'), path.join(modules, 'annywhere/package.json'));
    for (const [suffix, content] of Object.entries(natives)) {
      const folder = path.join(modules, `@annywhere/native-${process.platform}-${process.arch}${suffix}`);
      fs.mkdirSync(folder, { recursive: true });
      const main = content instanceof Buffer ? 'annywhere.node' : 'index.cjs';
      fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ version: '0.0.0', main }));
      fs.writeFileSync(path.join(folder, main), content);
    }
    return { cwd: path.join(root, name) };
  };
  const libc = process.platform === 'linux' ? '-gnu' : '';

  it('is WebAssembly, for import and for require, and tells why', () => {
    const options = project('missing');
    for (const report of [
      run(esm('annywhere'), options),
      run(commonJs('annywhere'), { ...options, type: 'commonjs' }),
    ]) {
      assert.deepEqual([report.type, report.hit], ['wasm', 'a']);
      assert.match(report.info.nativeErrors[0], /Cannot find module '@annywhere\/native-/);
    }
  });

  it('is an error with its causes when ANNYWHERE_BACKEND is native', () => {
    const { rejected, thrown } = run(failure('annywhere'), { ...project('forced'), backend: 'native' });
    for (const { code, message, causes } of [rejected, thrown]) {
      assert.equal(code, 'EngineUnavailable');
      assert.match(message, /^ANNYWHERE_BACKEND=native, and no native engine loads: Cannot find module/);
      assert.equal(causes.length, process.platform === 'linux' ? 2 : 1);
    }
  });

  it('is WebAssembly when the binary is damaged or of another version', () => {
    const damaged = run(esm('annywhere'), project('damaged', { [libc]: Buffer.from('not a library') }));
    assert.equal(damaged.type, 'wasm');
    const other = project('other', { [libc]: 'exports.version = () => "9.9.9"' });
    const { type, info } = run(esm('annywhere'), other);
    assert.equal(type, 'wasm');
    assert.match(info.nativeErrors[0], /has version 9\.9\.9, and annywhere is/);
    const { rejected } = run(failure('annywhere'), { ...other, backend: 'native' });
    assert.match(rejected.message, /9\.9\.9/);
  });
});

describe('the entries', () => {
  it('export the same names', async () => {
    const names = async (entry) => Object.keys(await import(entry)).sort();
    const expected = await names('annywhere');
    assert.deepEqual(expected, [
      'AnnywhereError',
      'VectorDb',
      'federate',
      'getImplementationType',
      'getRuntimeInfo',
      'init',
      'isNative',
      'isWasm',
      'version',
    ]);
    for (const entry of ['annywhere/wasm', 'annywhere/browser', 'annywhere/node', 'annywhere/inline']) {
      assert.deepEqual(await names(entry), expected, entry);
    }
  });

  it('of the export map all exist', () => {
    const files = (value) => (typeof value === 'string' ? [value] : Object.values(value).flatMap(files));
    for (const file of files(manifest.exports)) {
      assert.ok(fs.existsSync(path.join(packageFolder, file)), file);
    }
  });

  it('hold one WebAssembly module: the inline one is the file', async () => {
    const dist = path.join(packageFolder, 'dist');
    const { default: base64 } = await import(pathToFileURL(path.join(dist, 'inline-wasm.js')));
    assert.ok(Buffer.from(base64, 'base64').equals(fs.readFileSync(path.join(dist, 'annywhere.wasm'))));
  });

  it('load nothing and start nothing at import', () => {
    const script = `
      const before = process.getActiveResourcesInfo().length;
      let compiled = 0;
      for (const name of ['Module', 'Instance']) {
        WebAssembly[name] = new Proxy(WebAssembly[name], { construct(...args) { compiled++; return Reflect.construct(...args); } });
      }
      for (const entry of ['annywhere', 'annywhere/wasm', 'annywhere/browser', 'annywhere/inline', 'annywhere/embed']) {
        const { VectorDb } = await import(entry);
        if (VectorDb) new VectorDb({ dimensions: 2 });
      }
      // The module loader closes its files a moment later.
      await new Promise((done) => setTimeout(done, 50));
      console.log(JSON.stringify([compiled, process.getActiveResourcesInfo().length - before]));`;
    assert.deepEqual(run(script, { backend: 'wasm' }), [0, 0]);
  });
});

describe('init', () => {
  it('is never needed in Node, and does no harm', () => {
    const script = `
      import { init, getImplementationType, VectorDb } from 'annywhere';
      await init(); await init();
      console.log(JSON.stringify([getImplementationType(), await new VectorDb({ dimensions: 1 }).len()]));`;
    assert.deepEqual(run(script, { backend: 'wasm' }), ['wasm', 0]);
  });

  const wasmFile = JSON.stringify(path.join(packageFolder, 'dist/annywhere.wasm'));
  const sources = {
    bytes: 'readFileSync(file)',
    'an ArrayBuffer': 'new Uint8Array(readFileSync(file)).buffer',
    'a compiled module': 'new WebAssembly.Module(readFileSync(file))',
    'a Response': "new Response(readFileSync(file), { headers: { 'content-type': 'application/wasm' } })",
    'a Response without a media type': 'new Response(readFileSync(file))',
    'a promise': 'Promise.resolve(new Response(readFileSync(file)))',
    'a data URL': "new URL('data:application/wasm;base64,' + readFileSync(file).toString('base64'))",
  };
  for (const [name, source] of Object.entries(sources)) {
    it(`takes ${name}`, () => {
      const script = `
        import { readFileSync } from 'node:fs';
        import { init, getRuntimeInfo, VectorDb } from 'annywhere/browser';
        const file = ${wasmFile};
        await init(${source});
        const { simd } = getRuntimeInfo();
        console.log(JSON.stringify([simd, await new VectorDb({ dimensions: 1 }).len()]));`;
      assert.deepEqual(run(script), ['simd128', 0]);
    });
  }

  it('refuses what is no engine, and may then be repeated', () => {
    const script = `
      import { readFileSync } from 'node:fs';
      import { init, VectorDb } from 'annywhere/browser';
      const codes = [];
      for (const source of [new Uint8Array(8), 'data:text/plain,no', new Response('', { status: 404 }), {}, 7]) {
        await init(source).catch((error) => codes.push(error.code));
      }
      await init(readFileSync(${wasmFile}));
      codes.push(await new VectorDb({ dimensions: 1 }).len());
      await init(new Uint8Array(8)).catch((error) => codes.push(error.code));
      console.log(JSON.stringify(codes));`;
    const unavailable = 'EngineUnavailable';
    const expected = [
      unavailable,
      unavailable,
      unavailable,
      'InvalidArgument',
      'InvalidArgument',
      0,
      'InvalidArgument',
    ];
    assert.deepEqual(run(script), expected);
  });

  it('is called by the first method where loading takes waiting, and synchronous calls say so until then', () => {
    const script = `
      import { getRuntimeInfo, getImplementationType, VectorDb } from 'annywhere/inline';
      let compiled = 0;
      WebAssembly.compile = new Proxy(WebAssembly.compile, { apply(...args) { compiled++; return Reflect.apply(...args); } });
      const db = new VectorDb({ dimensions: 1 });
      const codes = [];
      for (const call of [() => db.getStats(), () => getRuntimeInfo()]) {
        try { call(); } catch (error) { codes.push(error.code); }
      }
      const lengths = await Promise.all([db.len(), db.len(), new VectorDb({ dimensions: 1 }).len()]);
      console.log(JSON.stringify([...codes, ...lengths, getImplementationType(), db.getStats().count, compiled]));`;
    assert.deepEqual(run(script), ['EngineUnavailable', 'EngineUnavailable', 0, 0, 0, 'wasm', 0, 1]);
  });
});
