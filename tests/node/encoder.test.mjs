// Text to vectors, with the English table of the workspace.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { native, rejects, wasm } from './engines.mjs';

const require = createRequire(import.meta.url);
const tablePath = require.resolve('@annywhere/encoder-en/table.bin');
const table = readFileSync(tablePath);

const dist = path.join(path.dirname(require.resolve('annywhere/package.json')), 'dist');
const embed = await import('annywhere/embed');
// The browsers' entry takes the instance that is there, so no module has to be fetched.
await wasm.init();
const wasmEmbed = await import(pathToFileURL(path.join(dist, 'embed.browser.js')));

it('gives the same bits on both engines', { skip: native ? false : 'no native engine here' }, async () => {
  assert.equal(native.getImplementationType(), 'native');
  const encoders = await Promise.all([embed, wasmEmbed].map((entry) => entry.StaticEncoder.load(table)));
  for (const text of [
    '',
    'fear of heights',
    'naïve café',
    '数学 is 😀',
    'don’t-stop '.repeat(500),
    '\ud800 half',
  ]) {
    assert.deepEqual(encoders[0].encode(text), encoders[1].encode(text), text);
    assert.equal(encoders[0].pieces(text), encoders[1].pieces(text), text);
  }
});

for (const [engine, { StaticEncoder }] of [
  ['the engine of Node', embed],
  ['wasm', wasmEmbed],
]) {
  describe(`the static encoder (${engine})`, () => suite(StaticEncoder, engine !== 'wasm'));
}

function suite(StaticEncoder, readsFiles) {
  it('gives unit vectors, nearer for texts of like meaning', async () => {
    const encoder = await StaticEncoder.load(table);
    assert.equal(encoder.dimensions, 256);
    const dot = (a, b) => a.reduce((sum, component, i) => sum + component * b[i], 0);
    const [kitten, cat, engine] = ['a kitten', 'a small cat', 'diesel engine'].map((text) =>
      encoder.encode(text),
    );
    assert.ok(Math.abs(dot(cat, cat) - 1) < 1e-5);
    assert.ok(dot(kitten, cat) > dot(kitten, engine) + 0.1);
  });

  it('encodes many texts row after row, as one by one', async () => {
    const encoder = await StaticEncoder.load(table, { dimensions: 64 });
    assert.equal(encoder.dimensions, 64);
    const texts = ['', 'one', 'two words', 'größe 鍵 👋', 'x'.repeat(10_000)];
    const vectors = encoder.encodeMany(texts);
    assert.equal(vectors.length, texts.length * 64);
    for (const [row, text] of texts.entries()) {
      assert.deepEqual(vectors.slice(row * 64, (row + 1) * 64), encoder.encode(text));
    }
    assert.deepEqual(encoder.encodeMany([]), new Float32Array());
  });

  it('gives zeros and counts no pieces where it knows none', async () => {
    const encoder = await StaticEncoder.load(table, { dimensions: 64 });
    for (const text of ['', '   ', '\0']) {
      assert.equal(encoder.pieces(text), 0);
      assert.ok(encoder.encode(text).every((component) => component === 0));
    }
    assert.ok(encoder.pieces('three small words') >= 3);
  });

  it('reads a table from bytes, a path, a URL and a response', async () => {
    const expected = (await StaticEncoder.load(table)).encode('text');
    const files = [tablePath, pathToFileURL(tablePath), pathToFileURL(tablePath).href];
    const small = await StaticEncoder.load(table, { dimensions: 64 });
    assert.notDeepEqual(small.encode('text'), expected);
    const memory = [new Uint8Array(table), new Uint8Array(table).buffer, new Response(table)];
    const address = new URL(`data:application/octet-stream;base64,${table.toString('base64')}`);
    const sources = [...memory, ...(readsFiles ? files : [address, address.href])];
    for (const source of sources) {
      assert.deepEqual((await StaticEncoder.load(source)).encode('text'), expected);
    }
  });

  it('refuses what is no table, and other dimensions than the table has', async () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(500), table.subarray(0, 1000)]) {
      await rejects(StaticEncoder.load(bytes), 'Corrupt', { section: 'encoder table' });
    }
    const flipped = Buffer.from(table);
    flipped[flipped.length >> 1] ^= 1;
    await rejects(StaticEncoder.load(flipped), 'Corrupt');
    for (const dimensions of [0, -64, 63, 65, 320, 1.5, '64', null]) {
      await rejects(StaticEncoder.load(table, { dimensions }), 'InvalidOption', { option: 'dimensions' });
    }
    await rejects(StaticEncoder.load(table, { dimension: 64 }), 'InvalidOption', { option: 'dimension' });
    await rejects(StaticEncoder.load('no/such/file'), 'Io');
    await rejects(StaticEncoder.load(new Response('', { status: 404 })), 'Io', { reason: /404/ });
    for (const source of [undefined, null, 7, {}])
      await rejects(StaticEncoder.load(source), 'InvalidArgument');
    const encoder = await StaticEncoder.load(table, { dimensions: 64 });
    for (const text of [undefined, null, 7, ['a']]) {
      await rejects(() => encoder.encode(text), 'InvalidArgument', { argument: 'text' });
      await rejects(() => encoder.pieces(text), 'InvalidArgument', { argument: 'text' });
    }
    await rejects(() => encoder.encodeMany(['a', 7]), 'InvalidArgument', { argument: 'texts[1]' });
    await rejects(() => encoder.encodeMany('ab'), 'InvalidArgument', { argument: 'texts' });
  });
}
