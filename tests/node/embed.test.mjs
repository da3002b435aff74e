// Embedders: over HTTP from a server of this machine that speaks OpenAI's protocol, static, paired, by a model, cached.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  agreeOnContract,
  cachedEmbedder,
  folderStore,
  httpEmbedder,
  normalize,
  pairedEmbedder,
  projectedEmbedder,
  StaticEncoder,
  staticEmbedder,
  transformersEmbedder,
} from 'annywhere/embed';
import { minilmEmbedder } from '../data/minilm.mjs';
import { titles } from '../data/titles.mjs';
import { rejects } from './engines.mjs';

const DIMENSIONS = 4;
/** Tells texts apart, and is of length 1. */
const vectorOf = (text) => {
  const vector = [text.length, text.charCodeAt(0) || 0, text.charCodeAt(1) || 0, 1];
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
};
const close = (a, b) =>
  assert.ok(
    a.every((value, i) => Math.abs(value - b[i]) < 1e-6),
    `${a} is not ${b}`,
  );

describe('embeddings over HTTP', () => {
  let server;
  let url;
  /** What the server was asked, and answers to come before right ones: `[status, headers, body]`. */
  let asked;
  let answers;

  before(async () => {
    server = createServer(async (request, response) => {
      let text = '';
      for await (const part of request) text += part;
      const body = JSON.parse(text);
      asked.push({ body, authorization: request.headers.authorization, at: performance.now() });
      const answer = answers.shift();
      if (answer === 'drop') return request.socket.destroy();
      if (answer === 'wait') return undefined;
      if (answer) {
        response.writeHead(answer[0], answer[1] ?? {});
        return response.end(answer[2] ?? '{"error":{"message":"not now"}}');
      }
      const data = body.input.map((input, index) => ({
        object: 'embedding',
        index,
        embedding: vectorOf(input),
      }));
      response.writeHead(200, { 'content-type': 'application/json' });
      // Not in the order of the texts: the index counts.
      return response.end(JSON.stringify({ object: 'list', model: body.model, data: data.reverse() }));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${server.address().port}/v1/embeddings`;
  });
  beforeEach(() => {
    asked = [];
    answers = [];
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const embedder = (options = {}) =>
    httpEmbedder({
      url,
      model: 'small',
      dimensions: DIMENSIONS,
      apiKey: 'secret-key',
      retryMs: 2,
      ...options,
    });

  it('come in the order of the texts, and the server is asked for model and dimensions', async () => {
    const vectors = await embedder().embed(['one', 'two', 'three']);
    assert.equal(vectors.length, 3);
    for (const [i, text] of ['one', 'two', 'three'].entries()) close(vectors[i], vectorOf(text));
    assert.equal(asked.length, 1);
    assert.deepEqual(asked[0].body, {
      model: 'small',
      input: ['one', 'two', 'three'],
      encoding_format: 'float',
      dimensions: DIMENSIONS,
    });
    assert.equal(asked[0].authorization, 'Bearer secret-key');
    await embedder({ sendDimensions: false }).embed(['x']);
    assert.equal('dimensions' in asked[1].body, false);
    assert.deepEqual(await embedder().embed([]), []);
    assert.equal(asked.length, 2);
  });

  it('go in several requests by count and by tokens', async () => {
    const texts = Array.from({ length: 2500 }, (_, i) => `text ${i}`);
    const vectors = await embedder().embed(texts);
    assert.deepEqual(
      asked.map(({ body }) => body.input.length),
      [2048, 452],
    );
    close(vectors[2499], vectorOf('text 2499'));
    asked.length = 0;
    await embedder({ maxTexts: 3 }).embed(texts.slice(0, 7));
    assert.deepEqual(
      asked.map(({ body }) => body.input.length),
      [3, 3, 1],
    );
    asked.length = 0;
    const countTokens = (text) => text.length;
    await embedder({ maxTokens: 10, countTokens }).embed(['aaaa', 'bbbb', 'cccc', 'd'.repeat(50), 'e']);
    assert.deepEqual(
      asked.map(({ body }) => body.input.length),
      [2, 1, 1, 1],
    );
    asked.length = 0;
    await embedder({ maxTokens: 2 }).embed(['aaaa', 'bbbb', 'ü'.repeat(4)]);
    assert.deepEqual(
      asked.map(({ body }) => body.input.length),
      [2, 1],
      'four bytes are a token by default',
    );
  });

  it('are asked for again after 429, 5xx and broken connections, with pauses that grow', async () => {
    answers = [[429], [503], 'drop', [500]];
    const [vector] = await embedder({ retryMs: 20 }).embed(['again']);
    close(vector, vectorOf('again'));
    assert.equal(asked.length, 5);
    const pauses = asked.slice(1).map(({ at }, i) => at - asked[i].at);
    for (const [i, pause] of pauses.entries()) assert.ok(pause >= 19 * 2 ** i, `pause ${i}: ${pause} ms`);
  });

  it('wait as long as the server says, and no longer than allowed', async () => {
    answers = [
      [429, { 'retry-after': '0.15' }],
      [429, { 'retry-after': '3600' }],
    ];
    await embedder({ maxRetryMs: 200 }).embed(['x']);
    assert.ok(asked[1].at - asked[0].at >= 149);
    assert.ok(asked[2].at - asked[1].at >= 199 && asked[2].at - asked[1].at < 5000);
  });

  it('end after the last try, and at once for what will not get better; no error names the key', async () => {
    answers = Array(10).fill([500]);
    const error = await rejects(embedder({ retries: 2 }).embed(['x']), 'Io', { operation: 'embed' });
    assert.match(error.message, /status 500.*after 3 tries/);
    assert.equal(asked.length, 3);
    answers = [[401, {}, '{"error":{"message":"bad key"}}']];
    asked.length = 0;
    const refused = await rejects(embedder().embed(['x']), 'Io', { reason: /status 401.*bad key/ });
    assert.equal(asked.length, 1);
    for (const { message, stack, details } of [error, refused]) {
      assert.doesNotMatch(`${message}${stack}${JSON.stringify(details)}`, /secret-key/);
    }
  });

  it('are given up in time, by a signal or by the time-out', async () => {
    answers = ['wait'];
    const begin = performance.now();
    const signal = AbortSignal.timeout(30);
    await rejects(embedder().embed(['x'], { signal }), 'Aborted');
    answers = [[503, { 'retry-after': '60' }]];
    await rejects(
      embedder({ maxRetryMs: 60_000 }).embed(['x'], { signal: AbortSignal.timeout(30) }),
      'Aborted',
    );
    answers = ['wait', 'wait'];
    await rejects(embedder({ timeoutMs: 30, retries: 1 }).embed(['x']), 'Io', { reason: /after 2 tries/ });
    assert.ok(performance.now() - begin < 5000);
  });

  it('answers that are not what was asked for are errors', async () => {
    const data = (items) => [200, {}, JSON.stringify({ data: items })];
    const right = { index: 0, embedding: [1, 2, 3, 4] };
    for (const [answer, reason] of [
      [[200, {}, 'hello'], /not JSON/],
      [[200, {}, '{}'], /no data/],
      [data([]), /0 vectors for 1/],
      [data([{ index: 1, embedding: [1, 2, 3, 4] }]), /index 1/],
      [data([{ index: 0 }]), /no numbers/],
      [data([{ index: 0, embedding: [1, 2, 3, null] }]), /not finite/],
    ]) {
      answers = [answer];
      await rejects(embedder().embed(['x']), 'Io', { reason });
    }
    answers = [data([right, right])];
    await rejects(embedder().embed(['x', 'y']), 'Io', { reason: /index 0 twice/ });
    answers = [data([{ index: 0, embedding: [1, 2] }])];
    await rejects(embedder().embed(['x']), 'WrongDimension', { expected: 4, received: 2 });
  });

  it('have length 1 and their prefixes', async () => {
    answers = [[200, {}, JSON.stringify({ data: [{ index: 0, embedding: [3, 0, 4, 0] }] })]];
    const prefixed = embedder({ prefix: 'passage: ', queryPrefix: 'query: ' });
    close((await prefixed.embed(['a']))[0], [0.6, 0, 0.8, 0]);
    await prefixed.embed(['b'], { purpose: 'query' });
    assert.deepEqual(
      asked.map(({ body }) => body.input[0]),
      ['passage: a', 'query: b'],
    );
    assert.equal(prefixed.contract.prefix, 'passage: ');
  });

  it('options are checked', async () => {
    await rejects(() => embedder({ dimensions: 0 }), 'InvalidOption', { option: 'dimensions' });
    await rejects(() => embedder({ model: '' }), 'InvalidOption', { option: 'model' });
    await rejects(() => embedder({ maxText: 1 }), 'InvalidOption', { reason: /did you mean maxTexts/ });
    await rejects(embedder().embed(['a', 1]), 'InvalidArgument', { argument: 'texts[1]' });
  });
});

describe('a cached embedder', () => {
  let calls;
  beforeEach(() => {
    calls = [];
  });
  const slow = (contract = {}) => ({
    contract: { model: 'm', dimensions: DIMENSIONS, normalized: true, ...contract },
    async embed(texts, options) {
      calls.push([...texts]);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (texts.includes('fail')) throw new Error('no');
      return texts.map((text) => Float32Array.from(vectorOf((options?.purpose ?? '') + text)));
    },
  });

  it('embeds a text once, also within a batch and for calls at the same time', async () => {
    const cache = cachedEmbedder(slow());
    const both = await Promise.all([cache.embed(['a', 'b', 'a']), cache.embed(['b', 'c'])]);
    assert.deepEqual(calls, [['a', 'b'], ['c']]);
    assert.deepEqual(both[0][0], both[0][2]);
    assert.deepEqual(both[0][1], both[1][0]);
    await cache.embed(['a', 'b', 'c']);
    assert.equal(calls.length, 2);
    assert.deepEqual(cache.stats(), { entries: 3, hits: 3, misses: 3, shared: 1, stored: 0 });
  });

  it('gives copies: what a caller does to a vector stays with the caller', async () => {
    const cache = cachedEmbedder(slow());
    const [first, same] = await cache.embed(['a', 'a']);
    const right = Float32Array.from(first);
    first.fill(9);
    assert.deepEqual(same, right);
    assert.deepEqual((await cache.embed(['a']))[0], right);
  });

  it('holds no more than it may, and forgets the least recently used first', async () => {
    const cache = cachedEmbedder(slow(), { maxEntries: 3 });
    await cache.embed(['a', 'b', 'c']);
    await cache.embed(['a']);
    await cache.embed(['d']);
    assert.equal(cache.stats().entries, 3);
    calls.length = 0;
    await cache.embed(['a', 'c', 'd']);
    assert.deepEqual(calls, []);
    await cache.embed(['b']);
    assert.deepEqual(calls, [['b']]);
    await cache.embed(Array.from({ length: 500 }, (_, i) => `many ${i}`));
    assert.equal(cache.stats().entries, 3);
  });

  it('uses a vector for its time and no longer', async () => {
    let time = 0;
    const cache = cachedEmbedder(slow(), { ttlMs: 1000, now: () => time });
    await cache.embed(['a']);
    time = 999;
    await cache.embed(['a']);
    assert.equal(calls.length, 1);
    time = 1000;
    await cache.embed(['a']);
    assert.equal(calls.length, 2);
  });

  it('tells queries from documents, and after a failure asks again', async () => {
    const cache = cachedEmbedder(slow());
    await cache.embed(['a'], { purpose: 'query' });
    await cache.embed(['a'], { purpose: 'document' });
    assert.equal(calls.length, 2);
    await assert.rejects(Promise.all([cache.embed(['fail']), cache.embed(['fail'])]), /no/);
    await assert.rejects(cache.embed(['fail']), /no/);
    assert.equal(calls.length, 4);
  });

  it('keeps vectors in a folder, by model and dimensions, whole or not at all', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'annywhere-cache-'));
    try {
      const errors = [];
      const options = {
        store: folderStore(path.join(folder, 'deep')),
        onError: (error) => errors.push(error),
      };
      const [vector] = await cachedEmbedder(slow(), options).embed(['a']);
      const files = async (count = 1) => {
        for (let tries = 0; tries < 100; tries++) {
          const names = existsSync(path.join(folder, 'deep')) ? readdirSync(path.join(folder, 'deep')) : [];
          if (names.length >= count && names.every((name) => /^[0-9a-f]{64}$/.test(name))) return names;
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        assert.fail('the file was not written');
      };
      const [file] = await files();
      const again = cachedEmbedder(slow(), options);
      assert.deepEqual((await again.embed(['a']))[0], vector);
      assert.equal(again.stats().stored, 1);
      assert.equal(calls.length, 1);
      await cachedEmbedder(slow({ model: 'n' }), options).embed(['a']);
      await cachedEmbedder(slow({ version: '2' }), options).embed(['a']);
      await cachedEmbedder(slow({ dimensions: DIMENSIONS / 2 }), options).embed(['a']);
      assert.equal(calls.length, 4, 'another model, version or number of dimensions has other vectors');
      assert.equal((await files(4)).length, 4);
      writeFileSync(
        path.join(folder, 'deep', file),
        readFileSync(path.join(folder, 'deep', file)).subarray(0, 7),
      );
      assert.deepEqual((await cachedEmbedder(slow(), options).embed(['a']))[0], vector);
      assert.equal(calls.length, 5, 'half a file is not used');
      assert.deepEqual(errors, []);
    } finally {
      await new Promise((resolve) => setTimeout(resolve, 50));
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('works on when its store does not', async () => {
    const errors = [];
    const store = {
      get: async () => Promise.reject(new Error('get')),
      set: async () => Promise.reject(new Error('set')),
    };
    const cache = cachedEmbedder(slow(), { store, onError: (error) => errors.push(error.message) });
    assert.equal((await cache.embed(['a'])).length, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(errors, ['get', 'set']);
  });
});

describe('documents by MiniLM and queries by the static table', () => {
  const table = readFileSync(createRequire(import.meta.url).resolve('@annywhere/encoder-en/table.bin'));

  it('are in one space: synopses find their own titles', async () => {
    const quick = staticEmbedder({ encoder: await StaticEncoder.load(table) });
    const both = pairedEmbedder(projectedEmbedder(minilmEmbedder(), table), quick);
    assert.equal(both.contract.dimensions, 256);
    const some = titles().slice(0, 100);
    const documents = await both.embed(some.map(({ title, overview }) => `${title}: ${overview}`));
    const queries = await both.embed(
      some.map(({ overview }) => overview),
      { purpose: 'query' },
    );
    const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
    for (const vector of documents) assert.ok(Math.abs(dot(vector, vector) - 1) < 1e-5);
    const right = queries.filter((query, i) => {
      const scores = documents.map((document) => dot(query, document));
      return scores[i] === Math.max(...scores);
    });
    assert.ok(right.length >= 90, `${right.length} of 100`);
  });

  it('shorter vectors are the first dimensions, and wrong tables are refused', async () => {
    const teacher = minilmEmbedder();
    const text = `${titles()[0].title}: ${titles()[0].overview}`;
    const [long] = await projectedEmbedder(teacher, table).embed([text]);
    const [short] = await projectedEmbedder(teacher, table, 128).embed([text]);
    const scale = Math.hypot(...long.subarray(0, 128));
    close(
      [...short],
      [...long.subarray(0, 128)].map((value) => value / scale),
    );
    await rejects(() => projectedEmbedder(teacher, table.subarray(0, 1000)), 'InvalidArgument', {
      argument: 'table',
    });
    await rejects(() => projectedEmbedder(teacher, table, 500), 'InvalidOption', { option: 'dimensions' });
    const other = { ...teacher, contract: { ...teacher.contract, dimensions: 768 } };
    await rejects(() => projectedEmbedder(other, table), 'WrongDimension', { expected: 384, received: 768 });
    const quick = staticEmbedder({ encoder: { dimensions: 64, encode: () => new Float32Array(64) } });
    await rejects(() => pairedEmbedder(teacher, quick), 'WrongDimension');
  });
});

describe('a sentence model', () => {
  const extractor = async (texts, options) => {
    assert.deepEqual(options, { pooling: 'mean', normalize: true });
    return { data: Float32Array.from(texts.flatMap(vectorOf)), dims: [texts.length, DIMENSIONS] };
  };

  it('is given batches, with the prefixes of queries and documents', async () => {
    const sizes = [];
    const counting = (texts, options) => {
      sizes.push(texts.length);
      return extractor(texts, options);
    };
    const options = {
      extractor: Promise.resolve(counting),
      model: 'mini',
      dimensions: DIMENSIONS,
      batchSize: 2,
    };
    const embedder = transformersEmbedder({ ...options, queryPrefix: 'q:' });
    const vectors = await embedder.embed(['a', 'bb', 'ccc']);
    assert.deepEqual(sizes, [2, 1]);
    close(vectors[2], vectorOf('ccc'));
    close((await embedder.embed(['a'], { purpose: 'query' }))[0], vectorOf('q:a'));
    await rejects(transformersEmbedder({ ...options, dimensions: 8 }).embed(['a']), 'WrongDimension');
  });
});

it('vectors are brought to length 1, and zeros stay zeros', () => {
  close(normalize(Float32Array.of(3, 4)), [0.6, 0.8]);
  assert.deepEqual(normalize(new Float32Array(3)), new Float32Array(3));
});

it('contracts that differ are refused with the first difference', async () => {
  const contract = { model: 'a', dimensions: 4, normalized: true };
  agreeOnContract(contract, { ...contract });
  await rejects(() => agreeOnContract(contract, { ...contract, model: 'b' }), 'Mismatch', {
    option: 'embedding.model',
    expected: 'a',
    received: 'b',
  });
  await rejects(() => agreeOnContract(contract, { ...contract, prefix: 'x' }), 'Mismatch', {
    expected: 'none',
  });
});
