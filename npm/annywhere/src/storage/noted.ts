/**
 * Which stores a browser was given to keep, noted in its other storages. Browsers remove what they were given when room gets
 * scarce, or by a fault a part of it: a store that is noted and not there was there, and is no empty database.
 *
 * All that an origin has in its file system and in IndexedDB goes at once, as a rule; what stays then is `localStorage`. Workers
 * have none, so the page tells them what it knows.
 */
import { AnnywhereError } from '../errors.js';
import { FILES, openDatabase, request, settled } from './idb-database.js';
import { findFolder } from './opfs-folder.js';

export type Kind = 'opfs' | 'indexeddb';

const NAME = 'annywhere-stores';
const KINDS: readonly Kind[] = ['opfs', 'indexeddb'];

/** What the page has told this worker. */
const told = new Set<string>();

const keyOf = (kind: Kind, path: string): string => `${kind}:${path}`;

/** Somewhere to note keys. Any of it may fail: a note is no more than help. */
interface Notes {
  has(key: string): Promise<boolean>;
  add(key: string): Promise<unknown>;
  remove(key: string): Promise<unknown>;
}

/** Where stores of a kind are noted: anywhere but where they are. */
const notesFor: Readonly<Record<Kind, readonly Notes[]>> = {
  opfs: [
    inLocalStorage(),
    {
      has: async (key) => (await inDatabase('readonly', (files) => files.get(key))) !== undefined,
      add: (key) => inDatabase('readwrite', (files) => files.put(1, key)),
      remove: (key) => inDatabase('readwrite', (files) => files.delete(key)),
    },
  ],
  indexeddb: [
    inLocalStorage(),
    {
      has: async (key) => (await findFolder([NAME, encodeURIComponent(key)], false)) !== undefined,
      add: (key) => findFolder([NAME, encodeURIComponent(key)], true),
      remove: async (key) => (await findFolder([NAME], false)).removeEntry(encodeURIComponent(key)),
    },
  ],
};

/** Rejects with `Evicted` if a store that is not there is noted. */
export async function refuseEvicted(kind: Kind, path: string): Promise<void> {
  const key = keyOf(kind, path);
  const found = await Promise.all(notesFor[kind].map(({ has }) => has(key).catch(() => false)));
  if (!told.has(key) && !found.includes(true)) return;
  const reason = `${path} was kept in this browser and is not there any more`;
  throw new AnnywhereError('Evicted', `${reason}; VectorDb.destroy(path) lets a new one be made`, { reason });
}

export async function note(kind: Kind, path: string): Promise<void> {
  const key = keyOf(kind, path);
  // The page has noted it already.
  if (told.has(key)) return;
  await Promise.allSettled(notesFor[kind].map(({ add }) => add(key)));
}

export async function forget(path: string): Promise<void> {
  for (const kind of KINDS) {
    const key = keyOf(kind, path);
    told.delete(key);
    await Promise.allSettled(notesFor[kind].map(({ remove }) => remove(key)));
  }
}

/** In a page: the kinds under which a path is noted, for its worker. */
export function notedInPage(path: string): Kind[] {
  return KINDS.filter((kind) => pageStorage()?.getItem(NAME + keyOf(kind, path)));
}

/** In a page: what its worker has opened. */
export function noteInPage(kind: Kind, path: string): void {
  try {
    pageStorage()?.setItem(NAME + keyOf(kind, path), '1');
  } catch {}
}

/** In a worker: what its page has noted. */
export function tell(kinds: readonly Kind[], path: string): void {
  for (const kind of kinds) told.add(keyOf(kind, path));
}

function inLocalStorage(): Notes {
  return {
    has: async (key) => Boolean(pageStorage()?.getItem(NAME + key)),
    add: async (key) => pageStorage()?.setItem(NAME + key, '1'),
    remove: async (key) => pageStorage()?.removeItem(NAME + key),
  };
}

/** Some windows refuse even the question. */
function pageStorage(): Storage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

async function inDatabase<T>(
  mode: IDBTransactionMode,
  body: (files: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await openDatabase(NAME);
  try {
    const transaction = database.transaction(FILES, mode);
    const result = request(body(transaction.objectStore(FILES)));
    await settled(transaction);
    return await result;
  } finally {
    database.close();
  }
}
