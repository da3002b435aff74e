// Makes what the endpoint serves, in dist/assets (not committed):
//
//   index.annw      20,000 WordNet definitions as vectors of 128 dimensions, with words and definition as metadata
//   table-128.bin   the encoder table cut to 128 dimensions, for queries that come as text
//   manifest.json   rows, dimensions, and length and SHA-256 of both files; the endpoint believes nothing else
//
// Which 20,000: each line of www/data/glosses.txt.gz is hashed as SHA-256(`${SEED}\n${line}`), and the lines with the
// smallest hashes are taken, in the order of the file. So the choice is uniform, the same everywhere, and a line that
// is added or removed upstream moves only one other. The id of a row is the number of its line, from 0.
//
// A row's vector is that of its definition, bent a little towards its words, as in the demo (www/src/worker/dictionary.ts
// has the measurement).
//
// The engine is the native one where there is one: it gives the same bytes as WebAssembly, sooner. Incremental: nothing
// is written when definitions, table, engine and this script are unchanged.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { inRoot, inTarget } from '../../pkg-scripts/lib/paths.mjs';
import { capture, Failure, main } from '../../pkg-scripts/lib/run.mjs';
import { unlessUnchanged } from '../../pkg-scripts/lib/stamp.mjs';

const ROWS = 20_000;
const SEED = 'annywhere-worker-1';
const DIMENSIONS = 128;
const OPTIONS = {
  dimensions: DIMENSIONS,
  distanceMetric: 'cosine',
  maxElements: ROWS,
};

const WORDS_WEIGHT = 0.3;
const WORDS_ENCODED = 3;

// The largest static asset that Cloudflare takes.
const ASSET_LIMIT_BYTES = 25 * 1024 * 1024;

const assets = fileURLToPath(new URL('../dist/assets', import.meta.url));
const glosses = inRoot('www/data/glosses.txt.gz');

export async function buildIndex() {
  const begin = performance.now();
  await capture('npm', ['run', '--silent', 'prepare-data', '-w', 'www']);
  const resolve = createRequire(import.meta.url).resolve;
  const packageFolder = dirname(resolve('annywhere/package.json'));
  const inputs = [
    glosses,
    resolve('@annywhere/encoder-en/table.bin'),
    join(packageFolder, 'dist/annywhere.wasm'),
    ...readdirSync(inRoot('npm')).map((name) => inRoot('npm', name, 'annywhere.node')),
    import.meta.filename,
  ];
  const outputs = ['index.annw', 'table-128.bin', 'manifest.json'].map((name) => join(assets, name));
  const written = await unlessUnchanged(inTarget('stamps/worker-index'), { inputs, outputs }, write);
  console.log(`worker/dist/assets: ${written ? 'written' : 'unchanged'} (${seconds(begin)})`);
}

async function write() {
  const { getRuntimeInfo, VectorDb } = await import('annywhere');
  const { StaticEncoder } = await import('annywhere/embed');
  const { tableUrl, truncateTable } = await import('@annywhere/encoder-en');
  const { implementation, nativeErrors } = getRuntimeInfo();
  if (implementation !== 'native') {
    console.log(`No native engine, so WebAssembly builds the index. ${nativeErrors.join('; ')}`);
  }

  const table = truncateTable(readFileSync(tableUrl), DIMENSIONS);
  const encoder = await StaticEncoder.load(table, { dimensions: DIMENSIONS });
  const rows = chosenRows();
  const begin = performance.now();
  const vectors = vectorsOf(rows, encoder);
  const encoded = performance.now();
  const db = new VectorDb(OPTIONS);
  await db.insertBatch({
    ids: rows.map(({ line }) => String(line)),
    vectors,
    metadata: rows.map(({ metadata }) => metadata),
  });
  console.log(
    `${rows.length} definitions encoded in ${seconds(begin, encoded)}, indexed in ${seconds(encoded)} (${implementation})`,
  );
  const index = await db.toBytes();
  await db.close();
  await openInWasm(index);

  mkdirSync(assets, { recursive: true });
  const manifest = {
    rows: rows.length,
    dimensions: DIMENSIONS,
    index: writeAsset('index.annw', index),
    table: writeAsset('table-128.bin', table),
  };
  writeAsset('manifest.json', Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
}

/** Two engines that were not built from the same source may not read each other's files; then nothing is written. */
async function openInWasm(index) {
  const { VectorDb } = await import('annywhere/wasm');
  try {
    const db = new VectorDb({ dimensions: DIMENSIONS });
    await db.load(index);
    await db.close();
  } catch (error) {
    throw new Failure(
      `WebAssembly cannot open the index (${error.message}): build both engines, then try again.`,
    );
  }
}

/** The chosen synsets, each with the number of its line. */
function chosenRows() {
  const lines = gunzipSync(readFileSync(glosses)).toString().trimEnd().split('\n');
  const ranked = lines.map((text, line) => ({ line, text, rank: rankOf(text) }));
  ranked.sort((a, b) => Buffer.compare(a.rank, b.rank));
  return ranked
    .slice(0, ROWS)
    .sort((a, b) => a.line - b.line)
    .map(({ line, text }) => {
      const [partOfSpeech, lemmas, definition] = text.split('\t');
      return { line, metadata: { lemmas: lemmas.split('|'), partOfSpeech, definition } };
    });
}

const rankOf = (text) => createHash('sha256').update(`${SEED}\n${text}`).digest();

/** The length does not matter: the index compares directions. */
function vectorsOf(rows, encoder) {
  const vectors = encoder.encodeMany(rows.map(({ metadata }) => metadata.definition));
  const words = encoder.encodeMany(
    rows.map(({ metadata }) => metadata.lemmas.slice(0, WORDS_ENCODED).join(', ')),
  );
  return vectors.map((component, at) => component + WORDS_WEIGHT * words[at]);
}

/** Writes one file whole or not at all, prints its size, and returns what the manifest says about it. */
function writeAsset(name, bytes) {
  if (bytes.length > ASSET_LIMIT_BYTES) {
    throw new Failure(`${name} has ${bytes.length} bytes; Cloudflare takes ${ASSET_LIMIT_BYTES} per file.`);
  }
  const fresh = join(assets, `${name}.${process.pid}`);
  writeFileSync(fresh, bytes);
  renameSync(fresh, join(assets, name));
  console.log(`worker/dist/assets/${name}: ${(bytes.length / 1024 ** 2).toFixed(2)} MiB`);
  return { name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

const seconds = (begin, end = performance.now()) => `${((end - begin) / 1000).toFixed(1)} s`;

await main(import.meta, buildIndex);
