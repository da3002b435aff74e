// Words beside meaning on all WordNet definitions: each finds what the other misses, and both together find both. The
// queries and the lemmas that should come back are written down in benches/hybrid-queries.json.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tableUrl } from '@annywhere/encoder-en';
import { StaticEncoder } from 'annywhere/embed';
import { onEveryEngine } from './engines.mjs';

const DIMENSIONS = 128;
const queries = JSON.parse(
  readFileSync(new URL('../../benches/hybrid-queries.json', import.meta.url), 'utf8'),
);
const encoder = await StaticEncoder.load(tableUrl, { dimensions: DIMENSIONS });
let rows;

async function definitions() {
  const file = new URL('../../www/data/glosses.txt.gz', import.meta.url);
  if (!existsSync(file)) {
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    spawnSync('npm', ['run', '--silent', 'prepare-data', '-w', 'www'], { cwd, stdio: 'inherit' });
  }
  const { loadGlosses } = await import('../../benches/glosses.mjs');
  return loadGlosses({ dimensions: DIMENSIONS, queries: 1 });
}

onEveryEngine('words beside meaning', ({ VectorDb }) => {
  it('find what the other misses, and together what either finds', { timeout: 120_000 }, async () => {
    rows ??= await definitions();
    const db = new VectorDb({ dimensions: DIMENSIONS, text: { fields: ['lemmas', 'definition'] } });
    const { ids, vectors, metadata } = rows;
    await db.insertBatch({ ids, vectors, metadata });
    const finds = async (query, lemmas) => {
      const hits = await db.search(query);
      assert.equal(hits.length > 0, true);
      return hits.some((hit) => hit.metadata.lemmas.some((lemma) => lemmas.includes(lemma)));
    };
    const weighted = { method: 'weighted', alpha: 0.5 };
    for (const [kind, found, missed] of [
      ['words', 'text', 'vector'],
      ['meanings', 'vector', 'text'],
    ]) {
      for (const { query, lemmas } of queries[kind]) {
        const parts = { vector: encoder.encode(query), text: query };
        assert.ok(await finds({ [found]: parts[found] }, lemmas), `${found} finds ${lemmas} by '${query}'`);
        assert.ok(!(await finds({ [missed]: parts[missed] }, lemmas)), `${missed} misses ${lemmas}`);
        assert.ok(await finds(parts, lemmas), `both find ${lemmas} by '${query}'`);
        assert.ok(await finds({ ...parts, fusion: weighted }, lemmas), `both, weighted, find ${lemmas}`);
      }
    }
    await db.close();
  });
});
