/**
 * Opens a database in one call: a store, which is made if there is none, or a file from anywhere. The dimensions need not be
 * known: a database that is made with others than those of a file is refused with them, and then made again.
 */
import { AnnywhereError, describe, invalidArgument, invalidOption, ioError } from './errors.js';
import { checkOriginals } from './load-options.js';
import { MAX_DIMENSIONS } from './options.js';
import type { Runtime } from './runtime.js';
import { beginFile, type FileStart } from './storage/http-file.js';
import type { DbOptions, LoadOptions, OpenOptions, OpenSource, Stats } from './types.js';
import { openRanged } from './vector-db.js';

/** What is needed of a database. */
interface Openable {
  len(): Promise<number>;
  flush(): Promise<void>;
  load(source: string | Uint8Array | ArrayBuffer, options?: LoadOptions): Promise<void>;
  getStats(): Stats;
  close(): Promise<void>;
  [openRanged](start: FileStart): Promise<void>;
}

/** As many as there can be, so that options which depend on them pass; nothing of that size is made. */
const GUESS = MAX_DIMENSIONS;

/** What `VectorDb.open` of every entry does; `make` makes the database. */
export async function openDatabase<Db extends Openable>(
  make: (options: DbOptions) => Db,
  what: OpenSource | OpenOptions,
  options: OpenOptions = {},
): Promise<Db> {
  if (isOptions(what)) return openStore(make, what);
  const { originals, ...rest } = options;
  if (rest.storagePath !== undefined || rest.storage !== undefined) {
    throw invalidOption(
      rest.storage === undefined ? 'storagePath' : 'storage',
      'opens a store, and a file is to be opened; load() takes one into a store',
    );
  }
  const url = urlOf(what);
  if (url !== undefined && checkOriginals(originals ?? 'storage') !== 'memory') {
    if (originals === 'mapped')
      throw invalidArgument('originals', `can be 'mapped' only where the source is a path`);
    const start = await beginFile(url);
    return attempt(make, rest, (db) => db[openRanged](start));
  }
  const source = url === undefined ? await sourceOf(what) : await fetched(url);
  return attempt(make, rest, (db) =>
    originals === undefined ? db.load(source) : db.load(source, { originals }),
  );
}

/** What `VectorDb.destroy` of every entry does. */
export async function destroyStore({ storage }: Runtime, path: string): Promise<void> {
  if (typeof path !== 'string' || path === '')
    throw invalidArgument('storagePath', `must be a path, not ${describe(path)}`);
  if (!storage) throw invalidArgument('storagePath', 'leads nowhere: this runtime has no storage');
  let normal: string;
  try {
    normal = storage.normalize(path);
  } catch (error) {
    throw invalidArgument('storagePath', (error as Error).message);
  }
  await storage.destroy(normal);
}

async function openStore<Db extends Openable>(
  make: (options: DbOptions) => Db,
  { originals, ...options }: OpenOptions,
): Promise<Db> {
  if (originals !== undefined) throw invalidOption('originals', 'is for files; a store is in memory');
  if (options.storagePath === undefined && options.storage === undefined)
    throw invalidOption('storagePath', 'is required: where the store is');
  const { dimensions, readOnly } = options;
  return attempt(make, options, async (db) => {
    // Something that waits for a store makes it.
    if (dimensions !== undefined && !readOnly) return db.flush();
    await db.len();
    if (dimensions === undefined && db.getStats().storage === undefined) {
      const reason = `is required, because there is no database at ${options.storagePath ?? 'the storage'} yet`;
      throw invalidOption('dimensions', reason);
    }
  });
}

/** Makes a database and begins; with other dimensions once more if they were not given and turn out to be others. */
async function attempt<Db extends Openable>(
  make: (options: DbOptions) => Db,
  options: Partial<DbOptions>,
  begin: (db: Db) => Promise<void>,
): Promise<Db> {
  if (options.dimensions !== undefined) return begun(make(options as DbOptions), begin);
  const { maxElements, maxElementsPolicy, ...sizeless } = options;
  try {
    const guessed = await begun(make({ ...sizeless, dimensions: GUESS }), begin);
    if (maxElements === undefined) return guessed;
    await guessed.close();
    return begun(make({ ...options, dimensions: GUESS }), begin);
  } catch (error) {
    return begun(make({ ...options, dimensions: dimensionsIn(error) }), begin);
  }
}

async function begun<Db extends Openable>(db: Db, begin: (db: Db) => Promise<void>): Promise<Db> {
  try {
    await begin(db);
    return db;
  } catch (error) {
    await db.close().catch(() => {});
    throw error;
  }
}

/** The refusal of a file with other dimensions says how many there are. */
function dimensionsIn(error: unknown): number {
  const isOther = error instanceof AnnywhereError && error.code === 'Mismatch';
  const { option, received } = isOther ? error.details : {};
  if (option === 'dimensions') return Number(received);
  throw error;
}

function isOptions(what: OpenSource | OpenOptions): what is OpenOptions {
  if (typeof what !== 'object' || what === null) return false;
  const prototype: unknown = Object.getPrototypeOf(what);
  return (
    (prototype === Object.prototype || prototype === null) && !('href' in what) && !('arrayBuffer' in what)
  );
}

/** The URL of something that is fetched. */
function urlOf(what: OpenSource): string | undefined {
  if (typeof what === 'string') return /^https?:\/\//i.test(what) ? what : undefined;
  if (typeof what !== 'object' || what === null || !('href' in what)) return undefined;
  return what.href.startsWith('file:') ? undefined : what.href;
}

/** A path, or the bytes of a file. */
async function sourceOf(what: OpenSource): Promise<string | Uint8Array | ArrayBuffer> {
  if (typeof what === 'string') return what;
  if (typeof what !== 'object' || what === null) {
    throw invalidArgument('source', `must be a path, a URL, bytes or a Blob, not ${describe(what)}`);
  }
  if ('href' in what) return pathOf(what.href);
  if (!('arrayBuffer' in what)) return what;
  if (what.ok === false) throw ioError('open', new Error(`the response has the status ${what.status}`));
  return what.arrayBuffer();
}

async function fetched(url: string): Promise<ArrayBuffer> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} answered with status ${response.status}`);
    return await response.arrayBuffer();
  } catch (error) {
    throw ioError('open', error);
  }
}

/** On Windows the path of a URL begins with a slash before the drive. */
const pathOf = (url: string): string =>
  decodeURIComponent(new URL(url).pathname).replace(/^\/(?=[A-Za-z]:)/, '');
