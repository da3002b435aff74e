// The adapters under sub-paths: a LangChain vector store, and an index with the methods of Vectorize's binding.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeEmbeddings } from '@langchain/core/utils/testing';
import { aiSdkEmbedder } from 'annywhere/ai-sdk';
import { AnnywhereVectorStore } from 'annywhere/langchain';
import { LocalVectorize } from 'annywhere/vectorize';
import { onEveryEngine, rejects } from './engines.mjs';

/** Each known word is a dimension, so that texts with the same words are near. */
const WORDS = ['cat', 'dog', 'bread', 'cake', 'football', 'tennis'];
class WordEmbeddings extends FakeEmbeddings {
  async embedQuery(text) {
    return WORDS.map((word) => (text.includes(word) ? 1 : 0.01));
  }

  async embedDocuments(texts) {
    return Promise.all(texts.map((text) => this.embedQuery(text)));
  }
}

const DOCUMENTS = [
  { id: 'd1', pageContent: 'a cat and a dog', metadata: { kind: 'animals', year: 1999 } },
  { id: 'd2', pageContent: 'bread and cake', metadata: { kind: 'food', year: 2005 } },
  { id: 'd3', pageContent: 'football and tennis', metadata: { kind: 'sport', year: 2010 } },
  { id: 'd4', pageContent: 'a dog', metadata: { kind: 'animals', year: 2015 } },
];

onEveryEngine('the LangChain store', ({ VectorDb }) => {
  const open = (options) =>
    AnnywhereVectorStore.fromDocuments(DOCUMENTS, new WordEmbeddings(), {
      db: new VectorDb({ dimensions: WORDS.length }),
      ...options,
    });

  it('finds documents by text, with scores, ids and metadata', async () => {
    const store = await open();
    const [best, second] = await store.similaritySearch('my dog', 2);
    assert.deepEqual({ ...best }, { ...DOCUMENTS[3] });
    assert.equal(second.id, 'd1');
    const scored = await store.similaritySearchWithScore('my dog', 4);
    assert.deepEqual(
      scored.map(([, score]) => score),
      scored.map(([, score]) => score).sort((a, b) => b - a),
    );
    assert.equal((await store.asRetriever({ k: 3 }).invoke('cake'))[0].id, 'd2');
  });

  it('adds, replaces and deletes by id, and makes ids where there are none', async () => {
    const store = await open();
    const [id] = await store.addDocuments([{ pageContent: 'tennis', metadata: {} }]);
    assert.match(id, /^[0-9a-f-]{36}$/);
    await store.addDocuments([{ pageContent: 'cake', metadata: { now: true } }], { ids: ['d1'] });
    assert.equal(await store.db.len(), 5);
    const [cake] = await store.similaritySearch('cake', 1);
    assert.deepEqual([cake.id, cake.pageContent, cake.metadata], ['d1', 'cake', { now: true }]);
    await store.delete({ ids: ['d1', id] });
    assert.equal(await store.db.len(), 3);
    await rejects(store.addVectors([[1, 2, 3, 4, 5, 6]], []), 'InvalidArgument');
  });

  it('spreads its answers by maximal marginal relevance', async () => {
    const store = await open();
    const found = await store.maxMarginalRelevanceSearch('dog', { k: 3, fetchK: 4, lambda: 0.1 });
    assert.deepEqual([found.length, found[0].id], [3, 'd4']);
    assert.notEqual(found[1].id, 'd1', 'the nearly equal one does not come second');
  });

  it('takes filters of the database in every search, and refuses others', async () => {
    const store = await open();
    const ids = (documents) => documents.map(({ id }) => id);
    const filter = { $or: [{ kind: 'food' }, { year: { $gte: 2015 } }] };
    assert.deepEqual(ids(await store.similaritySearch('my dog', 4, filter)), ['d4', 'd2']);
    assert.deepEqual(ids(await store.similaritySearch('my dog', 1, { kind: 'sport' })), ['d3']);
    const spread = await store.maxMarginalRelevanceSearch('dog', { k: 4, filter: { kind: 'animals' } });
    assert.deepEqual(ids(spread).sort(), ['d1', 'd4']);
    const retriever = store.asRetriever({ k: 4, filter: { kind: { $ne: 'animals' } } });
    assert.deepEqual(ids(await retriever.invoke('cake')), ['d2', 'd3']);
    // A filter of the call comes before that of the store.
    const narrowed = await open({ search: { filter: { kind: 'food' } } });
    assert.deepEqual(ids(await narrowed.similaritySearch('dog', 4)), ['d2']);
    assert.deepEqual(ids(await narrowed.similaritySearch('dog', 4, { kind: 'sport' })), ['d3']);
    await rejects(store.similaritySearch('dog', 4, { kind: { $near: 1 } }), 'InvalidFilter');
    await rejects(
      store.similaritySearch('dog', 4, () => true),
      'InvalidFilter',
    );
  });

  it('keeps the text under another name, and comes from texts', async () => {
    const texts = ['a cat', 'bread'];
    const store = await AnnywhereVectorStore.fromTexts(texts, [{ n: 0 }, { n: 1 }], new WordEmbeddings(), {
      db: new VectorDb({ dimensions: WORDS.length }),
      textKey: 'text',
      search: { exact: true },
    });
    const [hit] = await store.db.search({ vector: await store.embeddings.embedQuery('bread') });
    assert.deepEqual(hit.metadata, { n: 1, text: 'bread' });
    const [document] = await store.similaritySearch('bread', 1);
    assert.deepEqual([document.pageContent, document.metadata], ['bread', { n: 1 }]);
  });
});

