/** Vectors of a cache in a browser's IndexedDB, one record per key. */
import { invalidArgument } from '../errors.js';
import { request, settled } from '../storage/idb-database.js';
import type { EmbeddingStore } from './cache.js';

const VECTORS = 'vectors';

/**
 * A store of `cachedEmbedder` in a database of its own, which is made at the first use. Where there is no IndexedDB, and
 * where the browser refuses it, `get` and `set` reject.
 */
export function indexedDbStore(name: string): EmbeddingStore {
  if (typeof name !== 'string' || name === '') throw invalidArgument('name', 'must be a non-empty string');
  let opened: Promise<IDBDatabase> | undefined;
  const database = () => {
    opened ??= open(name, () => {
      opened = undefined;
    });
    return opened;
  };
  return {
    async get(key) {
      const vectors = (await database()).transaction(VECTORS).objectStore(VECTORS);
      const bytes: unknown = await request(vectors.get(key));
      return bytes instanceof Uint8Array ? bytes : undefined;
    },
    async set(key, bytes) {
      const transaction = (await database()).transaction(VECTORS, 'readwrite');
      transaction.objectStore(VECTORS).put(bytes, key);
      await settled(transaction);
    },
  };
}

/** Calls `gone` when the database cannot be used any more, so that the next use opens it again. */
async function open(name: string, gone: () => void): Promise<IDBDatabase> {
  try {
    if (typeof indexedDB === 'undefined') throw new Error('this runtime has no IndexedDB');
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(VECTORS);
    const database = await request(opening);
    database.onclose = gone;
    // Somebody deletes the database, or opens a later version of it.
    database.onversionchange = () => {
      database.close();
      gone();
    };
    return database;
  } catch (error) {
    gone();
    throw error;
  }
}
