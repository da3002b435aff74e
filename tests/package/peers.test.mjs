// The adapters of libraries that are too large to be installed for every test (40 and 160 MB), with these libraries: the
// declarations are compiled against theirs, and the stores are used as they use them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const FULL = process.env.ANNYWHERE_FULL === '1';
const PEERS = { '@llamaindex/core': '0.6.23', '@mastra/core': '1.71.0' };

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);
const compiler = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin/tsc');

const CONSUMER = `
import type { BaseVectorStore } from '@llamaindex/core/vector-store';
import type { MastraVector } from '@mastra/core/vector';
import { VectorDb } from 'annywhere';
import { type AiSdkModel, aiSdkEmbedder } from 'annywhere/ai-sdk';
import { AnnywhereLlamaStore } from 'annywhere/llamaindex';
import { AnnywhereMastraVector } from 'annywhere/mastra';
import type { MastraEmbeddingModel } from '@mastra/core/vector';

const db = new VectorDb({ dimensions: 2 });
export const llama: BaseVectorStore = new AnnywhereLlamaStore({ db });
export const mastra: MastraVector<never> = new AnnywhereMastraVector({
  id: 'v',
  create: (_, options) => new VectorDb(options),
});
declare const model: Exclude<MastraEmbeddingModel<string>, string>;
export const used: AiSdkModel = model;
export const embedder = aiSdkEmbedder({ model, dimensions: 2 });
`;

const USE_LLAMA = `
import { Document, TextNode, NodeRelationship, ObjectType } from '@llamaindex/core/schema';
import { VectorDb } from 'annywhere';
import { AnnywhereLlamaStore } from 'annywhere/llamaindex';
import { BaseEmbedding } from '@llamaindex/core/embeddings';
import { Settings } from '@llamaindex/core/global';
class Fixed extends BaseEmbedding {
  async getTextEmbedding() {
    return [1, 0];
  }
}
const embedModel = new Fixed();
const db = new VectorDb({ dimensions: 2, text: { fields: ['_node_text'] } });
const store = new AnnywhereLlamaStore({ db, embedModel });
if (store.embedModel !== embedModel) throw new Error('another model');
Settings.embedModel = embedModel;
if (new AnnywhereLlamaStore({ db }).embedModel !== embedModel) throw new Error('not that of the settings');
const node = (id, text, embedding, document, metadata) => {
  const made = new TextNode({ id_: id, text, embedding, metadata });
  made.relationships[NodeRelationship.SOURCE] = { nodeId: document, nodeType: ObjectType.DOCUMENT, metadata: {} };
  return made;
};
const ids = await store.add([
  node('a', 'red apple', [1, 0], 'one', { year: 1999, tags: ['fruit', 'red'] }),
  node('b', 'green apple', [1, 0.1], 'one', { year: 2005, tags: ['fruit'] }),
  node('c', 'red brick', [0, 1], 'two', { year: 2010, tags: [] }),
]);
const ask = async (query) => (await store.query({ queryEmbedding: [1, 0], similarityTopK: 10, mode: 'default', ...query })).ids;
const where = (key, operator, value) => ask({ filters: { filters: [{ key, operator, value }] } });
const first = await store.query({ queryEmbedding: [1, 0], similarityTopK: 1, mode: 'default' });
const [found] = first.nodes;
const refused = await ask({ mode: 'svm' }).catch((error) => error.code);
const answers = {
  ids,
  found: [found.id_, found.text, found.metadata, found.sourceNode.nodeId, found.constructor.name, first.similarities],
  all: await ask({}),
  hybrid: await ask({ mode: 'hybrid', queryStr: 'brick', alpha: 0, similarityTopK: 1 }),
  sparse: await ask({ mode: 'sparse', queryStr: 'red' }),
  mmr: await ask({ mode: 'mmr', mmrThreshold: 0, similarityTopK: 2 }),
  documents: await ask({ docIds: ['two'] }),
  filters: [
    await where('year', '==', 2005), await where('year', '!=', 2005), await where('year', '>', 1999),
    await where('year', '<=', 2005), await where('year', 'in', [1999, 2010]), await where('year', 'nin', [1999, 2010]),
    await where('tags', 'contains', 'red'), await where('tags', 'all', ['fruit', 'red']),
    await where('tags', 'any', ['red', 'blue']), await where('_node_text', 'text_match', 'apple'),
    await where('missing', 'is_empty'),
  ],
  or: await ask({ filters: { condition: 'or', filters: [
    { key: 'year', operator: '==', value: 1999 }, { key: 'year', operator: '==', value: 2010 }] } }),
  refused,
};
await store.delete('one');
console.log(JSON.stringify({ ...answers, left: await ask({}) }));
`;

