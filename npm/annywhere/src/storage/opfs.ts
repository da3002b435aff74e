/**
 * The origin private file system of a browser, in a dedicated worker: only there files can be opened for
 * synchronous access. A save writes a temporary file beside the target, flushes it, and moves it over the target.
 */
import type { SyncFile } from '../engine.js';
import { AnnywhereError, ioError } from '../errors.js';
import type { SaveInfo } from '../types.js';
import { type FileEngine, type FileStorage, noSpace, savedFile } from './files.js';
import { type AccessibleFile, findFolder, OpfsFolder, OURS, openAccess, SUPERBLOCK } from './opfs-folder.js';

/** What browsers have and TypeScript's library does not describe. */
interface MovableFile extends AccessibleFile {
  move?(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
}

export const opfs: FileStorage = {
  kind: 'browser',

  normalize(path) {
    const segments = path.replace(/^\//, '').split('/');
    if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
      throw new Error("must be names separated by single slashes, none of them '.' or '..'");
    }
    return segments.join('/');
  },

  async exists(path) {
    const { folderNames, name } = split(path);
    try {
      const folder = await findFolder(folderNames, false);
      for await (const entry of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) {
        if (entry === name) return true;
      }
      return false;
    } catch (error) {
      if (hasName(error, 'NotFoundError')) return false;
      throw translate('open', error);
    }
  },

  async load(engine, path) {
    const file = await findFile(path);
    if (!file) throw ioError('open', new Error(`${path} does not exist in this origin's file system`));
    await withAccess(file, (handle) => engine.loadFile(handle));
  },

  async open(engine, path) {
    const file = await findFile(path);
    if (!file) throw ioError('open', new Error(`${path} does not exist in this origin's file system`));
    const handle = await opened(() => openAccess(file));
    try {
      await engine.openFile(handle, false);
    } catch (error) {
      handle.close();
      throw error;
    }
    return () => handle.close();
  },

  async save(engine, path) {
    const { folderNames, name } = split(path);
    try {
      const folder = await findFolder(folderNames, true);
      const temporary = await folder.getFileHandle(`${name}.saving`, { create: true });
      return await writeAndMove(engine, temporary, folder, name);
    } catch (error) {
      throw translate('save', error);
    }
  },

  async move(from, to) {
    const { folderNames, name } = split(to);
    const file = await findFile(from);
    if (!file?.move) throw ioError('rename', new Error(`${from} cannot be moved`));
    await file.move(await findFolder(folderNames, false), name);
  },

  async remove(path) {
    const { folderNames, name } = split(path);
    const folder = await findFolder(folderNames, false).catch(() => undefined);
    await folder?.removeEntry(name).catch(() => {});
  },

  async list(path) {
    const folder = await findFolder(path.split('/'), false).catch(() => undefined);
    return folder ? namesIn(folder) : [];
  },

  async destroy(path) {
    const { folderNames, name } = split(path);
    try {
      const folder = await findFolder(folderNames, false);
      const own = await folder.getDirectoryHandle(name);
      // The superblock first: while somebody has it open, nothing can be removed.
      for (const file of [SUPERBLOCK, ...(await namesIn(own)).filter((file) => OURS.test(file))]) {
        await own.removeEntry(file).catch((error: unknown) => {
          if (!hasName(error, 'NotFoundError')) throw error;
        });
      }
      // With anything else in it the folder stays.
      if ((await namesIn(own)).length === 0) await folder.removeEntry(name);
    } catch (error) {
      if (!hasName(error, 'NotFoundError')) throw translate('remove', error);
    }
  },

  join: (folder, name) => `${folder}/${name}`,

  async openStore(engine, path, options) {
    const folder = await opened(() => OpfsFolder.open(path, options.readOnly));
    try {
      // The engine opens files at once and the browser does not: each file that was missed is made, and recovery,
      // which may be begun any number of times, begins again.
      while (!(await folder.attempt(() => engine.openStore(folder, options.readOnly, false)))) {}
    } catch (error) {
      await folder.close();
      throw translate('open', error);
    }
    return folder;
  },
};

async function namesIn(folder: FileSystemDirectoryHandle): Promise<string[]> {
  const names: string[] = [];
  for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name);
  return names;
}

async function opened<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw translate('open', error);
  }
}

async function writeAndMove(
  engine: FileEngine,
  temporary: MovableFile,
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<SaveInfo> {
  try {
    const saved = await withAccess(temporary, async (handle) => {
      await engine.saveFile(handle);
      return savedFile(handle);
    });
    if (!temporary.move) throw new Error('this browser cannot move files; use toBytes() and load(bytes)');
    await temporary.move(folder, name);
    return saved;
  } catch (error) {
    // The first error says what happened; a temporary file that stays is overwritten by the next save.
    await folder.removeEntry(temporary.name).catch(() => {});
    throw error;
  }
}

async function withAccess<T>(file: MovableFile, body: (handle: SyncFile) => Promise<T>): Promise<T> {
  const handle = await opened(() => openAccess(file));
  try {
    return await body(handle);
  } finally {
    handle.close();
  }
}

async function findFile(path: string): Promise<MovableFile | undefined> {
  const { folderNames, name } = split(path);
  try {
    return await (await findFolder(folderNames, false)).getFileHandle(name);
  } catch (error) {
    if (hasName(error, 'NotFoundError')) return undefined;
    throw translate('open', error);
  }
}

function split(path: string): { folderNames: readonly string[]; name: string } {
  const segments = path.split('/');
  return { folderNames: segments.slice(0, -1), name: segments.at(-1) ?? '' };
}

/** Errors of the engine pass as they are; others come from the browser. */
function translate(operation: string, error: unknown): AnnywhereError {
  if (error instanceof AnnywhereError) return error;
  if (hasName(error, 'QuotaExceededError')) return noSpace(error);
  if (!hasName(error, 'NoModificationAllowedError')) return ioError(operation, error);
  const reason = error.message;
  const sentence = `the storage is held by another writer: ${reason}`;
  return new AnnywhereError('Locked', sentence, { reason }, { cause: error });
}

function hasName(error: unknown, name: string): error is Error {
  return error instanceof Error && error.name === name;
}
