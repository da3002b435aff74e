// What the endpoint finds, with the real index in workerd.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asset, assets, buildWorker, Edge, manifest, sha256, workerOptions } from './endpoint.mjs';

// Queries and the word that the first three hits must hold. The index has one of six WordNet synsets.
const EXPECTED = [
  ['a person who loves books', 'bibliophile'],
  ['a soldier on horseback', 'cavalryman'],
  ['someone who draws maps', 'cartographer'],
  ['a shop that sells medicines', 'pharmacy'],
  ['money given to a waiter for good service', 'gratuity'],
  ['a woman whose husband has died', 'widow'],
  ['mountain that spits fire and lava', 'volcano'],
  ['government by a few rich people', 'oligarchy'],
  ['to make something bigger', 'enlarge'],
  ['unable to sleep at night', 'insomniac'],
];

// More texts, for comparisons that need no expectation.
const TEXTS = [
  ...EXPECTED.map(([text]) => text),
  'a feeling of great happiness',
  'the study of old civilisations',
  'a tool for cutting wood',
  'belief in one god',
  'to speak in a low voice',
  'light from the moon',
  'Anopheles',
  'naïve café — ÜBER 3.14',
];

let edge;

before(async () => {
  buildWorker();
  edge = new Edge(workerOptions('main', assets()));
  await edge.ready;
});

after(() => edge?.dispose());

describe('search by text', () => {
  for (const [text, word] of EXPECTED) {
    it(`finds "${word}" for "${text}"`, async () => {
      const { status, body } = await edge.search({ text, k: 3 });
      assert.equal(status, 200);
      const lemmas = body.hits.map((hit) => hit.metadata.lemmas);
      assert.ok(lemmas.flat().includes(word), JSON.stringify(lemmas));
    });
  }

  it('answers with hits, their metadata, and what they were found in', async () => {
    const { status, headers, body } = await edge.search({ text: 'a person who loves books' });
    assert.equal(status, 200);
    assert.equal(headers.get('content-type'), 'application/json');
    assert.deepEqual(Object.keys(body), ['hits', 'k', 'engine', 'generation', 'rows']);
    assert.deepEqual(
      { ...body, hits: 0 },
      {
        hits: 0,
        k: 10,
        engine: 'wasm',
        generation: sha256(asset('index.annw')),
        rows: 20_000,
      },
    );
    assert.equal(body.hits.length, 10);
    for (const [rank, hit] of body.hits.entries()) {
      assert.deepEqual(Object.keys(hit), ['id', 'score', 'distance', 'metadata']);
      assert.deepEqual(Object.keys(hit.metadata), ['lemmas', 'partOfSpeech', 'definition']);
      assert.ok(rank === 0 || hit.score <= body.hits[rank - 1].score, 'best first');
    }
  });

  it('returns k hits for every k from 1 to 100', async () => {
    for (const k of [1, 2, 10, 99, 100]) {
      const { body } = await edge.search({ text: 'water', k });
      assert.equal(body.k, k);
      assert.equal(new Set(body.hits.map(({ id }) => id)).size, k);
    }
  });

  it('cuts at the threshold, also everything', async () => {
    const { hits } = (await edge.search({ text: 'a soldier on horseback', k: 20 })).body;
    const threshold = hits[7].score;
    const cut = (await edge.search({ text: 'a soldier on horseback', k: 20, threshold })).body.hits;
    assert.deepEqual(
      cut,
      hits.filter(({ score }) => score >= threshold),
    );
    assert.ok(cut.length >= 8 && cut.length < 20, String(cut.length));
    assert.deepEqual((await edge.search({ text: 'a soldier on horseback', threshold: 1.5 })).body.hits, []);
  });
});

describe('the same index in Node', () => {
  for (const entry of ['annywhere', 'annywhere/wasm']) {
    it(`gives the same hits bit for bit with ${entry}, by text and by vector`, async () => {
      const { VectorDb, getImplementationType } = await import(entry);
      const { StaticEncoder } = await import('annywhere/embed');
      const { dimensions } = manifest();
      const db = new VectorDb({ dimensions });
      await db.load(asset('index.annw'));
      const encoder = await StaticEncoder.load(asset('table-128.bin'), { dimensions });
      for (const text of TEXTS) {
        const vector = encoder.encode(text);
        const expected = await db.search({ vector, k: 25 });
        assert.equal(expected.length, 25);
        // JSON writes a number so that reading it gives the same bits.
        assert.deepEqual((await edge.search({ text, k: 25 })).body.hits, expected, text);
        assert.deepEqual((await edge.search({ vector: [...vector], k: 25 })).body.hits, expected, text);
      }
      console.log(
        `${TEXTS.length} texts, ${25 * TEXTS.length} hits: workerd (wasm) and Node (${getImplementationType()}) agree`,
      );
      await db.close();
    });
  }

  it('has the rows that the manifest says, found by their own vectors', async () => {
    const { VectorDb } = await import('annywhere');
    const { rows, dimensions } = manifest();
    const db = new VectorDb({ dimensions });
    await db.load(asset('index.annw'));
    assert.equal(await db.len(), rows);
    const seen = (await edge.search({ text: 'river', k: 100 })).body.hits;
    for (const { id, metadata } of seen.slice(0, 20)) {
      const row = await db.get(id);
      assert.deepEqual(row.metadata, metadata);
      const [first] = (await edge.search({ vector: [...row.vector], k: 1 })).body.hits;
      assert.equal(first.id, id);
    }
    await db.close();
  });
});

describe('time', () => {
  it('of a search, seen from outside', async () => {
    const times = [];
    for (let round = 0; round < 50; round++) {
      const text = TEXTS[round % TEXTS.length];
      const begin = performance.now();
      const { status } = await edge.search({ text });
      times.push(performance.now() - begin);
      assert.equal(status, 200);
    }
    times.sort((a, b) => a - b);
    const at = (share) => `${times[Math.floor(share * times.length)].toFixed(1)} ms`;
    console.log(`one search over loopback: median ${at(0.5)}, 90 % ${at(0.9)}, least ${at(0)}`);
  });
});

it('no reply held a key, a path or a stack', () => {
  assert.ok(edge.replies > 80);
  assert.deepEqual(edge.leaks(), []);
});
