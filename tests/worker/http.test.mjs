// The endpoint as an HTTP service: keys, what it refuses and how, limits, origins, settings.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assets, BINDINGS, buildWorker, Edge, KEY, SECOND_KEY, sha256, workerOptions } from './endpoint.mjs';

const BODY_LIMIT = 64 * 1024;
const JSON_HEADERS = { 'content-type': 'application/json' };

// Settings with which nothing may be served, and the setting that the reply must name.
const MISCONFIGURED = {
  'no key': [{}, 'API_KEY_HASHES'],
  'an empty list of keys': [{ API_KEY_HASHES: ' , ' }, 'API_KEY_HASHES'],
  'a key instead of its hash': [{ API_KEY_HASHES: KEY }, 'API_KEY_HASHES'],
  'one hash cut short': [{ API_KEY_HASHES: `${sha256(KEY)},${sha256(KEY).slice(1)}` }, 'API_KEY_HASHES'],
  'any origin': [{ ...BINDINGS, ALLOWED_ORIGINS: '*' }, 'ALLOWED_ORIGINS'],
  'an origin with a path': [{ ...BINDINGS, ALLOWED_ORIGINS: 'https://app.example/' }, 'ALLOWED_ORIGINS'],
};

let edge;

before(async () => {
  buildWorker();
  const misconfigured = Object.values(MISCONFIGURED).map(([bindings], at) =>
    workerOptions(`misconfigured-${at}`, { bindings }),
  );
  const closed = workerOptions('closed', { bindings: { API_KEY_HASHES: sha256(KEY) } });
  edge = new Edge(workerOptions('main', assets()), closed, ...misconfigured);
  await edge.ready;
});

after(() => edge?.dispose());

/** Asserts problem details as RFC 9457 has them, with the headers of every reply; returns them. */
function isProblem({ status, headers, body }, expectedStatus, code, details) {
  assert.deepEqual([status, body?.code], [expectedStatus, code], body?.detail);
  assert.equal(headers.get('content-type'), 'application/problem+json');
  assert.deepEqual([body.type, body.status], ['about:blank', status]);
  for (const sentence of [body.title, body.detail]) assert.match(sentence, /^\S.*\S$/);
  assert.match(body.detail, /[^.]\.$/);
  assert.deepEqual(body.details, details);
  hasSafeHeaders(headers);
  return body;
}

function hasSafeHeaders(headers) {
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.equal(headers.get('vary'), 'origin');
}

const post = (body, init = {}) =>
  edge.ask('/search', { method: 'POST', body, ...init, headers: { ...JSON_HEADERS, ...init.headers } });

describe('what needs no key', () => {
  it('is GET / in plain text', async () => {
    const { status, headers, text } = await edge.ask('/', { key: null });
    assert.equal(status, 200);
    assert.match(headers.get('content-type'), /^text\/plain/);
    assert.match(text, /POST \/search/);
    hasSafeHeaders(headers);
  });

  it('is GET /health, which says nothing else', async () => {
    const { status, headers, body } = await edge.ask('/health', { key: null });
    assert.equal(status, 200);
    assert.deepEqual(body, { status: 'ok' });
    hasSafeHeaders(headers);
  });

  it('answers HEAD without a body', async () => {
    for (const path of ['/', '/health']) {
      const { status, text } = await edge.ask(path, { method: 'HEAD', key: null });
      assert.deepEqual([status, text], [200, '']);
    }
  });
});

