// What keeping a database costs: time to acknowledge an insert per durability, bytes written per byte inserted, and the
// time to open, after closing and after a kill, for both engines and both indexes.
//
//   npm run bench -- store [--rows 100000] [--dimensions 384] [--batch 1000] [--engines native,wasm] [--indexes scan,hnsw]
//                          [--graph-rows 20000]
//
// Every part runs in a process of its own. Bytes are what Linux counts in /proc/self/io as written by the process.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: given } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000' },
    'graph-rows': { type: 'string', default: '100000' },
    dimensions: { type: 'string', default: '384' },
    batch: { type: 'string', default: '1000' },
    engines: { type: 'string', default: 'native,wasm' },
    indexes: { type: 'string', default: 'scan,hnsw' },
    part: { type: 'string' },
    folder: { type: 'string' },
    index: { type: 'string' },
  },
});
const dimensions = Number(given.dimensions);
const batch = Number(given.batch);

/** Vectors near one of 300 centres, as embeddings lie. */
function vectorsOf(from, count) {
  const vectors = new Float32Array(count * dimensions);
  for (let row = 0; row < count; row++) {
    let centre = Math.imul((from + row) % 300, 2654435761) | 1;
    let own = Math.imul(from + row + 7, 2246822519) | 1;
    for (let at = 0; at < dimensions; at++) {
      centre ^= centre << 13;
      centre ^= centre >>> 17;
      centre ^= centre << 5;
      own ^= own << 13;
      own ^= own >>> 17;
      own ^= own << 5;
      vectors[row * dimensions + at] = centre / 2 ** 31 + (0.5 * own) / 2 ** 31;
    }
  }
  return vectors;
}

const idsOf = (from, count) => Array.from({ length: count }, (_, row) => `row ${from + row}`);
const written = () => Number(/write_bytes: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))[1]);
const syscalls = () => Number(/wchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))[1]);
const sizeOf = (folder) =>
  readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
const quantile = (times, part) =>
  times.sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * part))];

/** The milliseconds that each batch takes. */
async function insertAll(db, rows) {
  const times = [];
  for (let from = 0; from < rows; from += batch) {
    const vectors = vectorsOf(from, batch);
    const begin = performance.now();
    await db.insertBatch({ ids: idsOf(from, batch), vectors });
    times.push(performance.now() - begin);
  }
  return times;
}

const parts = {
  /** Single inserts, each awaited. */
  async acknowledge({ VectorDb }) {
    const result = {};
    for (const durability of ['strict', 'group', 'manual']) {
      const folder = join(given.folder, durability);
      const db = new VectorDb({ dimensions, storagePath: folder, durability });
      await db.insertBatch({ ids: idsOf(0, 1_000), vectors: vectorsOf(0, 1_000) });
      const times = [];
      for (let row = 1_000; row < 2_000; row++) {
        const vector = vectorsOf(row, 1);
        const begin = performance.now();
        await db.insert({ id: `row ${row}`, vector });
        times.push(performance.now() - begin);
      }
      await db.close();
      result[durability] = { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
    }
    return result;
  },

  /** All rows in batches, first in memory only; then the process ends without closing, in the middle of its journal. */
  async fill({ VectorDb }) {
    const rows = Number(given.rows);
    const inMemory = new VectorDb({ dimensions, index: given.index });
    const without = await insertAll(inMemory, rows);
    await inMemory.close();
    const before = { calls: syscalls(), disk: written() };
    const db = new VectorDb({ dimensions, storagePath: given.folder, index: given.index });
    const times = await insertAll(db, rows);
    await db.flush();
    const inserted = rows * dimensions * 4;
    return {
      seconds: times.reduce((sum, time) => sum + time, 0) / 1000,
      longestBatchMs: Math.max(...times),
      longestInMemoryMs: Math.max(...without),
      mostByStorageMs: Math.max(...times.map((time, at) => time - without[at])),
      amplification: (syscalls() - before.calls) / inserted,
      disk: (written() - before.disk) / inserted,
      folder: sizeOf(given.folder) / inserted,
    };
  },

  async open({ VectorDb }) {
    const journals = readdirSync(given.folder).filter((name) => name.startsWith('journal'));
    const journal = Math.max(...journals.map((name) => statSync(join(given.folder, name)).size));
    const begin = performance.now();
    const db = new VectorDb({ dimensions, storagePath: given.folder });
    const rows = await db.len();
    const opened = performance.now() - begin;
    await db.search({ vector: vectorsOf(5, 1), k: 10 });
    const first = performance.now() - begin;
    const closing = performance.now();
    await db.close();
    return { rows, journal, opened, first, close: performance.now() - closing };
  },

  /** Closes after one more change. */
  async close({ VectorDb }) {
    const db = new VectorDb({ dimensions, storagePath: given.folder });
    await db.save();
    await db.close();
    return {};
  },
};

if (given.part) {
  const entry = await import('annywhere');
  console.log(JSON.stringify(await parts[given.part](entry)));
  process.exit(0);
}

function run(part, engine, folder, extra = []) {
  const args = [import.meta.filename, '--part', part, '--folder', folder, ...extra];
  for (const name of ['dimensions', 'batch']) args.push(`--${name}`, given[name]);
  const env = { ...process.env, ANNYWHERE_BACKEND: engine };
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const root = mkdtempSync(join(process.env.TMPDIR ?? tmpdir(), 'annywhere-bench-'));
try {
  for (const engine of given.engines.split(',')) {
    const acknowledged = run('acknowledge', engine, join(root, 'acknowledge'));
    for (const [durability, { p50, p99 }] of Object.entries(acknowledged)) {
      console.log(
        `${engine}: insert of one row, ${durability}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
      );
    }
    for (const index of given.indexes.split(',')) {
      const rows = index === 'hnsw' ? given['graph-rows'] : given.rows;
      const folder = join(root, `${engine}-${index}`);
      const filled = run('fill', engine, folder, ['--index', index, '--rows', rows]);
      console.log(
        `${engine}, ${index}: ${rows} × ${dimensions} in batches of ${batch}: ${filled.seconds.toFixed(1)} s, longest batch ` +
          `${filled.longestBatchMs.toFixed(0)} ms, in memory only ${filled.longestInMemoryMs.toFixed(0)} ms, most by which ` +
          `storage delays a batch ${filled.mostByStorageMs.toFixed(0)} ms; written ${filled.amplification.toFixed(2)} bytes per byte of vectors, ` +
          `folder ${filled.folder.toFixed(2)}`,
      );
      const killed = `${folder}-killed`;
      cpSync(folder, killed, { recursive: true });
      rmSync(join(killed, 'owner'), { force: true });
      const after = run('open', engine, killed);
      console.log(
        `${engine}, ${index}: open after a kill with a journal of ${(after.journal / 2 ** 20).toFixed(1)} MiB: ` +
          `${after.opened.toFixed(0)} ms, first answer at ${after.first.toFixed(0)} ms, close ${after.close.toFixed(0)} ms`,
      );
      run('close', engine, folder);
      const closed = run('open', engine, folder);
      console.log(
        `${engine}, ${index}: open after closing: ${closed.opened.toFixed(0)} ms, first answer at ${closed.first.toFixed(0)} ms`,
      );
      rmSync(folder, { recursive: true });
      rmSync(killed, { recursive: true });
    }
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
