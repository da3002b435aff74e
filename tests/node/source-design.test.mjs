// Code written against the source design runs with only its import changed: compiled strictly, run on both engines.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { onEveryEngine } from './engines.mjs';

const require = createRequire(import.meta.url);
const compiler = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin/tsc');
const source = readFileSync(new URL('source-design/catalogue.ts', import.meta.url), 'utf8');
const DIMENSIONS = 768;

/** A unit vector that leans towards dimension `at`, with a fixed pattern in the others. */
function embedding(at) {
  const vector = Float32Array.from({ length: DIMENSIONS }, (_, i) => Math.sin(i * 7 + at) * 0.01);
  vector[at] = 1;
  return vector;
}

onEveryEngine('a catalogue written against the source design', ({ name }) => {
  // Inside the checkout, where the package is found by its name.
  let folder;
  let catalogue;
  before(async () => {
    folder = mkdtempSync(path.join(import.meta.dirname, '.source-design-'));
    const entry = name === 'native' ? 'annywhere' : 'annywhere/wasm';
    writeFileSync(
      path.join(folder, 'catalogue.ts'),
      source.replace("from 'vector-library'", `from '${entry}'`),
    );
    const args = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
    const { status, stdout } = spawnSync(process.execPath, [compiler, ...args, 'catalogue.ts'], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout);
    mkdirSync(path.join(folder, 'data'));
    catalogue = await import(pathToFileURL(path.join(folder, 'catalogue.js')));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('finds no file before the first write, makes the folders, and opens what it wrote', async () => {
    const file = path.join(folder, 'data', 'deep', 'content.annw');
    const store = new catalogue.ContentVectorStore(file);
    assert.equal(await store.initialize(), false, 'the constructor writes nothing');
    assert.equal(await store.isEmpty(), true);
    assert.equal(existsSync(file), false, 'nor does a read');
    assert.equal(await store.store(603, 'The Matrix', embedding(0)), 'movie-603');
    await store.store(604, 'Another', Array.from(embedding(1)));
    await store.storeMany([{ id: 'bare', vector: embedding(2) }]);
    await store.save();
    assert.equal(existsSync(file), true);
    await store.reload();
    await store.close();

    const again = new catalogue.ContentVectorStore(file);
    assert.equal(await again.initialize(), true);
    const { count, memoryUsage, engine } = await again.stats();
    assert.deepEqual([count, typeof memoryUsage, engine], [3, 'number', name]);
    assert.ok(memoryUsage > 3 * DIMENSIONS * 4);
    const [best, ...others] = await again.search(embedding(0), 10, 0.5);
    assert.deepEqual(best, {
      id: 'movie-603',
      score: best.score,
      distance: best.distance,
      metadata: {
        contentId: 603,
        mediaType: 'movie',
        title: 'The Matrix',
        genreIds: [28],
        releaseYear: 1999,
      },
      matchReasons: [`similarity ${best.score.toFixed(2)}`],
    });
    assert.ok(best.score > 0.999 && others.length === 0, 'the threshold cuts the others');
    const all = await again.search(embedding(2), 10, -1);
    assert.deepEqual(
      all.map((hit) => hit.score),
      all.map((hit) => hit.score).sort((a, b) => b - a),
    );
    assert.deepEqual(all[0].metadata, {}, 'metadata is an object, also where there is none');
    assert.equal((await again.similarTo('movie-603', 2)).length, 2);
    assert.deepEqual(await again.similarTo('movie-1', 2), []);
    assert.deepEqual([await again.remove('bare'), await again.remove('bare')], [true, false]);
  });

  it('reports its health', async () => {
    assert.deepEqual(await catalogue.health(), {
      status: 'healthy',
      native: name === 'native',
      wasm: name === 'wasm',
    });
  });
});