describe('keys', () => {
  it('of the list all open the door, whatever the case of the scheme', async () => {
    for (const key of [KEY, SECOND_KEY]) {
      assert.equal((await edge.search({ text: 'water' }, { key })).status, 200);
    }
    const headers = { authorization: `bearer   ${KEY}` };
    assert.equal((await edge.search({ text: 'water' }, { key: null, headers })).status, 200);
  });

  it('that are missing are asked for', async () => {
    for (const authorization of [
      '',
      'Bearer',
      `Basic ${btoa(`user:${KEY}`)}`,
      KEY,
      `Token ${KEY}`,
      `Bearer ${KEY} x`,
    ]) {
      const reply = await edge.search({ text: 'water' }, { key: null, headers: { authorization } });
      isProblem(reply, 401, 'Unauthorized');
      assert.equal(reply.headers.get('www-authenticate'), 'Bearer realm="annywhere"');
    }
    isProblem(await edge.search({ text: 'water' }, { key: null }), 401, 'Unauthorized');
  });

  it('that are wrong are refused as invalid', async () => {
    for (const key of ['x', `${KEY}x`, KEY.slice(0, -1), KEY.toUpperCase(), sha256(KEY), 'é']) {
      const reply = await edge.search({ text: 'water' }, { key });
      isProblem(reply, 401, 'Unauthorized');
      assert.equal(reply.headers.get('www-authenticate'), 'Bearer realm="annywhere", error="invalid_token"');
    }
  });

  it('are checked before anything that was sent', async () => {
    isProblem(await edge.ask('/search?x=1', { method: 'POST', body: '{', key: 'x' }), 401, 'Unauthorized');
  });

  it('are not taken from the address', async () => {
    isProblem(await edge.search({ text: 'water' }, { key: null }, `/search?key=${KEY}`), 401, 'Unauthorized');
  });
});

describe('addresses', () => {
  it('that do not exist are not found, also those of the files behind the binding', async () => {
    const paths = [
      '/nothing',
      '/search/',
      '//main.test//search',
      '/SEARCH',
      '/__proto__',
      '/index.annw',
      '/table-128.bin',
      '/manifest.json',
    ];
    for (const path of paths) isProblem(await edge.ask(path), 404, 'NotFound');
  });

  it('take no other methods than they name', async () => {
    for (const [path, method, allow] of [
      ['/', 'POST', 'GET, HEAD'],
      ['/health', 'DELETE', 'GET, HEAD'],
      ['/search', 'GET', 'POST'],
      ['/search', 'PUT', 'POST'],
      ['/search', 'OPTIONS', 'POST'],
    ]) {
      const reply = await edge.ask(path, { method });
      isProblem(reply, 405, 'MethodNotAllowed');
      assert.equal(reply.headers.get('allow'), allow);
    }
  });

  it('take no parameters', async () => {
    const reply = await edge.search({ text: 'water' }, {}, '/search?k=3');
    assert.equal(
      isProblem(reply, 400, 'InvalidArgument', reply.body.details).details.argument,
      'The query string',
    );
  });
});

