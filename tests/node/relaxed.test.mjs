// The module with relaxed SIMD: chosen where it runs, with the bits of the other one, in every compiler of V8.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { wasm } from './engines.mjs';

/** What the package chooses, or the plain module. */
const CHOSEN = "import { getRuntimeInfo, VectorDb } from 'annywhere/wasm';";
const PLAIN = `
  import { readFileSync } from 'node:fs';
  import { getRuntimeInfo, init, VectorDb } from 'annywhere/browser';
  await init(readFileSync(new URL(import.meta.resolve('annywhere/annywhere.wasm'))));
`;
const REPORT = `
  import { createHash } from 'node:crypto';
  import { Random } from './random.mjs';
  const ROWS = 12_000, DIMENSIONS = 40;
  const random = new Random(61);
  const vectors = new Float32Array(ROWS * DIMENSIONS).map(() => random.next() - 0.5);
  const hash = createHash('sha256');
  for (const distanceMetric of ['cosine', 'euclidean']) {
    const db = new VectorDb({ dimensions: DIMENSIONS, distanceMetric, index: 'scan' });
    await db.insertBatch({ ids: Array.from({ length: ROWS }, (_, row) => String(row)), vectors });
    hash.update(await db.toBytes());
    for (let row = 0; row < 40; row++) {
      const vector = vectors.slice(row * DIMENSIONS, (row + 1) * DIMENSIONS).map((x) => x + random.next() / 2);
      hash.update(JSON.stringify(await db.search({ vector, k: 20 })));
    }
  }
  console.log(JSON.stringify({ simd: getRuntimeInfo().simd, hash: hash.digest('hex') }));
`;

function run(module, ...flags) {
  const args = [...flags, '--no-warnings', '--input-type=module', '-e', module + REPORT];
  const cwd = path.dirname(fileURLToPath(import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

// Node 20 has the instructions behind a flag, which later versions no longer know.
const ON = wasm.getRuntimeInfo().simd === 'relaxed-simd' ? [] : ['--experimental-wasm-relaxed-simd'];

describe('relaxed SIMD', () => {
  it('is used where the runtime has it, with the bytes and hits of plain SIMD', () => {
    const plain = run(PLAIN);
    assert.equal(plain.simd, 'simd128');
    for (const tier of [[], ['--liftoff', '--no-wasm-tier-up'], ['--no-liftoff']]) {
      const chosen = run(CHOSEN, ...ON, ...tier);
      assert.deepEqual(chosen, { simd: 'relaxed-simd', hash: plain.hash });
    }
  });
});