onEveryEngine('the local Vectorize index', ({ VectorDb }) => {
  const vectors = [
    { id: 'a', values: [1, 0], metadata: { kind: 'x', year: 1990, deep: { n: 1 } }, namespace: 'one' },
    { id: 'b', values: [0.9, 0.1], metadata: { kind: 'y', year: 2000 }, namespace: 'one' },
    { id: 'c', values: [0.5, 0.5], metadata: { kind: 'x', year: 2010 }, namespace: 'two' },
    { id: 'd', values: [0, 1] },
  ];
  async function open(options = {}, limits) {
    const index = new LocalVectorize(new VectorDb({ dimensions: 2, ...options }), limits);
    await index.insert(vectors);
    return index;
  }
  const ids = ({ matches }) => matches.map((match) => match.id);

  it('answers as the binding does', async () => {
    const index = await open();
    const all = await index.query([1, 0]);
    assert.deepEqual(
      [ids(all), all.count, Object.keys(all.matches[0])],
      [['a', 'b', 'c', 'd'], 4, ['id', 'score', 'namespace']],
    );
    const [full] = (await index.query([1, 0], { topK: 1, returnValues: true, returnMetadata: 'all' }))
      .matches;
    assert.deepEqual(full, {
      id: 'a',
      score: 1,
      values: [1, 0],
      namespace: 'one',
      metadata: vectors[0].metadata,
    });
    assert.deepEqual(ids(await index.queryById('d', { topK: 1 })), ['d']);
    await rejects(index.queryById('nobody'), 'InvalidArgument');
    assert.deepEqual((await index.getByIds(['c', 'nobody']))[0], vectors[2]);
    const { vectorCount, dimensions } = await index.describe();
    assert.deepEqual([vectorCount, dimensions], [4, 2]);
  });

  it('filters by namespace and metadata, and finds topK even if few pass', async () => {
    const index = await open();
    const find = async (filter, more) => ids(await index.query([1, 0], { filter, ...more }));
    assert.deepEqual(await find(undefined, { namespace: 'one' }), ['a', 'b']);
    assert.deepEqual(await find({ kind: 'x' }), ['a', 'c']);
    assert.deepEqual(await find({ kind: { $ne: 'x' } }), ['b', 'd']);
    assert.deepEqual(await find({ kind: { $in: ['y', 'z'] } }), ['b']);
    assert.deepEqual(await find({ kind: { $nin: ['y'] } }), ['a', 'c', 'd']);
    assert.deepEqual(await find({ year: { $gte: 2000, $lt: 2010 } }), ['b']);
    assert.deepEqual(await find({ year: { $gt: 2000 } }, { topK: 1 }), ['c']);
    assert.deepEqual(await find({ year: { $lte: '2000' } }), [], 'a text is no number');
    assert.deepEqual(await find({ 'deep.n': 1 }), ['a']);
    await rejects(find({ year: { $near: 1 } }), 'InvalidArgument');
  });

  it('inserts what is new, upserts everything, deletes by id', async () => {
    const index = await open();
    await index.insert([
      { id: 'a', values: [0, 1] },
      { id: 'new', values: [1, 1] },
    ]);
    assert.deepEqual((await index.getByIds(['a']))[0].values, [1, 0]);
    const { mutationId } = await index.upsert([{ id: 'a', values: [0, 1] }]);
    assert.ok(mutationId);
    assert.deepEqual((await index.getByIds(['a']))[0], { id: 'a', values: [0, 1] });
    await index.deleteByIds(['a', 'nobody']);
    assert.equal((await index.describe()).vectorCount, 4);
  });

  it('scores as the service does for each metric', async () => {
    const score = async (distanceMetric) =>
      (await (await open({ distanceMetric })).query([3, 0], { topK: 1 })).matches[0].score;
    assert.deepEqual([await score('cosine'), await score('euclidean'), await score('dot')], [1, 2, -3]);
  });

  it('keeps to the limits of the service unless told otherwise', async () => {
    const index = await open();
    await rejects(index.query([1, 0], { topK: 101 }), 'InvalidArgument');
    await rejects(index.query([1, 0], { topK: 21, returnMetadata: true }), 'InvalidArgument');
    await rejects(index.upsert([{ id: 'x'.repeat(65), values: [1, 0] }]), 'InvalidArgument');
    const metadata = { text: 'x'.repeat(10_300) };
    await rejects(index.upsert([{ id: 'x', values: [1, 0], metadata }]), 'InvalidArgument');
    const free = await open({}, { limits: false });
    assert.equal((await free.query([1, 0], { topK: 1000, returnMetadata: 'all' })).count, 4);
  });
});

