// The MCP server with the official client: over standard input and output, and over HTTP of this machine.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { VectorDb } from 'annywhere';
import { StaticEncoder } from 'annywhere/embed';
import { createServer, listen, openStore } from 'annywhere-mcp';

const require = createRequire(import.meta.url);
const root = mkdtempSync(path.join(tmpdir(), 'annywhere-mcp-'));
after(() => rmSync(root, { recursive: true, force: true }));
const cli = require.resolve('annywhere-mcp').replace(/index\.js$/, 'cli.js');
const table = readFileSync(require.resolve('@annywhere/encoder-en/table.bin'));

const client = () => new Client({ name: 'test', version: '1' });
const call = async (from, name, args = {}) => {
  const { isError, content } = await from.callTool({ name, arguments: args });
  return isError ? { error: content[0].text } : JSON.parse(content[0].text);
};
const names = async (from) => (await from.listTools()).tools.map(({ name }) => name).sort();
const READING = ['memory_recall', 'search', 'stats'];

/** A client of a server in this process. */
async function inside(folder, options = {}, agent = 'ada') {
  const store = await openStore({ folder: path.join(root, folder), agent });
  const server = createServer({ store, ...options });
  const [theirs, ours] = InMemoryTransport.createLinkedPair();
  const one = client();
  await Promise.all([server.connect(ours), one.connect(theirs)]);
  const close = async () => {
    await one.close();
    await store.close();
  };
  return { one, store, close };
}

async function writeCollection(file) {
  const encoder = await StaticEncoder.load(table);
  const db = new VectorDb({ dimensions: encoder.dimensions });
  const texts = ['a recipe for bread', 'how to repair a bicycle', 'the history of Rome'];
  await db.insertBatch(
    texts.map((text, i) => ({ id: `t${i}`, vector: encoder.encode(text), metadata: { text } })),
  );
  writeFileSync(file, await db.toBytes());
  await db.close();
}

describe('over standard input and output', () => {
  const start = async (...args) => {
    const one = client();
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [cli, ...args],
      stderr: 'ignore',
    });
    await one.connect(transport);
    return one;
  };

  it('stores, recalls and forgets, and the next process remembers', async () => {
    const folder = path.join(root, 'stdio');
    const args = ['--data', folder, '--agent', 'ada', '--allow-write', '--allow-forget'];
    const first = await start(...args);
    const { id } = await call(first, 'memory_store', {
      content: 'Bread rises in a warm place',
      tags: ['kitchen'],
    });
    await call(first, 'memory_store', { content: 'The bicycle needs a new chain' });
    await first.close();
    const second = await start(...args);
    const { memories } = await call(second, 'memory_recall', { text: 'where does bread rise', k: 1 });
    assert.equal(memories[0].id, id);
    assert.equal(memories[0].content, 'Bread rises in a warm place');
    assert.equal(memories[0].agent, 'ada');
    assert.equal(memories[0].untrusted, true);
    assert.deepEqual(await call(second, 'memory_forget', { id }), { forgotten: true });
    assert.equal((await call(second, 'stats')).memories.own, 1);
    await second.close();
  });

  it('only reads unless it is told to write', async () => {
    const folder = path.join(root, 'reading');
    const reader = await start('--data', folder, '--agent', 'ada');
    assert.deepEqual(await names(reader), READING);
    const refused = await call(reader, 'memory_store', { content: 'x' }).catch((error) => ({
      error: error.message,
    }));
    assert.match(refused.error, /not found/);
    await reader.close();
  });
});

