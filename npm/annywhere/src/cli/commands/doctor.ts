/** Tries what the package needs and says what is wrong and what to do about it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadForNode } from '../../load-engine.node.js';
import { VectorDb } from '../../node.js';
import { VectorDb as WasmDb } from '../../node-wasm.js';
import type { Command } from '../command.js';
import { openExisting } from '../open.js';
import { runtimeReport } from './info.js';

interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly says: string;
}

export const doctor: Command = {
  says: 'Checks engines, storage and, if one is named, a file',
  positionals: ['file'],
  optional: 1,
  options: {},
  async run({ positionals: [file], output }) {
    const findings = [
      await find('node', nodeVersion),
      await find('native engine', native),
      await find('wasm engine', () => answers(WasmDb)),
      await find('same answers', sameAnswers),
      await find('storage', () => storage(file === undefined ? tmpdir() : dirname(file))),
      ...(file === undefined ? [] : [await find(file, () => opens(file))]),
    ];
    const ok = findings.every((finding) => finding.ok);
    output.result({ ok, findings, runtime: runtimeReport() }, () =>
      findings.map(({ check, ok, says }) => `${ok ? 'ok     ' : 'PROBLEM'}  ${check}: ${says}`),
    );
    return ok ? 0 : 1;
  },
};

async function find(check: string, look: () => string | Promise<string>): Promise<Finding> {
  try {
    return { check, ok: true, says: await look() };
  } catch (error) {
    return { check, ok: false, says: (error as Error).message };
  }
}

function nodeVersion(): string {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return process.version;
  throw new Error(`${process.version} is too old; 20.19 is the oldest that works`);
}

/** WebAssembly in its place is no problem, but worth a reason. */
function native(): string {
  const { implementation, nativeErrors, module } = loadForNode();
  if (implementation === 'native') return `loads, with ${module.simd()}`;
  const asked = process.env.ANNYWHERE_BACKEND === 'wasm';
  return asked
    ? 'not tried, because ANNYWHERE_BACKEND=wasm'
    : `not in use, WebAssembly serves: ${nativeErrors.join('; ')}`;
}

async function answers(Db: typeof VectorDb): Promise<string> {
  const hits = await sample(Db);
  if (hits[0]?.id === '7') return 'searches';
  throw new Error('a search gave the wrong row');
}

async function sameAnswers(): Promise<string> {
  const [one, other] = [await sample(VectorDb), await sample(WasmDb)];
  if (JSON.stringify(one) === JSON.stringify(other)) return 'both engines agree to the last bit';
  throw new Error('the engines disagree: please report this with the output of annywhere info');
}

async function sample(Db: typeof VectorDb) {
  const db = new Db({ dimensions: 8 });
  const vectors = Float32Array.from({ length: 50 * 8 }, (_, at) => Math.sin(at * at));
  await db.insertBatch({ ids: Array.from({ length: 50 }, (_, row) => `${row}`), vectors });
  const hits = await db.search({ vector: vectors.subarray(56, 64), k: 5 });
  await db.close();
  return hits;
}

async function storage(folder: string): Promise<string> {
  const scratch = mkdtempSync(join(folder, '.annywhere-doctor-'));
  try {
    const storagePath = join(scratch, 'file.annw');
    const db = new VectorDb({ dimensions: 1, storagePath });
    await db.insert({ id: 'a', vector: [1] });
    await db.close();
    const again = new VectorDb({ dimensions: 1, storagePath });
    const count = await again.len();
    await again.close();
    if (count !== 1) throw new Error('what was written is not what is read');
    return `${folder} can be written`;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function opens(file: string): Promise<string> {
  const { db } = await openExisting(file);
  const { problems, stats } = await db.health();
  await db.close();
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('; '));
  return `opens, and its searches find what they should: ${stats?.count} rows × ${stats?.dimensions}`;
}