describe('bodies', () => {
  it('must be JSON by their type, in UTF-8 and not compressed', async () => {
    const body = '{"text":"water"}';
    for (const type of [
      'text/plain',
      'application/json5',
      'application/x-www-form-urlencoded',
      'application/json; charset=latin1',
    ]) {
      isProblem(await post(body, { headers: { 'content-type': type } }), 415, 'UnsupportedMediaType');
    }
    isProblem(await post(body, { headers: { 'content-encoding': 'gzip' } }), 415, 'UnsupportedMediaType');
    for (const type of ['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"']) {
      assert.equal((await post(body, { headers: { 'content-type': type } })).status, 200);
    }
  });

  it('must be JSON', async () => {
    const broken = [
      '',
      '{',
      '{"text":"a",}',
      'text',
      "{'text':'a'}",
      '{"text":NaN}',
      Buffer.from([0x22, 0xff, 0x22]),
    ];
    for (const body of broken) isProblem(await post(body), 400, 'InvalidJson');
    isProblem(await post('['.repeat(BODY_LIMIT)), 400, 'InvalidJson');
  });

  it('must be objects', async () => {
    for (const body of [
      '[]',
      'null',
      '"water"',
      '7',
      '[{"text":"water"}]',
      `${'['.repeat(30_000)}${']'.repeat(30_000)}`,
    ]) {
      isProblem(await post(body), 400, 'InvalidArgument', {
        argument: 'body',
        reason: 'must be an object with text or vector',
      });
    }
  });

  it('may have exactly 64 KiB, whether their length is stated or not', async () => {
    const inChunks = (text) => edge.searchInChunks(text.match(/.{1,1000}/g));
    for (const send of [post, inChunks]) {
      assert.equal((await send('{"text":"water"}'.padEnd(BODY_LIMIT))).status, 200);
      const tooLong = await send('{"text":"water"}'.padEnd(BODY_LIMIT + 1));
      isProblem(tooLong, 413, 'TooLarge', { limit: BODY_LIMIT });
    }
  });

  it('that never end are refused while they arrive', async () => {
    const chunks = [' '.repeat(1000), ' '.repeat(BODY_LIMIT - 1000), ' '];
    const reply = await edge.searchInChunks(chunks, { end: false });
    isProblem(reply, 413, 'TooLarge', { limit: BODY_LIMIT });
  });

  it('with fields that are unknown are refused by name', async () => {
    for (const field of ['K', 'limit', 'filter', '__proto__', 'constructor', 'x'.repeat(64)]) {
      isProblem(await post(`{"text":"water","${field}":1}`), 400, 'UnknownField', { field });
    }
    isProblem(await post(`{"${'x'.repeat(1000)}":1}`), 400, 'UnknownField', { field: 'x'.repeat(64) });
  });
});

describe('queries', () => {
  const vector = Array.from({ length: 128 }, (_, at) => Math.sin(at));

  it('have either a text or a vector', async () => {
    for (const query of [{}, { k: 3 }, { text: 'water', vector }]) {
      isProblem(await edge.search(query), 400, 'InvalidArgument', {
        argument: 'body',
        reason: 'must have either text or vector',
      });
    }
    for (const [name, value] of [
      ['text', 7],
      ['text', null],
      ['text', ['water']],
      ['vector', 'water'],
      ['vector', { 0: 1 }],
      ['vector', null],
    ]) {
      const reply = await edge.search({ [name]: value });
      assert.equal(isProblem(reply, 400, 'InvalidArgument', reply.body.details).details.argument, name);
    }
  });

  it('have an integer k from 1 to 100', async () => {
    for (const k of [0, -1, 101, 1.5, '10', null, true, [10], 1e300]) {
      isProblem(await edge.search({ text: 'water', k }), 400, 'InvalidArgument', {
        argument: 'k',
        reason: 'must be an integer from 1 to 100',
      });
    }
  });

  it('have a finite threshold', async () => {
    for (const threshold of ['null', '1e999', '[]', '"0.5"']) {
      const reply = await post(`{"text":"water","threshold":${threshold}}`);
      isProblem(reply, 400, 'InvalidArgument', { argument: 'threshold', reason: 'must be a finite number' });
    }
    assert.equal((await edge.search({ text: 'water', threshold: -2 })).body.hits.length, 10);
  });

  it('with a vector of another length are refused with both lengths', async () => {
    for (const received of [0, 1, 127, 129, 256]) {
      const reply = await edge.search({ vector: Array(received).fill(1) });
      isProblem(reply, 400, 'WrongDimension', { expected: 128, received });
    }
  });

  it('with numbers that are none, or no 32-bit floats, are refused with the place', async () => {
    for (const [number, value] of [
      ['1e999', 'Infinity'],
      ['-1e999', '-Infinity'],
      ['1e39', '1e+39'],
    ]) {
      const reply = await post(`{"vector":[${[1, 2, 3, number, ...vector.slice(4)]}]}`);
      isProblem(reply, 400, 'NotFinite', { component: 3, value });
    }
    for (const component of [null, '1', true, [1]]) {
      const reply = await edge.search({ vector: [component, ...vector.slice(1)] });
      assert.equal(isProblem(reply, 400, 'InvalidArgument', reply.body.details).details.argument, 'vector');
    }
  });

  it('with a vector without direction, or too long, are refused', async () => {
    isProblem(await edge.search({ vector: Array(128).fill(0) }), 400, 'ZeroVector');
    const reply = await edge.search({ vector: Array(128).fill(1e38) });
    isProblem(reply, 400, 'TooLarge', reply.body.details);
  });

  it('with a text without any known word are told so, whatever the text', async () => {
    for (const text of ['', '   ', '\n\t', '\u0000', '🙂🙂', '\ud800']) {
      isProblem(await edge.search({ text }), 422, 'NoKnownWord');
    }
  });

  it('may be a long text', async () => {
    const { status, body } = await edge.search({ text: 'a soldier on horseback. '.repeat(2500) });
    assert.equal(status, 200);
    assert.equal(body.hits[0].metadata.lemmas[0], 'cavalryman');
  });
});

