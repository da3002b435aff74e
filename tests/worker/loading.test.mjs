// How an isolate comes by its index, keeps it, loses it and gets it back; what that costs.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { bundle } from '../../worker/scripts/build.mjs';
import { asset, assets, buildWorker, Edge, manifest, workerOptions } from './endpoint.mjs';

// What Cloudflare gives an isolate.
const ISOLATE_BYTES = 128 * 1024 ** 2;
const FILES = ['manifest.json', 'table-128.bin', 'index.annw'];

const QUERY = { text: 'a soldier on horseback', k: 1 };
const WORD = 'cavalryman';

let folder;
let edge;

before(async () => {
  buildWorker();
  folder = mkdtempSync(join(tmpdir(), 'annywhere-worker-'));
  await bundle(join(import.meta.dirname, 'instrumented-worker.mjs'), folder);
});

after(() => rmSync(folder, { recursive: true, force: true }));

afterEach(async () => {
  const leaks = edge?.leaks();
  await edge?.dispose();
  edge = undefined;
  assert.deepEqual(leaks ?? [], []);
});

/** The binding with assets from `answer(name)` instead of the real one; counts what is asked for. */
function countedAssets(answer = asset) {
  const asked = {};
  const ASSETS = async (request) => {
    const name = new URL(request.url).pathname.slice(1);
    asked[name] = (asked[name] ?? 0) + 1;
    const reply = await answer(name, asked[name]);
    return reply instanceof Uint8Array ? new Response(reply) : reply;
  };
  return { asked, options: { serviceBindings: { ASSETS } } };
}

const times = (count) => Object.fromEntries(FILES.map((name) => [name, count]));

async function finds(reply) {
  const { status, body } = await reply;
  assert.equal(status, 200, body?.detail);
  assert.equal(body.hits[0].metadata.lemmas[0], WORD);
}

async function isUnavailable(reply, code) {
  const { status, headers, body } = await reply;
  assert.deepEqual([status, body.code], [503, code]);
  assert.equal(headers.get('retry-after'), '1');
}

describe('loading', () => {
  it('happens at the first search, once for requests that come together, and never again', async () => {
    const { asked, options } = countedAssets();
    edge = new Edge(workerOptions('main', options));
    await edge.ask('/health');
    await edge.search({ text: 'water', k: 0 });
    await edge.search(QUERY, { key: 'x' });
    assert.deepEqual(asked, {}, 'nothing that needs no index loads it');
    await Promise.all(Array.from({ length: 8 }, () => finds(edge.search(QUERY))));
    assert.deepEqual(asked, times(1));
    await finds(edge.search(QUERY));
    assert.deepEqual(asked, times(1));
  });

  it('that fails is told to all who wait, and tried again by the next request', async () => {
    const failures = [
      [
        /index.annw answers with status 404/,
        (name) => name === 'index.annw' && new Response('', { status: 404 }),
      ],
      [/index.annw has \d+ bytes, not \d+/, (name) => name === 'index.annw' && asset(name).subarray(1)],
      [/table-128.bin has the SHA-256/, (name) => name === 'table-128.bin' && damaged(asset(name))],
      [/JSON/, (name) => name === 'manifest.json' && Buffer.from('<html>')],
      [/Corrupt/, (name) => name === 'manifest.json' && withTableAsIndex()],
    ];
    let broken = true;
    const workers = failures.map(([, fail], at) => {
      const { options } = countedAssets((name) => (broken && fail(name)) || asset(name));
      return workerOptions(`failing-${at}`, options);
    });
    edge = new Edge(...workers);
    const search = (at) => edge.search(QUERY, {}, `//failing-${at}.test/search`);
    for (const [at, [reason]] of failures.entries()) {
      broken = true;
      edge.log = '';
      for (const reply of [search(at), search(at)]) await isUnavailable(reply, 'IndexUnavailable');
      await isUnavailable(search(at), 'IndexUnavailable');
      await edge.logged(reason);
      broken = false;
      await finds(search(at));
    }
  });

  it('fails without the binding', async () => {
    edge = new Edge(workerOptions('main'));
    await isUnavailable(edge.search(QUERY), 'IndexUnavailable');
  });

  it('goes on when the client that began it leaves', async () => {
    const begun = withResolvers();
    const { asked, options } = countedAssets(async (name) => {
      if (name === 'index.annw') {
        begun.resolve();
        await setTimeout(500);
      }
      return asset(name);
    });
    edge = new Edge(workerOptions('main', options));
    const impatient = new AbortController();
    const left = assert.rejects(edge.search(QUERY, { signal: impatient.signal }));
    await begun.promise;
    const patient = edge.search(QUERY);
    impatient.abort();
    await left;
    await finds(patient);
    await finds(edge.search(QUERY));
    assert.deepEqual(asked, times(1));
  });
});

