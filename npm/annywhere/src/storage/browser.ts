/**
 * The storage of a browser: the origin private file system where it works, else IndexedDB. That is found out by trying,
 * once: a browser may have the file system and refuse every write, as private windows do, or have it without handles for
 * synchronous access, as outside of dedicated workers.
 */
import { ioError } from '../errors.js';
import type { FileStorage } from './files.js';
import { idb } from './idb.js';
import { forget, type Kind, note, refuseEvicted } from './noted.js';
import { opfs } from './opfs.js';
import { findFolder, hasSuperblock, openAccess } from './opfs-folder.js';

const PROBE = 'annywhere-probe';

let chosen: Promise<FileStorage> | undefined;

function choose(): Promise<FileStorage> {
  chosen ??= probe().catch((error: unknown) => {
    chosen = undefined;
    throw error;
  });
  return chosen;
}

async function probe(): Promise<FileStorage> {
  let first: unknown;
  try {
    await tryFiles();
    return opfs;
  } catch (error) {
    first = error;
  }
  if (typeof indexedDB === 'undefined') throw ioError('open', first);
  return idb;
}

/** Writes a byte and reads it back. */
async function tryFiles(): Promise<void> {
  const folder = await findFolder([], false);
  const name = `${PROBE}-${Math.random().toString(36).slice(2)}`;
  const file = await folder.getFileHandle(name, { create: true });
  try {
    const handle = await openAccess(file);
    try {
      const byte = Uint8Array.of(7);
      const read = new Uint8Array(1);
      handle.write(byte, { at: 0 });
      handle.flush();
      // Old browsers answer with promises.
      if (handle.getSize() !== 1 || handle.read(read, { at: 0 }) !== 1 || read[0] !== 7) {
        throw new Error('a byte written could not be read back');
      }
    } finally {
      handle.close();
    }
  } finally {
    await folder.removeEntry(name).catch(() => {});
  }
}

export const browserStorage: FileStorage = {
  kind: 'browser',
  normalize: opfs.normalize,
  join: opfs.join,
  async exists(path) {
    const storage = await choose();
    if (await storage.exists(path)) return true;
    await refuseEvicted(kindOf(storage), path);
    return false;
  },
  load: async (engine, path) => (await choose()).load(engine, path),
  open: async (engine, path, mapped) => (await choose()).open(engine, path, mapped),
  save: async (engine, path) => (await choose()).save(engine, path),
  move: async (from, to) => (await choose()).move(from, to),
  remove: async (path) => (await choose()).remove(path),
  list: async (path) => (await choose()).list(path),
  async openStore(engine, path, options) {
    const storage = await choose();
    // What a worker has written must not look empty from where its files cannot be opened.
    if (storage === idb && (await opfs.exists(path).catch(() => false))) {
      const reason = `${path} is in the origin private file system, which only dedicated workers can open`;
      throw ioError('open', new Error(reason));
    }
    if (!(await holdsStore(storage, path))) await refuseEvicted(kindOf(storage), path);
    const store = await storage.openStore(engine, path, options);
    if (!options.readOnly) await note(kindOf(storage), path);
    // Not waited for: there are browsers that ask the user. In a worker the page has to do it.
    if (options.persist) void navigator.storage?.persist?.().catch(() => {});
    return store;
  },

  async destroy(path) {
    // Both, because a page and a worker may have chosen differently.
    if (globalThis.navigator?.storage?.getDirectory !== undefined) await opfs.destroy(path);
    if (typeof indexedDB !== 'undefined') await idb.destroy(path);
    await forget(path);
  },
};

const kindOf = (storage: FileStorage): Kind => (storage === idb ? 'indexeddb' : 'opfs');

/** A store has a superblock before anybody is told that it exists. */
async function holdsStore(storage: FileStorage, path: string): Promise<boolean> {
  return storage === idb ? idb.exists(path) : hasSuperblock(path);
}