describe('origins', () => {
  const asks = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  };
  const corsOf = (headers) => [...headers.keys()].filter((name) => name.startsWith('access-control'));

  it('that are listed may ask and read, errors too', async () => {
    for (const origin of ['https://app.example', 'https://other.example:8443']) {
      const preflight = await edge.ask('/search', {
        method: 'OPTIONS',
        key: null,
        headers: { origin, ...asks },
      });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers.get('access-control-allow-methods'), 'POST');
      assert.equal(preflight.headers.get('access-control-allow-headers'), 'authorization, content-type');
      const found = await edge.search({ text: 'water' }, { headers: { origin } });
      const refused = await edge.search({ text: 'water' }, { headers: { origin }, key: 'x' });
      assert.deepEqual([found.status, refused.status], [200, 401]);
      for (const { headers } of [preflight, found, refused]) {
        assert.equal(headers.get('access-control-allow-origin'), origin);
        assert.equal(headers.get('access-control-allow-credentials'), null);
        hasSafeHeaders(headers);
      }
    }
  });

  it('that are not listed get nothing that lets a page read', async () => {
    const others = [
      'null',
      'https://app.example.evil.example',
      'http://app.example',
      'https://app.example:444',
      'https://APP.example',
      'https://other.example',
    ];
    for (const origin of others) {
      const preflight = await edge.ask('/search', {
        method: 'OPTIONS',
        key: null,
        headers: { origin, ...asks },
      });
      isProblem(preflight, 405, 'MethodNotAllowed');
      const found = await edge.search({ text: 'water' }, { headers: { origin } });
      for (const { headers } of [preflight, found]) assert.deepEqual(corsOf(headers), []);
    }
  });

  it('are none without the setting', async () => {
    const headers = { origin: 'https://app.example', ...asks };
    const reply = await edge.ask('//closed.test/search', { method: 'OPTIONS', key: null, headers });
    isProblem(reply, 405, 'MethodNotAllowed');
    assert.deepEqual(corsOf(reply.headers), []);
  });
});

describe('settings', () => {
  for (const [at, [name, [, setting]]] of Object.entries(MISCONFIGURED).entries()) {
    it(`with ${name} serve nothing and say which is wrong`, async () => {
      const host = `//misconfigured-${at}.test`;
      for (const reply of [
        await edge.search({ text: 'water' }, {}, `${host}/search`),
        await edge.ask(`${host}/health`, { key: null }),
        await edge.ask(`${host}/`, { key: null }),
      ]) {
        assert.match(isProblem(reply, 500, 'NotConfigured').detail, new RegExp(setting));
      }
    });
  }
});

it('no reply and no line of the log held a key, and no reply a path or a stack', () => {
  assert.ok(edge.replies > 120, String(edge.replies));
  assert.deepEqual(edge.leaks(), []);
  for (const key of [KEY, SECOND_KEY]) assert.ok(!edge.log.includes(key));
});
