// The data sets: what they are, and their files below target/bench/data, which are made once.
// Vectors of a cosine set are of unit length, so that a peer that knows only products or distances ranks alike.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tableUrl } from '@annywhere/encoder-en';
import { inTarget } from '../../pkg-scripts/lib/paths.mjs';
import { Failure, run } from '../../pkg-scripts/lib/run.mjs';
import { unlessUnchanged } from '../../pkg-scripts/lib/stamp.mjs';
import { canInstallDebian, installDebian } from '../../pkg-scripts/lib/tools.mjs';
import { loadGlosses } from '../glosses.mjs';
import { python } from './install.mjs';

/** `rows` is what is measured without `--rows`. */
export const DATASETS = {
  fashion: { title: 'Fashion-MNIST', metric: 'euclidean', dimensions: 784, rows: 60_000 },
  glove: { title: 'GloVe 6B words', metric: 'cosine', dimensions: 50, rows: 200_000 },
  glosses256: { title: 'WordNet, static encoder', metric: 'cosine', dimensions: 256, rows: 117_791 },
  glosses384: { title: 'WordNet, MiniLM', metric: 'cosine', dimensions: 384, rows: 117_791 },
};

const F32_BYTES = 4;
const TRUE_NEIGHBOURS = 100;

/** The set with its files, the first `rows` rows of it, and their truth; what is missing or out of date is made. */
export async function prepare(name, rows = DATASETS[name].rows) {
  const { title, metric, dimensions } = DATASETS[name];
  const folder = inTarget('bench', 'data', name);
  const files = { rows: join(folder, 'rows.f32'), queries: join(folder, 'queries.f32') };
  const inputs = [join(import.meta.dirname, 'datasets.py'), fileURLToPath(tableUrl)];
  await unlessUnchanged(join(folder, '.made'), { inputs, outputs: [files.rows] }, () =>
    writeVectors(name, folder, files),
  );
  const available = statSync(files.rows).size / (dimensions * F32_BYTES);
  if (rows > available) throw new Failure(`${name} has ${available} rows, not ${rows}.`);

  const truth = (what) => join(folder, `truth-${rows}.${what}`);
  if (!existsSync(truth('distances.f64'))) {
    console.log(`Computing the exact neighbours in ${name} ...`);
    await datasetsPy('truth', folder, metric, dimensions, rows);
  }
  return {
    name,
    title,
    metric,
    dimensions,
    rows,
    queries: statSync(files.queries).size / (dimensions * F32_BYTES),
    files,
    truth: { ids: truth('ids.u32'), distances: truth('distances.f64') },
  };
}

async function writeVectors(name, folder, files) {
  console.log(`Preparing ${name} ...`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (name === 'glosses256') {
    const { vectors, queries } = await loadGlosses({ dimensions: DATASETS[name].dimensions });
    writeFileSync(files.queries, Buffer.concat(queries.map(bytesOf)));
    writeFileSync(files.rows, bytesOf(vectors));
    return;
  }
  if (name === 'fashion') await findFashion();
  await datasetsPy(name, folder);
}

async function findFashion() {
  const debian = 'dataset-fashion-mnist';
  if (existsSync('/usr/share/datasets/fashion-mnist')) return;
  if (canInstallDebian() && (await installDebian([debian]))) return;
  throw new Failure(`Fashion-MNIST comes with the Debian package ${debian}: please install it.`);
}

const datasetsPy = (...args) => run(python, [join(import.meta.dirname, 'datasets.py'), ...args.map(String)]);

const bytesOf = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

/**
 * Answers are judged by distance, not by id: a hit is a row that is as near as the true k-th, so equal rows stand
 * for each other. Returns a function from the ids of one query to the share of hits.
 */
export function judge(data, k) {
  const { dimensions, metric } = data;
  const rows = floats(data.files.rows, data.rows * dimensions);
  const queries = floats(data.files.queries, data.queries * dimensions);
  const trueIds = new Uint32Array(buffer(data.truth.ids));
  const trueDistances = new Float64Array(buffer(data.truth.distances));
  const known = Array.from({ length: data.queries }, (_, query) => {
    const begin = query * TRUE_NEIGHBOURS;
    return new Set(trueIds.subarray(begin, begin + k));
  });
  const distance = metric === 'euclidean' ? squaredDistance : cosineDistance;

  return function recall(query, ids) {
    const least = trueDistances[query * TRUE_NEIGHBOURS + k - 1];
    // Peers compare f32 sums; what differs by no more than their rounding is as near.
    const bound = least + F32_ROUNDING * Math.max(1, least);
    const near = (row) =>
      known[query].has(row) ||
      (row >= 0 && row < data.rows && distance(rows, row, queries, query, dimensions) <= bound);
    return [...new Set(ids.slice(0, k))].filter(near).length / k;
  };
}

const F32_ROUNDING = 1e-6;

function squaredDistance(rows, row, queries, query, dimensions) {
  let sum = 0;
  for (let i = 0; i < dimensions; i++) {
    sum += (rows[row * dimensions + i] - queries[query * dimensions + i]) ** 2;
  }
  return sum;
}

function cosineDistance(rows, row, queries, query, dimensions) {
  let sum = 0;
  for (let i = 0; i < dimensions; i++) sum += rows[row * dimensions + i] * queries[query * dimensions + i];
  return 1 - sum;
}

/** The bytes of a file in a buffer of their own, as typed arrays want them. */
function buffer(file) {
  const bytes = readFileSync(file);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

const floats = (file, count) => new Float32Array(buffer(file), 0, count);
