// The command line, as a process: results, JSON, errors, exit codes, and every format that it reads.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const require = createRequire(import.meta.url);
const manifest = require('annywhere/package.json');
const program = path.join(path.dirname(require.resolve('annywhere/package.json')), manifest.bin.annywhere);
const fixtures = fileURLToPath(new URL('fixtures', import.meta.url));

let folder;
before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'annywhere-cli-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const at = (name) => path.join(folder, name);
const write = (name, content) => {
  writeFileSync(at(name), content);
  return at(name);
};

function run(args, { code = 0, env = {} } = {}) {
  const ended = spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ANNYWHERE_BACKEND: '', ...env },
  });
  assert.equal(ended.status, code, `${args.join(' ')}\n${ended.stdout}\n${ended.stderr}`);
  return ended;
}

const json = (args, options) => JSON.parse(run([...args, '--json'], options).stdout);

/** Rows like those of the fixtures: 20 rows of 6 small whole numbers. */
const rows = Array.from({ length: 20 }, (_, i) => ({
  id: `p${i}`,
  vector: Array.from({ length: 6 }, (_, j) => ((i * 7 + j * 3) % 17) - 8),
}));
const lines = (items) => items.map((item) => `${JSON.stringify(item)}\n`).join('');

describe('the command line', () => {
  it('tells what it can do, and what a command takes', () => {
    const overview = run(['help']).stdout;
    for (const name of [
      'info',
      'doctor',
      'import',
      'query',
      'stats',
      'verify',
      'compact',
      'backup',
      'restore',
    ]) {
      assert.match(overview, new RegExp(`^ {2}${name} `, 'm'));
      assert.match(run([name, '--help']).stdout, new RegExp(`Usage: annywhere ${name}`));
    }
    assert.equal(run(['--version']).stdout.trim(), manifest.version);
    assert.match(run([], { code: 2 }).stdout, /Usage/);
  });

  it('says what was meant, and ends with 2 when misused and 1 when it fails', () => {
    assert.match(run(['improt'], { code: 2 }).stderr, /no command improt; did you mean import\?/);
    assert.match(run(['stats'], { code: 2 }).stderr, /Usage: annywhere stats <database>/);
    assert.match(run(['query', 'x', '--tresh', '1'], { code: 2 }).stderr, /no option --tresh/);
    assert.match(run(['query', 'x', '--vectr', '1'], { code: 2 }).stderr, /did you mean --vector\?/);
    assert.match(
      run(['query', 'x', '--id', 'a', '--k', '0'], { code: 2 }).stderr,
      /--k must be an integer from 1/,
    );
    assert.match(run(['query', 'x'], { code: 2 }).stderr, /One of --vector, --id and --text/);
    assert.match(run(['stats', 'nowhere.annw'], { code: 1 }).stderr, /nowhere\.annw does not exist/);
    const broken = write('broken.annw', 'something else');
    assert.deepEqual(json(['stats', broken], { code: 1 }).error.code, 'Corrupt');
  });

  it('info and doctor report the engine and why it is not native', () => {
    const report = json(['info'], { env: { ANNYWHERE_BACKEND: 'wasm' } });
    assert.deepEqual([report.engine, report.simd, report.version], ['wasm', 'simd128', manifest.version]);
    assert.match(run(['info']).stdout, /engine/);
    const { ok, findings } = json(['doctor']);
    assert.deepEqual([ok, findings.length], [true, 5], JSON.stringify(findings));
    const broken = json(['doctor', write('damaged.annw', 'x'.repeat(1000))], { code: 1 });
    assert.deepEqual(
      broken.findings.filter((finding) => !finding.ok).map((finding) => finding.check),
      [at('damaged.annw')],
    );
  });
});

