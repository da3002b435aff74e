// Who may talk to `annywhere serve`: callers that know the key, and no page of another origin that has got a name to point
// to this machine (DNS rebinding). Such a page sends its own name as the host, and may know no key.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { VectorDb } from 'annywhere/wasm';

const require = createRequire(import.meta.url);
const dist = path.join(path.dirname(require.resolve('annywhere/package.json')), 'dist');
const { serveHttp } = await import(pathToFileURL(path.join(dist, 'cli/http.js')));

const KEY = 'a key of some length';

describe('annywhere serve', () => {
  const db = new VectorDb({ dimensions: 2 });
  const opened = { db, keep: async () => {}, close: () => db.close() };
  let server;
  let port;
  before(async () => {
    await db.insert({ id: 'a', vector: [1, 0] });
    server = await serveHttp(opened, { key: KEY, port: 0, canWrite: true });
    port = Number(new URL(server.url).port);
  });
  after(async () => {
    await server.close();
    await db.close();
  });

  /** Status, code of the error, and headers of an answer; `headers` are sent as they are. */
  function call(headers, { method = 'GET', route = '/v1/health', body, to = port } = {}) {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: to, method, path: route, headers };
      const sent = request(options, (response) => {
        let text = '';
        response.on('data', (data) => {
          text += data;
        });
        response.on('end', () => {
          const { error } = JSON.parse(text);
          resolve({ status: response.statusCode, code: error?.code, headers: response.headers });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
  const authorization = `Bearer ${KEY}`;

  it('answers to the names of this machine', async () => {
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, '127.0.0.1', 'localhost', 'LOCALHOST']) {
      assert.equal((await call({ host, authorization })).status, 200, host);
    }
  });

  it('refuses every other host, also with the key, and does nothing for it', async () => {
    const hosts = [
      'evil.example',
      `evil.example:${port}`,
      `127.0.0.1.evil.example:${port}`,
      `localhost.evil.example:${port}`,
      `evil.example:80:${port}`,
      `localhost:${port}@evil.example`,
      `0.0.0.0:${port}`,
      `[::1]:${port}`,
      '2130706433',
    ];
    for (const host of hosts) {
      const { status, code } = await call({ host, authorization });
      assert.deepEqual([status, code], [403, 'Forbidden'], host);
      const upsert = { method: 'POST', route: '/v1/upsert', body: '{"rows":[{"id":"b","vector":[0,1]}]}' };
      assert.equal((await call({ host, authorization }, upsert)).status, 403);
    }
    assert.equal(await db.len(), 1);
  });

  it('refuses a request without a host', async () => {
    for (const host of ['', 'Host:\r\n']) {
      const answer = await new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.end(`GET /v1/health HTTP/1.0\r\n${host}Authorization: ${authorization}\r\n\r\n`);
        });
        let text = '';
        socket.on('data', (data) => {
          text += data;
        });
        socket.on('end', () => resolve(text));
        socket.on('error', reject);
      });
      assert.match(answer, /^HTTP\/1\.1 403 /);
    }
  });

  it('refuses what is not the key, for every route, and says how to send it', async () => {
    const host = `localhost:${port}`;
    const others = [
      undefined,
      '',
      KEY,
      'Bearer',
      'Bearer ',
      `Basic ${KEY}`,
      `bearer${KEY}`,
      `Bearer ${KEY.slice(0, -1)}`,
      `Bearer ${KEY}x`,
      `Bearer ${KEY.toUpperCase()}`,
    ];
    for (const given of others) {
      for (const route of ['/v1/health', '/v1/info', '/v1/nothing']) {
        const answer = await call({ host, ...(given !== undefined && { authorization: given }) }, { route });
        assert.deepEqual([answer.status, answer.code], [401, 'Unauthorized'], String(given));
        assert.equal(answer.headers['www-authenticate'], 'Bearer');
      }
    }
  });

  it('lets no other origin read an answer', async () => {
    const headers = { host: `localhost:${port}`, origin: 'https://evil.example' };
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await call(
        { ...headers, 'access-control-request-headers': 'authorization' },
        { method },
      );
      assert.equal(answer.status, 401);
      assert.ok(!Object.keys(answer.headers).some((name) => name.startsWith('access-control-')));
    }
    const known = await call({ ...headers, authorization });
    assert.ok(!Object.keys(known.headers).some((name) => name.startsWith('access-control-')));
  });

  it('listens on the loopback interface alone', () => {
    assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('writes only if it is told to', async () => {
    const reading = await serveHttp(opened, { key: KEY, port: 0, canWrite: false });
    try {
      const to = Number(new URL(reading.url).port);
      for (const route of ['/v1/upsert', '/v1/delete']) {
        const how = { to, method: 'POST', route, body: '{"ids":["a"],"rows":[]}' };
        const answer = await call({ host: `localhost:${to}`, authorization }, how);
        assert.deepEqual([answer.status, answer.code], [403, 'ReadOnly']);
      }
      assert.equal(await db.len(), 1);
    } finally {
      await reading.close();
    }
  });
});
