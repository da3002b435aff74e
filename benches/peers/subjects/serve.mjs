// The JavaScript side of the protocol (README.md): a subject is an object, and `serve` answers the driver for it.
//
//   version           the library's
//   settings          (data, plan) => the settings to measure, each with a `label`; or throws `Refusal`
//   build             (rows, data, plan) => builds the index; this is timed
//   indexBytes        () => size of the index with its vectors, where the library can tell
//   use               (setting) => makes it the one that searches run with
//   query             (vector) => the vector as the library takes it; not timed
//   search            (query, k) => the library's own answer or a promise of it; this is timed
//   ids               (answer) => row numbers, best first; not timed
//   wasm              () => bytes of the .wasm file
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { nodeModules } from '../install.mjs';

/** Why this subject cannot be measured here. */
export class Refusal extends Error {}

/** `require` among the installed peers. */
export const requirePeer = createRequire(join(nodeModules, '..', 'package.json'));

/** Path of a file of a peer. */
export const peerFile = (name, ...parts) => join(nodeModules, name, ...parts);

export const peerVersion = (name) => JSON.parse(readFileSync(peerFile(name, 'package.json'), 'utf8')).version;

export async function serve(subject) {
  const calls = answers(subject);
  for await (const line of createInterface({ input: process.stdin })) {
    const { call, ...request } = JSON.parse(line);
    const reply = await calls[call](request).catch((error) =>
      error instanceof Refusal ? { refused: error.message } : { error: String(error?.stack ?? error) },
    );
    // A library may have printed part of a line.
    process.stdout.write(`\n${JSON.stringify(reply)}\n`);
  }
  process.exit();
}

function answers(subject) {
  let data;
  let plan;
  let rows;
  let queries;
  return {
    async open(request) {
      ({ data, plan } = request);
      rows = floats(data.files.rows, data.rows, data.dimensions);
      const flat = floats(data.files.queries, data.queries, data.dimensions);
      queries = Array.from({ length: data.queries }, (_, query) =>
        subject.query(flat.slice(query * data.dimensions, (query + 1) * data.dimensions)),
      );
      const settings = await subject.settings(data, plan);
      return { version: subject.version, settings, wasm: subject.wasm && sizes(await subject.wasm()) };
    },

    async build() {
      const begin = performance.now();
      await subject.build(rows, data, plan);
      const seconds = (performance.now() - begin) / 1000;
      rows = undefined;
      return { seconds, indexBytes: await subject.indexBytes?.() };
    },

    async search({ setting, warmUp }) {
      await subject.use(setting);
      for (const query of queries.slice(0, warmUp)) await subject.search(query, plan.k);
      const nanoseconds = [];
      const ids = [];
      for (const query of queries) {
        const begin = performance.now();
        const given = subject.search(query, plan.k);
        const answer = given instanceof Promise ? await given : given;
        nanoseconds.push(Math.round((performance.now() - begin) * 1e6));
        ids.push(subject.ids(answer));
      }
      return { nanoseconds, ids };
    },
  };
}

function floats(file, count, dimensions) {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer, bytes.byteOffset, count * dimensions);
}

const sizes = (bytes) => ({
  raw: bytes.length,
  gzip: gzipSync(bytes, { level: 9 }).length,
  brotli: brotliCompressSync(bytes).length,
});

/** One setting per beam width of the graphs. */
export const beamWidths = (plan) => plan.efSearch.map((ef) => ({ label: `ef ${ef}`, ef }));

/** Row `index` of flat rows, without a copy. */
export const rowOf = (rows, index, dimensions) => rows.subarray(index * dimensions, (index + 1) * dimensions);

/** The folder of this subject's own files; the driver removes it. */
export const scratch = (...parts) => join(process.env.BENCH_SCRATCH, ...parts);
