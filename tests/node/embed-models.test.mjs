// A real sentence model in Node, by transformers.js. Long: it fetches half a gigabyte.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { transformersEmbedder } from 'annywhere/embed';
import { minilmEmbedder } from '../data/minilm.mjs';
import { titles } from '../data/titles.mjs';
import { prepareModels } from '../models.mjs';

const skip = process.env.ANNYWHERE_FULL ? false : 'runs with ANNYWHERE_FULL=1';

it('MiniLM by transformers.js gives the vectors that were made beforehand', { skip }, async () => {
  const { library, models } = prepareModels();
  const entry = join(library, '@huggingface/transformers/dist/transformers.node.mjs');
  const { env, pipeline } = await import(pathToFileURL(entry));
  env.allowRemoteModels = false;
  env.localModelPath = `${models}/`;
  const extractor = await pipeline('feature-extraction', 'minilm', { dtype: 'q8' });
  const embedder = transformersEmbedder({ extractor, model: 'all-MiniLM-L6-v2', dimensions: 384 });
  const texts = titles()
    .slice(0, 40)
    .map(({ title, overview }) => `${title}: ${overview}`);
  const [made, beforehand] = await Promise.all([embedder.embed(texts), minilmEmbedder().embed(texts)]);
  for (const [at, vector] of made.entries()) {
    const cosine = vector.reduce((sum, value, i) => sum + value * beforehand[at][i], 0);
    assert.ok(cosine > 0.99, `${texts[at]}: ${cosine}`);
  }
});