describe('the tools', () => {
  it('say what they do to the data, and forgetting has a switch of its own', async () => {
    const { one, close } = await inside('switches', { allowWrite: true });
    assert.deepEqual(await names(one), ['memory_recall', 'memory_share', 'memory_store', 'search', 'stats']);
    await close();
    const all = await inside('switches', { allowWrite: true, allowForget: true });
    for (const { name, annotations } of (await all.one.listTools()).tools) {
      assert.equal(annotations.readOnlyHint, READING.includes(name), name);
      if (!annotations.readOnlyHint)
        assert.equal(annotations.destructiveHint, name === 'memory_forget', name);
    }
    await all.close();
  });

  it('share with another agent and take back, and no argument makes one agent another', async () => {
    const ada = await inside('sharing', { allowWrite: true });
    const { id } = await call(ada.one, 'memory_store', { content: 'the door code is 4711' });
    const shared = await call(ada.one, 'memory_share', { id, agents: ['bob'] });
    assert.deepEqual(shared.sharedWith, ['bob']);
    await ada.close();
    const bob = await inside('sharing', { allowWrite: true, allowForget: true }, 'bob');
    const { memories } = await call(bob.one, 'memory_recall', { text: 'door code' });
    assert.equal(memories[0].agent, 'ada');
    assert.equal(memories[0].shares[0].by, 'ada');
    assert.deepEqual(await call(bob.one, 'memory_forget', { id }), { forgotten: false });
    assert.match((await call(bob.one, 'memory_share', { id, agents: ['eve'] })).error, /no memory/);
    await call(bob.one, 'memory_store', { content: 'x', agent: 'ada' });
    assert.equal((await call(bob.one, 'memory_recall', { text: 'x', from: 'own' })).memories[0].agent, 'bob');
    await bob.close();
    const again = await inside('sharing', { allowWrite: true });
    assert.deepEqual(
      (await call(again.one, 'memory_share', { id, agents: ['bob'], revoke: true })).sharedWith,
      [],
    );
    await again.close();
  });

  it('search collections of the folder by name, and nothing else', async () => {
    const { one, close } = await inside('collections');
    const folder = path.join(root, 'collections');
    await writeCollection(path.join(folder, 'texts.annw'));
    await writeCollection(path.join(root, 'outside.annw'));
    symlinkSync(path.join(root, 'outside.annw'), path.join(folder, 'linked.annw'));
    assert.deepEqual((await call(one, 'stats')).collections, ['texts']);
    const { hits } = await call(one, 'search', { collection: 'texts', text: 'baking bread', k: 2 });
    assert.equal(hits[0].id, 't0');
    assert.equal(hits.length, 2);
    for (const collection of [
      'linked',
      'missing',
      '../outside',
      '/etc/passwd',
      'a/b',
      'TEXTS',
      'http://x',
      '',
    ]) {
      const { error } = await call(one, 'search', { collection, text: 'x' }).catch(({ message }) => ({
        error: message,
      }));
      assert.match(error, /there is no collection|Invalid arguments|[Vv]alidation/, collection);
      assert.doesNotMatch(error, new RegExp(root), 'no paths in answers');
    }
    await close();
  });

  it('search a large collection in its file, without loading it whole', async (t) => {
    const { one, close } = await inside('large');
    t.after(close);
    const file = path.join(root, 'large', 'many.annw');
    // In a process of its own: memory that this one has used before would hide what a search takes.
    const write = `
      import { writeFileSync } from 'node:fs';
      import { VectorDb } from 'annywhere';
      const vectors = Float32Array.from({ length: 20_000 * 256 }, (_, at) => Math.sin(at * at));
      const metadata = Array.from({ length: 20_000 }, (_, i) => ({ i, text: 'x'.repeat(2_000) }));
      const db = new VectorDb({ dimensions: 256 });
      await db.insertBatch({ ids: metadata.map(({ i }) => 'r' + i), vectors, metadata });
      writeFileSync(${JSON.stringify(file)}, await db.toBytes());`;
    execFileSync(process.execPath, ['--input-type=module', '-e', write], { cwd: import.meta.dirname });
    const ask = () => call(one, 'search', { collection: 'many', text: 'a recipe for bread', k: 3 });
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 5; round++) assert.equal((await ask()).hits.length, 3);
    const grown = process.memoryUsage().rss - before;
    const { size } = statSync(file);
    assert.ok(size > 55_000_000 && grown < size / 2, `${grown} bytes for a file of ${size}`);
  });

  it('refuse what is too large or no name, and cut what they give', async () => {
    const { one, close } = await inside('limits', { allowWrite: true });
    for (const [name, args] of [
      ['memory_store', { content: 'x'.repeat(40_000) }],
      ['memory_store', { content: '' }],
      ['memory_store', { content: 'x', type: '../x' }],
      ['memory_store', { content: 'x', importance: 5 }],
      ['memory_recall', { text: 'x', k: 101 }],
      ['memory_recall', { text: 'x', k: 1.5 }],
      ['memory_recall', { text: 'x'.repeat(10_000) }],
      ['memory_share', { id: 'x', agents: ['../b'] }],
      ['memory_share', { id: 'x', agents: [] }],
    ]) {
      const { error } = await call(one, name, args).catch(({ message }) => ({ error: message }));
      assert.ok(error, `${name} ${JSON.stringify(args).slice(0, 60)}`);
    }
    assert.equal((await call(one, 'stats')).memories.own, 0);
    for (let i = 0; i < 40; i++) await call(one, 'memory_store', { content: 'word '.repeat(6000) });
    const { memories } = await call(one, 'memory_recall', { text: 'word', k: 100 });
    assert.ok(memories.length > 10 && memories.length < 40);
    assert.ok(memories[0].content.length < 4100);
    assert.match(memories[0].content, /30000 characters/);
    await close();
  });
});