describe('import', () => {
  const vector = JSON.stringify;
  const formats = {
    'rows.jsonl': () => lines(rows),
    'rows.ndjson.gz': () => gzipSync(lines(rows)),
    'named.jsonl': () => lines(rows.map(({ id, vector }) => ({ _id: id, values: vector }))),
    'array.json': () => vector(rows.map(({ id, vector }) => ({ id, embedding: vector, payload: { id } }))),
    'columns.json': () =>
      vector({
        ids: rows.map((row) => row.id),
        embeddings: rows.map((row) => row.vector),
        documents: rows.map((row) => row.id),
      }),
    'items.json': () => vector({ version: 1, items: rows }),
    'one-column.csv': () =>
      `id,title,vector\r\n${rows.map(({ id, vector }) => `${id},"a ""quoted"", ${id}\nline","[${vector}]"`).join('\r\n')}\r\n`,
    'columns.csv': () =>
      `v0,v1,v2,v3,v4,v5,id\n${rows.map(({ id, vector }) => `${vector},${id}`).join('\n')}`,
    'tabs.tsv': () =>
      `id\tembedding\n${rows.map(({ id, vector }) => `${id}\t${vector.join(' ')}`).join('\n')}\n`,
    'numbers.fvecs': () =>
      Buffer.concat(
        rows.map(({ vector }) => {
          const count = Buffer.alloc(4);
          count.writeInt32LE(vector.length);
          return Buffer.concat([count, Buffer.from(Float32Array.from(vector).buffer)]);
        }),
      ),
  };
  /** Formats without ids: rows are numbered. */
  const numbered = ['numbers.fvecs', 'rows-f16.npy'];

  for (const name of [...Object.keys(formats), 'rows-f16.npy', 'rows.parquet']) {
    it(`reads ${name}`, async () => {
      const file = name in formats ? write(name, formats[name]()) : path.join(fixtures, name);
      const target = at(`${name}.annw`);
      const report = json(['import', target, file, '--metric', 'euclidean', '--batch', '7']);
      assert.deepEqual([report.rows, report.dimensions, report.skipped], [20, 6, 0]);
      const id = numbered.includes(name) ? '5' : 'p5';
      const { hits } = json(['query', target, '--vector', JSON.stringify(rows[5].vector), '--k', '1']);
      assert.deepEqual([hits[0].id, hits[0].distance], [id, 0]);
      if (name === 'one-column.csv') assert.equal(hits[0].metadata.title, 'a "quoted", p5\nline');
      if (name === 'columns.json') assert.equal(hits[0].metadata.document, 'p5');
      if (name === 'rows.parquet') assert.deepEqual(hits[0].metadata, { title: 'T5', year: 2005 });
      assert.equal(existsSync(`${target}.import`), false);
    });
  }

  it('adds to what is there, replaces rows with the same id, and stops at a limit', () => {
    const target = at('twice.annw');
    const file = write('twice.jsonl', lines(rows));
    assert.equal(json(['import', target, file, '--limit', '5']).rows, 5);
    assert.equal(json(['import', target, file]).rows, 20);
    assert.equal(json(['stats', target]).count, 20);
  });

  it('goes on where it was broken off', () => {
    const target = at('resumed.annw');
    const file = write('resumed.jsonl', lines(rows));
    json(['import', target, file, '--limit', '8']);
    const { size, mtimeMs } = statSync(file);
    write('resumed.annw.import', JSON.stringify({ input: file, size, modified: mtimeMs, rows: 8 }));
    const report = json(['import', target, file, '--resume']);
    assert.deepEqual([report.skipped, report.rows], [8, 12]);
    assert.equal(json(['stats', target]).count, 20);
    assert.equal(existsSync(`${target}.import`), false);
    write('resumed.annw.import', JSON.stringify({ input: file, size: size + 1, modified: mtimeMs, rows: 8 }));
    assert.equal(
      json(['import', target, file, '--resume']).rows,
      20,
      'a mark of another file does not count',
    );
  });

  it('says which row cannot be used', () => {
    const bad = (name, content) => run(['import', at('bad.annw'), write(name, content)], { code: 1 }).stderr;
    assert.match(
      bad('a.jsonl', `${lines(rows.slice(0, 2))}{"id": oops}\n`),
      /a\.jsonl, row 3: it is not JSON/,
    );
    assert.match(bad('b.jsonl', '{"id":"x"}\n'), /row 1: it has no array of numbers named vector/);
    assert.match(bad('c.csv', 'id,vector\na,[1],3\n'), /row 1: it has 3 cells, and the header 2/);
    assert.match(bad('d.csv', 'id,title\na,b\n'), /neither a column vector nor columns v0/);
    assert.match(bad('e.npy', 'something else entirely'), /is not a NumPy file/);
    assert.match(bad('f.fvecs', Buffer.alloc(30, 1)), /does not consist of vectors/);
    assert.match(bad('g.jsonl', ''), /holds no rows/);
    assert.match(
      bad('h.jsonl', lines([rows[0], { id: 'x', vector: [1, 2] }])),
      /in the rows from 1 on: row 1 has 2 dim/,
    );
    assert.match(run(['import', at('x.annw'), write('i.xyz', '')], { code: 2 }).stderr, /--format is one of/);
    assert.equal(existsSync(at('bad.annw')), false);
  });
});

