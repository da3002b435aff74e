// Every code of AnnywhereError can happen, on both engines, with the details that its table names. What needs a full
// disk, another process or a broken engine is thrown where the engine would throw it.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { errorCodes } from '../../pkg-scripts/docs.mjs';
import { engines, rejects } from './engines.mjs';

const require = createRequire(import.meta.url);
const dist = path.join(path.dirname(require.resolve('annywhere/package.json')), 'dist');
const prototypes = {
  native: () => require('@annywhere/native-linux-x64-gnu').Engine.prototype,
  wasm: async () => (await import(pathToFileURL(path.join(dist, 'annywhere_wasm.js')))).Engine.prototype,
};

const open = (VectorDb, options = {}) => new VectorDb({ dimensions: 2, ...options });
const row = (id, vector = [1, 2]) => ({ id, vector });

/** The beginning of a file of format version 2³² - 1, with the right checksum (FORMAT.md, Header). */
const FROM_THE_FUTURE = Buffer.concat([
  Buffer.from('89414e4e570d0a1a0a000000ffffffff', 'hex'),
  Buffer.alloc(40),
  Buffer.from('683d00df6370aef4', 'hex'),
  Buffer.alloc(64),
]);

const PROVOCATIONS = {
  WrongDimension: ({ VectorDb }) => open(VectorDb).insertBatch([row('a', [1])]),
  NotFinite: ({ VectorDb }) => open(VectorDb).insertBatch([row('a', [1, Number.NaN])]),
  ZeroVector: ({ VectorDb }) => open(VectorDb).insertBatch([row('a', [0, 0])]),
  TooLarge: ({ VectorDb }) => open(VectorDb).insertBatch([row('a', [3e38, 3e38])]),
  InvalidId: ({ VectorDb }) => open(VectorDb).insertBatch([row('')]),
  DuplicateId: ({ VectorDb }) => open(VectorDb).insertBatch([row('a'), row('a')]),
  InvalidMetadata: ({ VectorDb }) => open(VectorDb).insertBatch([{ ...row('a'), metadata: { f() {} } }]),
  InvalidOption: ({ VectorDb }) => open(VectorDb, { dimensions: 0 }),
  InvalidArgument: ({ VectorDb }) => open(VectorDb).search({ vector: [1, 2], k: 0 }),
  Mismatch: async ({ VectorDb }) => open(VectorDb, { dimensions: 3 }).load(await open(VectorDb).toBytes()),
  Corrupt: ({ VectorDb }) => open(VectorDb).load(new Uint8Array(100)),
  VersionTooNew: ({ VectorDb }) => open(VectorDb).load(new Uint8Array(FROM_THE_FUTURE)),
  Io: ({ VectorDb }) => open(VectorDb).load('/nowhere/at/all.annw'),
  Aborted: ({ VectorDb }) => open(VectorDb).search({ vector: [1, 2], signal: AbortSignal.abort('enough') }),
  Closed: async ({ VectorDb }) => {
    const db = open(VectorDb);
    await db.close();
    await db.len();
  },
  EngineUnavailable: ({ VectorDb }) => open(VectorDb, { storagePath: '/nowhere/at/all.annw' }).getStats(),
  NoSpace: (engine) => thrown(engine, { code: 'NoSpace', message: 'no room', details: { reason: 'full' } }),
  Locked: (engine) => thrown(engine, { code: 'Locked', message: 'held', details: { reason: 'held' } }),
  Poisoned: (engine) => thrown(engine, { code: 'Poisoned', message: 'failed', details: { reason: 'flush' } }),
  ReadOnly: async ({ VectorDb }) => {
    const storagePath = mkdtempSync(path.join(tmpdir(), 'annywhere-codes-'));
    try {
      const writer = open(VectorDb, { storagePath });
      await writer.len();
      await writer.close();
      await open(VectorDb, { storagePath, readOnly: true }).insert(row('a'));
    } finally {
      rmSync(storagePath, { recursive: true });
    }
  },
  InvalidFilter: ({ VectorDb }) => open(VectorDb).search({ vector: [1, 2], filter: { a: { $near: 1 } } }),
  OutOfMemory: (engine) => thrown(engine, { code: 'OutOfMemory', message: 'none', details: { bytes: 1 } }),
  EngineFailed: (engine) => thrown(engine, 'the engine panicked'),
};

/** A search whose engine throws this, in a way that harms no other database. */
async function thrown({ name, VectorDb }, what) {
  const db = open(VectorDb);
  await db.insert(row('a'));
  const prototype = await prototypes[name]();
  const { get } = prototype;
  prototype.get = () => {
    throw new Error(typeof what === 'string' ? what : JSON.stringify(what));
  };
  try {
    await db.get('a');
  } finally {
    prototype.get = get;
  }
}

describe('the codes of AnnywhereError', () => {
  const documented = errorCodes();

  it('are all in the table and all provoked here', () => {
    assert.deepEqual(Object.keys(PROVOCATIONS).sort(), documented.map(({ code }) => code).sort());
  });

  it('contain those of the core, with their details', () => {
    const core = readFileSync(new URL('../../crates/annywhere/src/error.rs', import.meta.url), 'utf8');
    const codes = [...core.matchAll(/Self::\w+(?: \{ \.\. \})? => "(\w+)"/g)].map(([, code]) => code);
    assert.ok(codes.length >= 16, `only ${codes.length} codes found in error.rs`);
    for (const code of codes) assert.ok(code in PROVOCATIONS, code);
  });

  // Last, because a failed engine of WebAssembly takes its instance along.
  for (const { code, details } of documented) {
    for (const engine of engines) {
      it(`${code} (${engine.name})`, async () => {
        const error = await rejects(() => PROVOCATIONS[code](engine), code);
        assert.ok(error instanceof engine.AnnywhereError && error.message.length > 3);
        const named = Object.keys(error.details);
        for (const name of named) assert.ok(details.includes(name), `${code} has ${name}, not in the table`);
        if (details.length > 0) assert.ok(named.length > 0, `${code} says nothing of ${details}`);
      });
    }
  }
});
