/**
 * Databases in IndexedDB, for browsers and windows without a usable origin private file system. The engine writes at once,
 * into memory; what it has written is then put into IndexedDB in one transaction, before the call is acknowledged.
 */
import type { SyncFile } from '../engine.js';
import { AnnywhereError, ioError } from '../errors.js';
import { browserRoom } from './browser-room.js';
import { type FileEngine, type FileStorage, noSpace, savedFile } from './files.js';
import { FILES, openDatabase, request, settled } from './idb-database.js';
import { IdbPages, lock } from './idb-pages.js';
import { openBatches } from './pages.js';

const PREFIX = 'annywhere:';

export const idb: FileStorage = {
  kind: 'browser',

  normalize: (path) => path.replace(/^\//, ''),

  async exists(path) {
    const names = (await indexedDB.databases()).map(({ name }) => name);
    return names.includes(PREFIX + path);
  },

  load: (engine, path) =>
    translated('open', async () => {
      const bytes = await withFiles('readonly', 'relaxed', (files) => files.get(path) as IDBRequest<unknown>);
      if (!(bytes instanceof ArrayBuffer)) throw new Error(`${path} does not exist in this origin's storage`);
      await engine.loadFile(fileOf(new Uint8Array(bytes)));
    }),

  open: async () => {
    throw ioError('open', new Error('files in IndexedDB are read whole, so vectors cannot stay in them'));
  },

  save: (engine: FileEngine, path) =>
    translated('save', async () => {
      const file = fileOf(new Uint8Array(0));
      await engine.saveFile(file);
      await withFiles('readwrite', 'strict', (files) => files.put(file.bytes().buffer, path));
      return savedFile(file);
    }),

  move: (from, to) =>
    translated('rename', async () => {
      const bytes = await withFiles('readonly', 'relaxed', (files) => files.get(from) as IDBRequest<unknown>);
      await withFiles('readwrite', 'strict', (files) => {
        files.put(bytes, to);
        return files.delete(from);
      });
    }),

  remove: (path) =>
    translated('remove', async () => {
      await withFiles('readwrite', 'strict', (files) => files.delete(path));
    }),

  list: (path) =>
    translated('list', async () => {
      const keys = await withFiles('readonly', 'relaxed', (files) => files.getAllKeys());
      const names = keys.map(String).filter((key) => key.startsWith(`${path}/`));
      return names.map((key) => key.slice(path.length + 1));
    }),

  join: (folder, name) => `${folder}/${name}`,

  destroy: (path) =>
    translated('remove', async () => {
      const unlock = await lock(PREFIX + path);
      try {
        await request(indexedDB.deleteDatabase(PREFIX + path));
      } finally {
        unlock();
      }
    }),

  openStore: (engine, path, options) =>
    translated('open', async () => {
      const pages = await IdbPages.open(PREFIX + path, options.readOnly);
      try {
        return await openBatches(engine, pages, options, browserRoom);
      } catch (error) {
        pages.close();
        throw error;
      }
    }),
};

/** One request to the files that `save(path)` writes. */
async function withFiles<T>(
  mode: IDBTransactionMode,
  durability: IDBTransactionDurability,
  body: (files: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await openDatabase('annywhere');
  try {
    const transaction = database.transaction(FILES, mode, { durability });
    const result = request(body(transaction.objectStore(FILES)));
    await settled(transaction);
    return await result;
  } finally {
    database.close();
  }
}

/** A file in memory, with the face that the engine knows. */
function fileOf(start: Uint8Array): SyncFile & { bytes(): Uint8Array<ArrayBuffer> } {
  let [bytes, size] = [new Uint8Array(start), start.length];
  const grow = (least: number) => {
    if (least <= bytes.length) return;
    const larger = new Uint8Array(Math.max(least, 2 * bytes.length));
    larger.set(bytes);
    bytes = larger;
  };
  return {
    read(buffer, { at }) {
      const part = bytes.subarray(at, Math.min(size, at + buffer.length));
      buffer.set(part);
      return part.length;
    },
    write(buffer, { at }) {
      grow(at + buffer.length);
      bytes.set(buffer, at);
      size = Math.max(size, at + buffer.length);
      return buffer.length;
    },
    getSize: () => size,
    truncate(length) {
      grow(length);
      bytes.fill(0, length);
      size = length;
    },
    flush() {},
    close() {},
    bytes: () => bytes.slice(0, size),
  };
}

async function translated<T>(operation: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof AnnywhereError) throw error;
    if (error instanceof Error && error.name === 'QuotaExceededError') throw noSpace(error);
    throw ioError(operation, error);
  }
}