describe('over HTTP', () => {
  const ask = (url, { method = 'POST', headers = {}, body = '{}', host } = {}) =>
    new Promise((resolve, reject) => {
      const sent = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      };
      const asked = request(url, { method, headers: { ...sent, ...(host && { host }) } }, (response) => {
        let text = '';
        response.on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode, text }));
      });
      asked.on('error', reject);
      asked.end(body);
    });

  it('serves the official client, at 127.0.0.1 only', async (t) => {
    const store = await openStore({ folder: path.join(root, 'http'), agent: 'ada' });
    const listening = await listen({ store, allowWrite: true });
    t.after(() => listening.close());
    assert.match(listening.url, /^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
    const one = client();
    const headers = { authorization: `Bearer ${listening.token}` };
    await one.connect(
      new StreamableHTTPClientTransport(new URL(listening.url), { requestInit: { headers } }),
    );
    const { id } = await call(one, 'memory_store', { content: 'HTTP works' });
    const { memories } = await call(one, 'memory_recall', { text: 'HTTP works' });
    assert.equal(memories[0].id, id);
    await one.close();
    await store.close();
  });

  it('refuses other hosts and origins, wrong tokens, large bodies and other methods', async (t) => {
    const store = await openStore({ folder: path.join(root, 'refusals'), agent: 'ada' });
    const listening = await listen({ store, allowedOrigins: ['http://localhost:5173'] });
    t.after(() => listening.close());
    const { url, token } = listening;
    const right = { authorization: `Bearer ${token}` };
    const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const status = async (options) => (await ask(url, { headers: right, body: list, ...options })).status;
    assert.equal(await status({}), 200);
    assert.equal(await status({ headers: { ...right, origin: 'http://localhost:5173' } }), 200);
    assert.equal(await status({ host: 'evil.example' }), 403);
    assert.equal(await status({ host: `evil.example:${new URL(url).port}` }), 403);
    assert.equal(await status({ headers: { ...right, origin: 'http://evil.example' } }), 403);
    assert.equal(await status({ headers: { ...right, origin: 'null' } }), 403);
    assert.equal(await status({ headers: {} }), 401);
    assert.equal(await status({ headers: { authorization: `Bearer ${token}x` } }), 401);
    assert.equal(await status({ method: 'GET', body: '' }), 405);
    assert.equal(await status({ headers: { ...right, 'content-type': 'text/plain' } }), 415);
    assert.equal(await status({ body: '{' }), 400);
    assert.equal(await status({ body: `"${'x'.repeat(1 << 20)}"` }).catch(() => 413), 413);
    assert.equal((await ask(url.replace('/mcp', '/other'), { headers: right })).status, 404);
    for (const body of ['[]', 'null', '7', '{"jsonrpc":"2.0"}', '{"jsonrpc":"2.0","id":{},"method":"x"}']) {
      const answer = await ask(url, { headers: right, body });
      const isRefused = answer.status >= 400 || /error/.test(answer.text);
      // An empty batch asks for nothing and gets it.
      assert.ok(isRefused || (body === '[]' && answer.text === ''), body);
      assert.doesNotMatch(answer.text, /node_modules|\.js:/, 'no stack');
    }
    assert.equal(await status({}), 200, 'it still serves');
    await store.close();
  });
});