describe('convert', () => {
  it('takes vectors and labels of a real hnswlib index, but not deleted ones', () => {
    const target = at('converted.annw');
    const index = path.join(fixtures, 'hnswlib-0.8.bin');
    const report = json(['convert', index, target, '--metric', 'euclidean']);
    assert.deepEqual([report.rows, report.dimensions], [19, 6]);
    const nearest = (row) =>
      json(['query', target, '--vector', JSON.stringify(rows[row].vector), '--k', '1']).hits[0];
    assert.deepEqual([nearest(5).id, nearest(5).distance], ['105', 0]);
    assert.notEqual(nearest(3).distance, 0, 'label 103 was deleted');
    assert.match(run(['convert', index, target], { code: 2 }).stderr, /exists already; --force replaces it/);
    const cut = write('cut.bin', readFileSync(index).subarray(0, 900));
    assert.match(run(['convert', cut, at('no.annw')], { code: 1 }).stderr, /or it is cut short/);
  });
});

describe('a database file', () => {
  let target;
  before(() => {
    target = at('kept.annw');
    json(['import', target, write('kept.jsonl', lines(rows))]);
  });

  it('is described, searched, measured and compacted', () => {
    const stats = json(['stats', target]);
    assert.deepEqual([stats.count, stats.dimensions, stats.storedBytes > 0], [20, 6, true]);
    assert.match(run(['stats', target]).stdout, /^rows +20$/m);
    const { hits } = json(['query', target, '--id', 'p5', '--k', '3']);
    assert.equal(hits.length, 3);
    assert.ok(hits.every((hit) => hit.id !== 'p5'));
    assert.match(run(['query', target, '--id', 'p5', '--k', '3']).stdout, /^\d\.\d{4} {2}p\d+ {2}\{\}$/m);
    const queries = write('queries.jsonl', lines(rows));
    assert.equal(json(['recall', target, '--queries', queries, '--k', '5']).recall, 1);
    assert.equal(json(['recall', target, '--samples', '10']).samples, 10);
    const some = JSON.stringify({ title: { $exists: false } });
    assert.equal(json(['recall', target, '--filter', some, '--k', '9']).k, 9);
    assert.match(run(['recall', target, '--filter', '{'], { code: 2 }).stderr, /--filter must be JSON/);
    assert.equal(json(['bench', target, '--samples', '5']).queries, 5);
    const filter = JSON.stringify({ title: { $exists: true } });
    assert.deepEqual(json(['query', target, '--id', 'p5', '--filter', filter]).hits, []);
    assert.equal(
      json(['query', target, '--id', 'p5', '--filter', '{"a":{"$b":1}}'], { code: 1 }).error.code,
      'InvalidFilter',
    );
    assert.ok(json(['bench', target, '--queries', queries]).search.p50 > 0);
    assert.ok(json(['compact', target]).after > 0);
  });

  it('is verified, backed up and restored', () => {
    assert.deepEqual(json(['verify', target]), { ok: true, rows: 20, dimensions: 6 });
    assert.equal(json(['backup', target, at('copy.annw')]).rows, 20);
    assert.match(run(['backup', target, at('copy.annw')], { code: 2 }).stderr, /exists already/);
    assert.equal(json(['restore', at('copy.annw'), at('restored.annw')]).rows, 20);
    const damaged = readFileSync(target);
    damaged[damaged.length >> 1] ^= 0xff;
    damaged[4096] ^= 0xff;
    const report = json(['verify', write('damaged-copy.annw', damaged)], { code: 1 });
    assert.equal(report.ok, false);
  });

  it('may be a folder, as a database with storagePath keeps it', () => {
    const store = at('store');
    const file = write('store.jsonl', lines(rows));
    assert.equal(json(['import', store, file, '--batch', '6']).rows, 20);
    assert.ok(statSync(store).isDirectory());
    assert.deepEqual([json(['stats', store]).count, json(['verify', store]).rows], [20, 20]);
    assert.equal(json(['query', store, '--id', 'p5', '--k', '2']).hits.length, 2);
    assert.ok(json(['compact', store]).after > 0);
    assert.equal(json(['backup', store, at('store.annw')]).rows, 20);
    assert.ok(statSync(at('store.annw')).isFile());
    assert.equal(json(['restore', at('store.annw'), at('store-again')]).rows, 20);
    assert.equal(json(['stats', at('store-again')]).count, 20);
  });

  it('is served over HTTP to those who know the key', async () => {
    assert.match(run(['serve', target], { code: 2, env: { ANNYWHERE_KEY: '' } }).stderr, /A key is required/);
    assert.match(run(['serve', target, '--key', 'short'], { code: 2 }).stderr, /at least 16/);
    const key = 'a key of some length';
    const child = spawn(process.execPath, [program, 'serve', target, '--port', '0', '--write', '--json'], {
      env: { ...process.env, ANNYWHERE_KEY: key },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = await new Promise((resolve) =>
        child.stdout.once('data', (data) => resolve(`${data}`.split('\n'))),
      );
      const { url } = JSON.parse(line);
      const call = async (route, body, headers = { authorization: `Bearer ${key}` }) => {
        const method = body === undefined ? 'GET' : 'POST';
        const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
        const response = await fetch(`${url}${route}`, init);
        return [response.status, await response.json()];
      };
      const found = await call('/v1/search', { vector: rows[5].vector, k: 2, include: { vector: true } });
      assert.deepEqual([found[0], found[1].hits[0].id, found[1].hits[0].vector], [200, 'p5', rows[5].vector]);
      assert.deepEqual(await call('/v1/upsert', { rows: [{ id: 'new', vector: rows[1].vector }] }), [
        200,
        { ids: ['new'] },
      ]);
      assert.equal((await call('/v1/get', { id: 'new' }))[1].row.id, 'new');
      assert.equal((await call('/v1/health'))[1].rows, 21);
      assert.equal((await call('/v1/info'))[1].count, 21);
      assert.deepEqual((await call('/v1/delete', { ids: ['new', 'nobody'] }))[1], { removed: 1 });
      for (const [status, code, ...request] of [
        [401, 'Unauthorized', '/v1/health', undefined, {}],
        [401, 'Unauthorized', '/v1/health', undefined, { authorization: 'Bearer another key' }],
        [404, 'NotFound', '/v2/search', {}],
        [405, 'MethodNotAllowed', '/v1/search'],
        [400, 'WrongDimension', '/v1/search', { vector: [1] }],
        [400, 'InvalidArgument', '/v1/search', { vector: rows[0].vector, k: 1001 }],
        [400, 'InvalidArgument', '/v1/search', []],
        [413, 'TooLarge', '/v1/search', { text: 'x'.repeat(1 << 20) }],
      ]) {
        const [found, { error }] = await call(...request);
        assert.deepEqual([found, error.code], [status, code], error.message);
      }
    } finally {
      child.kill('SIGTERM');
    }
    const code = await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(code, 0);
    assert.equal(json(['stats', target]).count, 20);
  });
});
