// The database of a page sends every method to its worker, also those that are added later: each is of a known kind.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { engines, rejects } from './engines.mjs';

const require = createRequire(import.meta.url);
const dist = path.join(path.dirname(require.resolve('annywhere/package.json')), 'dist');
const load = (file) => import(pathToFileURL(path.join(dist, file)));
const { EngineBoundDb } = await load('vector-db.js');
const { ITERATING, OWN } = await load('worker/worker-db.js');

describe('the methods of a database', () => {
  const kinds = Object.getOwnPropertyNames(EngineBoundDb.prototype).map((name) => [
    name,
    EngineBoundDb.prototype[name].constructor.name,
  ]);

  it('that are asynchronous iterators are asked for one step at a time by the worker', () => {
    const iterating = kinds.filter(([, kind]) => kind === 'AsyncGeneratorFunction').map(([name]) => name);
    assert.deepEqual(iterating.sort(), [...ITERATING].sort());
  });

  it('give promises, or have a way of their own to the worker', () => {
    const others = kinds.filter(([, kind]) => kind === 'Function').map(([name]) => name);
    for (const name of others)
      assert.ok(OWN.includes(name), `worker-db.ts does not know how to send ${name}`);
  });
});

describe('the option worker', () => {
  it('may be false anywhere, and true only in the page of a browser', async () => {
    for (const { VectorDb } of engines) {
      await new VectorDb({ dimensions: 1, worker: false }).close();
      await rejects(() => new VectorDb({ dimensions: 1, worker: true }), 'InvalidOption', {
        option: 'worker',
      });
    }
  });
});