describe('a value shared by requests', () => {
  let Shared;

  before(async () => {
    const output = join(folder, 'shared');
    await bundle(resolve(import.meta.dirname, '../../worker/src/shared.ts'), output);
    const script = readFileSync(join(output, 'index.js')).toString('base64');
    ({ Shared } = await import(`data:text/javascript;base64,${script}`));
  });

  it('is loaded anew after an attempt that never ended', async () => {
    let now = 0;
    const shared = new Shared(() => now);
    const first = withResolvers();
    const stuck = shared.get(() => first.promise);
    now = 20_000;
    const second = withResolvers();
    const waiting = shared.get(() => assert.fail('it is not yet given up'));
    now = 20_001;
    const fresh = shared.get(() => second.promise);
    second.resolve('second');
    assert.equal(await fresh, 'second');
    first.resolve('first');
    assert.deepEqual([await stuck, await waiting], ['first', 'first']);
    assert.equal(await shared.get(() => assert.fail('it is there')), 'second');
  });

  it('that was dropped late does not take its successor along', async () => {
    const shared = new Shared();
    const old = await shared.get(async () => 'old');
    shared.drop(old);
    assert.equal(await shared.get(async () => 'new'), 'new');
    shared.drop(old);
    assert.equal(await shared.get(() => assert.fail('it is there')), 'new');
  });
});

describe('after a trap in the engine', () => {
  it('the next request loads a fresh instance, again and again', async () => {
    const { asked, options } = countedAssets();
    edge = new Edge(workerOptions('main', options, folder));
    await finds(edge.search(QUERY));
    let loads = 1;
    for (const trap of ['search', 'encode', 'search']) {
      await isUnavailable(edge.search(QUERY, { headers: { 'x-test-trap': trap } }), 'EngineFailed');
      assert.deepEqual(asked, times(loads));
      await Promise.all([finds(edge.search(QUERY)), finds(edge.search(QUERY))]);
      loads += 1;
      assert.deepEqual(asked, times(loads));
    }
    await edge.logged(/out of bounds/);
    const { body } = await edge.ask('/test/memory');
    // Instances left behind are garbage; what counts is that the new one did not grow on top of an old one.
    assert.ok(body.wasm < ISOLATE_BYTES, `${body.wasm} bytes`);
  });
});

describe('a bug of the worker', () => {
  it('is told without details, and logged with them', async () => {
    edge = new Edge(workerOptions('main', assets(), folder));
    const { status, body } = await edge.search(QUERY, { headers: { 'x-test-bug': '1' } });
    assert.deepEqual([status, body.code, body.details], [500, 'Internal', undefined]);
    await edge.logged(/cannot read secret/);
    await finds(edge.search(QUERY));
  });
});

describe('a restart', () => {
  it('answers as before', async () => {
    const replies = [];
    for (let start = 0; start < 2; start++) {
      const started = new Edge(workerOptions('main', assets()));
      replies.push((await started.search({ text: 'a feeling of great happiness', k: 100 })).body);
      await started.dispose();
    }
    assert.equal(replies[0].hits.length, 100);
    assert.deepEqual(replies[0], replies[1]);
  });
});

describe('memory and time', () => {
  it('of an isolate stay far below what Cloudflare gives', async () => {
    edge = new Edge(workerOptions('main', assets(), folder));
    await edge.ready;
    const before = processUse();
    const begin = performance.now();
    await finds(edge.search(QUERY));
    const firstMs = performance.now() - begin;
    const loaded = processUse();
    for (let round = 0; round < 200; round++) await finds(edge.search(QUERY));
    const searched = processUse();
    const { wasm } = (await edge.ask('/test/memory')).body;

    const { VectorDb } = await import('annywhere/wasm');
    const { dimensions, index, table } = manifest();
    const db = new VectorDb({ dimensions });
    await db.load(asset('index.annw'));
    const { memoryUsage } = db.getStats();
    await db.close();

    const mib = (bytes) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
    console.log(
      `index ${mib(memoryUsage)} + table ${mib(table.bytes)}; memory of the engine in workerd ${mib(wasm)}`,
    );
    console.log(`first search with loading: ${firstMs.toFixed(0)} ms seen from outside`);
    if (before) {
      const cpu = (from, to, count) =>
        `${(((to.cpuSeconds - from.cpuSeconds) * 1000) / count).toFixed(1)} ms`;
      console.log(
        `CPU of workerd: loading ${cpu(before, loaded, 1)}, one search ${cpu(loaded, searched, 200)}`,
      );
      console.log(
        `resident memory of workerd: ${mib(before.resident)}, after loading ${mib(loaded.resident)}, peak ${mib(searched.peak)}`,
      );
    }
    assert.ok(memoryUsage + table.bytes < ISOLATE_BYTES / 4);
    // Beside the engine's memory, the file is held for a moment by JavaScript, twice.
    assert.ok(wasm + 2 * index.bytes < ISOLATE_BYTES, `${mib(wasm)} and twice ${mib(index.bytes)}`);
  });
});

/** Memory in bytes and CPU time of the workerd process that this process has started; Linux only. */
function processUse() {
  if (process.platform !== 'linux') return undefined;
  const read = (pid, file) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      return '';
    }
  };
  const pid = readdirSync('/proc').find((name) => {
    const status = read(name, 'status');
    return status.includes(`\nPPid:\t${process.pid}\n`) && status.startsWith('Name:\tworkerd');
  });
  const status = read(pid, 'status');
  const kib = (field) => 1024 * Number(status.match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))?.[1]);
  // Fields 14 and 15 of proc(5) stat, in ticks of 10 ms.
  const [user, system] = read(pid, 'stat').split(') ')[1].split(' ').slice(11, 13).map(Number);
  return { resident: kib('VmRSS'), peak: kib('VmHWM'), cpuSeconds: (user + system) / 100 };
}

const withTableAsIndex = () => Buffer.from(JSON.stringify({ ...manifest(), index: manifest().table }));

function damaged(bytes) {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 1] ^= 1;
  return copy;
}

function withResolvers() {
  let resolve;
  const promise = new Promise((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