const USE_MASTRA = `
import { VectorDb } from 'annywhere';
import { AnnywhereMastraVector } from 'annywhere/mastra';
const removed = [];
const store = new AnnywhereMastraVector({
  id: 'vectors',
  create: (_, options) => new VectorDb(options),
  remove: async (name) => { removed.push(name); },
});
const code = (promise) => promise.then(() => 'nothing was thrown', (error) => error.code ?? error.message);
const indexName = 'docs';
await store.createIndex({ indexName, dimension: 2 });
await store.createIndex({ indexName, dimension: 2, metric: 'cosine' });
const other = await store.createIndex({ indexName, dimension: 3 }).then(() => 'made', () => 'refused');
await store.createIndex({ indexName: 'dots', dimension: 1, metric: 'dotproduct' });
const ids = await store.upsert({ indexName, ids: ['a', 'b', 'c'], vectors: [[1, 0], [1, 0.1], [0, 1]],
  metadata: [{ source: 'x', n: 1 }, { source: 'x', n: 2 }, { source: 'y', n: 3 }] });
const query = async (params) => (await store.query({ indexName, ...params })).map(({ id }) => id);
const [best] = await store.query({ indexName, queryVector: [1, 0], topK: 1, includeVector: true });
const answers = {
  ids, other, best,
  indexes: await store.listIndexes(),
  about: [await store.describeIndex({ indexName }), await store.describeIndex({ indexName: 'dots' })],
  filtered: await query({ queryVector: [1, 0], filter: { $or: [{ n: { $gt: 2 } }, { n: 1 }] } }),
  listed: await query({ filter: { source: 'x' }, topK: 1 }),
  refused: [
    await code(query({})), await code(query({ queryVector: [1, 0], filter: { n: { $regex: 'x' } } })),
    await code(store.upsert({ indexName, vectors: [[1, 0]], ids: [] })), await code(store.describeIndex({ indexName: 'none' })),
    await code(store.deleteVectors({ indexName })),
  ],
};
await store.updateVector({ indexName, id: 'a', update: { metadata: { seen: true } } });
await store.updateVector({ indexName, filter: { source: 'y' }, update: { vector: [1, 1] } });
answers.updated = await store.query({ indexName, queryVector: [1, 1], topK: 1 });
answers.seen = await query({ filter: { seen: true } });
await store.upsert({ indexName, ids: ['a', 'd'], vectors: [[1, 0], [0, 1]], metadata: [{ source: 'x' }, { source: 'x' }],
  deleteFilter: { source: 'x' } });
answers.replaced = await query({ filter: { source: { $exists: true } } });
await store.deleteVector({ indexName, id: 'd' });
await store.deleteVectors({ indexName, filter: { source: 'y' } });
answers.left = await query({ filter: { source: { $exists: true } } });
await store.deleteIndex({ indexName });
console.log(JSON.stringify({ ...answers, removed, after: await store.listIndexes() }));
`;

describe('the adapters of large libraries', { skip: !FULL && 'part of the full tests' }, () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'annywhere-peers-'));
  before(() => {
    fs.writeFileSync(path.join(root, 'package.json'), '{"private":true,"type":"module"}');
    const wanted = Object.entries(PEERS).map(([name, version]) => `${name}@${version}`);
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...wanted];
    run('npm', args);
    // A copy, because a link would look for the libraries in the checkout.
    const target = path.join(root, 'node_modules', 'annywhere');
    for (const part of ['dist', 'package.json']) {
      fs.cpSync(path.join(checkout, 'npm/annywhere', part), path.join(target, part), { recursive: true });
    }
  });
  after(() => fs.rmSync(root, { recursive: true, force: true }));

  function run(program, args) {
    const options = { cwd: root, encoding: 'utf8', env: { ...process.env, ANNYWHERE_BACKEND: 'wasm' } };
    const { status, stdout, stderr, error } = spawnSync(program, args, options);
    assert.equal(status, 0, `${program} ${args.join(' ')}\n${error ?? ''}\n${stdout}\n${stderr}`);
    return stdout;
  }

  function use(name, script) {
    fs.writeFileSync(path.join(root, name), script);
    return JSON.parse(run(process.execPath, [name]).trim().split('\n').at(-1));
  }

  it('are of the types that the libraries want', () => {
    fs.writeFileSync(path.join(root, 'consumer.ts'), CONSUMER);
    const how = ['--strict', '--noEmit', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext'];
    run(process.execPath, [compiler, ...how, '--lib', 'es2022,esnext.disposable,dom', 'consumer.ts']);
  });

  it('the LlamaIndex store keeps nodes, finds them in every mode, and filters', () => {
    const answers = use('llama.mjs', USE_LLAMA);
    assert.deepEqual(answers, {
      ids: ['a', 'b', 'c'],
      found: ['a', 'red apple', { year: 1999, tags: ['fruit', 'red'] }, 'one', 'TextNode', [1]],
      all: ['a', 'b', 'c'],
      hybrid: ['c'],
      sparse: answers.sparse,
      mmr: ['a', 'c'],
      documents: ['c'],
      filters: [
        ['b'],
        ['a', 'c'],
        ['b', 'c'],
        ['a', 'b'],
        ['a', 'c'],
        ['b'],
        ['a'],
        ['a'],
        ['a'],
        ['a', 'b'],
        ['a', 'b', 'c'],
      ],
      or: ['a', 'c'],
      refused: 'InvalidArgument',
      left: ['c'],
    });
    assert.deepEqual([...answers.sparse].sort(), ['a', 'c']);
  });

  it('the Mastra store keeps indexes, updates and removes by id and by filter', () => {
    const answers = use('mastra.mjs', USE_MASTRA);
    const [updated] = answers.updated;
    assert.ok(updated.score > 0.999);
    assert.deepEqual(
      { ...answers, updated: updated.id },
      {
        ids: ['a', 'b', 'c'],
        other: 'refused',
        best: { id: 'a', score: 1, metadata: { source: 'x', n: 1 }, vector: [1, 0] },
        indexes: ['docs', 'dots'],
        about: [
          { dimension: 2, count: 3, metric: 'cosine' },
          { dimension: 1, count: 0, metric: 'dotproduct' },
        ],
        filtered: ['a', 'c'],
        listed: ['a'],
        refused: [
          'InvalidArgument',
          'InvalidFilter',
          'InvalidArgument',
          'InvalidArgument',
          'InvalidArgument',
        ],
        updated: 'c',
        seen: ['a'],
        replaced: ['a', 'c', 'd'],
        left: ['a'],
        removed: ['docs'],
        after: ['dots'],
      },
    );
  });
});
