// How every code of AnnywhereError comes about, in any runtime. What needs a full disk or a broken engine is thrown where
// the engine would throw it, by an engine that `harm` has been at.

/** Makes a class of engines throw what an id says, if it begins so: `throw:the message`. Its source is sent to browsers. */
export function harm(Engine) {
  const { has } = Engine.prototype;
  Engine.prototype.has = function (id) {
    if (id.startsWith('throw:')) throw new Error(id.slice('throw:'.length));
    return has.call(this, id);
  };
}

const open = (VectorDb, options = {}) => new VectorDb({ dimensions: 2, ...options });
const row = (id, vector = [1, 2]) => ({ id, vector });
const inserting =
  (...rows) =>
  ({ VectorDb }) =>
    open(VectorDb).insertBatch(rows);

/** The beginning of a file of format version 2³² - 1, with the right checksum (FORMAT.md, Header). */
const FROM_THE_FUTURE = '89414e4e570d0a1a0a000000ffffffff'.padEnd(2 * 56, '0').concat('683d00df6370aef4');

const provocations = {
  WrongDimension: inserting(row('a', [1])),
  NotFinite: inserting(row('a', [1, Number.NaN])),
  ZeroVector: inserting(row('a', [0, 0])),
  TooLarge: inserting(row('a', [3e38, 3e38])),
  InvalidId: inserting(row('')),
  DuplicateId: inserting(row('a'), row('a')),
  InvalidMetadata: inserting({ ...row('a'), metadata: { f() {} } }),
  InvalidOption: ({ VectorDb }) => open(VectorDb, { dimensions: 0 }),
  InvalidArgument: ({ VectorDb }) => open(VectorDb).search({ vector: [1, 2], k: 0 }),
  InvalidFilter: ({ VectorDb }) => open(VectorDb).search({ vector: [1, 2], filter: { a: { $near: 1 } } }),
  Mismatch: async ({ VectorDb }) => open(VectorDb, { dimensions: 3 }).load(await open(VectorDb).toBytes()),
  Corrupt: ({ VectorDb }) => open(VectorDb).load(new Uint8Array(100)),
  Full: ({ VectorDb }) =>
    open(VectorDb, { maxElements: 1, maxElementsPolicy: 'error' }).insertBatch([row('a'), row('b')]),
  VersionTooNew: ({ VectorDb }) => open(VectorDb).load(bytesOf(FROM_THE_FUTURE, 128)),
  Io: ({ VectorDb, scratch }) => open(VectorDb).load(scratch('nothing.annw')),
  Aborted: ({ VectorDb }) => open(VectorDb).search({ vector: [1, 2], signal: AbortSignal.abort('enough') }),
  Closed: async ({ VectorDb }) => {
    const db = open(VectorDb);
    await db.close();
    await db.len();
  },
  EngineUnavailable: ({ VectorDb, scratch }) =>
    open(VectorDb, { storagePath: scratch('not open') }).getStats(),
  Locked: async ({ VectorDb, scratch }) => {
    const storagePath = scratch('held');
    const holder = await VectorDb.open({ dimensions: 2, storagePath });
    try {
      await VectorDb.open({ dimensions: 2, storagePath });
    } finally {
      await holder.close();
    }
  },
  Changed: async ({ VectorDb }) => {
    const { fetch } = globalThis;
    let asked = 0;
    globalThis.fetch = async () => {
      const headers = { 'content-range': `bytes 0-65535/${1 << 20}`, etag: `"${asked++}"` };
      return new Response(new Uint8Array(65_536), { status: 206, headers });
    };
    try {
      await VectorDb.open('https://files.example/file.annw');
    } finally {
      globalThis.fetch = fetch;
    }
  },
  ReadOnly: async ({ VectorDb, scratch }) => {
    const storagePath = scratch('read only');
    await (await VectorDb.open({ dimensions: 2, storagePath })).close();
    const reader = await VectorDb.open({ storagePath, readOnly: true });
    try {
      await reader.insert(row('a'));
    } finally {
      await reader.close();
    }
  },
  NoSpace: thrown({ code: 'NoSpace', message: 'no room', details: { reason: 'full' } }),
  Poisoned: thrown({ code: 'Poisoned', message: 'failed', details: { reason: 'flush' } }),
  Evicted: thrown({ code: 'Evicted', message: 'gone', details: { reason: 'the browser' } }),
  Interrupted: thrown({ code: 'Interrupted', message: 'the tab is gone' }),
  OutOfMemory: thrown({ code: 'OutOfMemory', message: 'none', details: { bytes: 1 } }),
  // Last, because a failed engine of WebAssembly takes its instance along.
  EngineFailed: thrown('the engine panicked'),
};

export const codes = Object.keys(provocations);

/** Brings about an error, and closes the databases made for it; what the error is. */
export async function provoke(annywhere, code) {
  const made = [];
  const VectorDb = new Proxy(annywhere.VectorDb, {
    construct(target, args) {
      const db = new target(...args);
      made.push(db);
      return db;
    },
  });
  try {
    await provocations[code]({ ...annywhere, VectorDb });
    return { code: 'nothing was thrown' };
  } catch (error) {
    const isOurs = error instanceof annywhere.AnnywhereError;
    return { isOurs, code: error.code, message: error.message, details: Object.keys(error.details ?? {}) };
  } finally {
    for (const db of made) await db.close().catch(() => {});
  }
}

function thrown(what) {
  const message = typeof what === 'string' ? what : JSON.stringify(what);
  return ({ VectorDb }) => open(VectorDb).has(`throw:${message}`);
}

function bytesOf(digits, length) {
  const bytes = new Uint8Array(length);
  for (let at = 0; 2 * at < digits.length; at++)
    bytes[at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}