it('an embedding model of the AI SDK is an embedder', async () => {
  const calls = [];
  const model = {
    provider: 'acme',
    modelId: 'small',
    maxEmbeddingsPerCall: Promise.resolve(2),
    async doEmbed({ values }) {
      calls.push(values);
      return { embeddings: values.map((text) => [3 * text.length, 4 * text.length]) };
    },
  };
  const embedder = aiSdkEmbedder({ model, dimensions: 2, prefix: 'd:', queryPrefix: 'q:' });
  const contract = { model: 'acme/small', dimensions: 2, normalized: true, prefix: 'd:' };
  assert.deepEqual(embedder.contract, contract);
  const vectors = await embedder.embed(['a', 'bb', 'ccc']);
  assert.deepEqual(
    vectors.map((vector) => [...vector].map((value) => value.toFixed(3))),
    [0, 1, 2].map(() => ['0.600', '0.800']),
  );
  await embedder.embed(['x'], { purpose: 'query' });
  assert.deepEqual(calls, [['d:a', 'd:bb'], ['d:ccc'], ['q:x']]);
  assert.deepEqual(await embedder.embed([]), []);
  const signal = AbortSignal.abort('enough');
  await rejects(embedder.embed(['x'], { signal }), 'Aborted');
  await rejects(aiSdkEmbedder({ model, dimensions: 3 }).embed(['x']), 'WrongDimension', { received: 2 });
  const short = { ...model, maxEmbeddingsPerCall: undefined, doEmbed: async () => ({ embeddings: [] }) };
  await rejects(aiSdkEmbedder({ model: short, dimensions: 2 }).embed(['x']), 'Io', { operation: 'embed' });
  await rejects(() => aiSdkEmbedder({ model: 'small', dimensions: 2 }), 'InvalidOption', { option: 'model' });
  await rejects(() => aiSdkEmbedder({ model, dimensions: 0 }), 'InvalidOption', { option: 'dimensions' });
  await rejects(() => aiSdkEmbedder({ model, size: 2 }), 'InvalidOption', { option: 'size' });
});
