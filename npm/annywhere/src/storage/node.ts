/**
 * Files of the operating system. The native engine reads and writes them itself; the WebAssembly engine works on an
 * open file, and a save is the same as in `crates/annywhere-node/src/files.rs`: a temporary file in the same
 * folder, flushed, then renamed over the target, then the folder flushed.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { SyncFile } from '../engine.js';
import { ioError } from '../errors.js';
import type { SaveInfo } from '../types.js';
import { type FileEngine, type FileStorage, savedFile } from './files.js';
import { flushFolder, hasCode, translate } from './node-files.js';
import { createDurably, NodeFolder } from './node-folder.js';
import { lock } from './node-lock.js';
import type { OpenStore, Room, StoreEngine, StoreOptions } from './store.js';

/** The names of a store's files (FORMAT.md, Store). */
const OURS = /^(superblock|lock|segment-[0-9a-f]{16}\.annw|journal-[0-9a-f]{16}\.annj)$/;

export const nodeFiles: FileStorage = {
  kind: 'files',

  normalize(path) {
    if (path.includes('\0')) throw new Error('contains a NUL character');
    return resolve(path);
  },

  async exists(path) {
    try {
      fs.statSync(path);
      return true;
    } catch (error) {
      // Only a missing file is an empty database; one that cannot be looked at is an error.
      if (hasCode(error, 'ENOENT')) return false;
      throw translate('open', error);
    }
  },

  async load(engine, path) {
    if (engine.implementation === 'native') return engine.loadFile(path);
    const file = open(path, 'r');
    try {
      await engine.loadFile(file);
    } finally {
      file.close();
    }
  },

  async open(engine, path, mapped) {
    if (engine.implementation === 'native') {
      await engine.openFile(path, mapped);
      return () => {};
    }
    const file = open(path, 'r');
    try {
      await engine.openFile(file, false);
    } catch (error) {
      file.close();
      throw error;
    }
    return () => file.close();
  },

  async save(engine, path) {
    if (engine.implementation === 'native') {
      await engine.saveFile(path);
      const file = open(path, 'r');
      try {
        return savedFile(file);
      } finally {
        file.close();
      }
    }
    const target = targetOf(path);
    const folder = dirname(target);
    // Random and not counted: process ids repeat, in containers at once, and threads share them.
    const temporary = `${target}.${randomBytes(8).toString('hex')}.saving`;
    try {
      fs.mkdirSync(folder, { recursive: true });
      const saved = await writeNew(engine, temporary);
      if (fs.existsSync(target)) fs.chmodSync(temporary, fs.statSync(target).mode);
      fs.renameSync(temporary, target);
      flushFolder(folder);
      return saved;
    } catch (error) {
      remove(temporary);
      throw translate('save', error);
    }
  },

  async move(from, to) {
    try {
      fs.renameSync(from, to);
      flushFolder(dirname(to));
    } catch (error) {
      throw translate('rename', error);
    }
  },

  async remove(path) {
    fs.rmSync(path, { force: true });
  },

  async list(path) {
    try {
      return fs.readdirSync(path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return [];
      throw translate('list', error);
    }
  },

  async destroy(path) {
    try {
      if (!fs.existsSync(path)) return;
      const release = lock(path);
      try {
        for (const name of fs.readdirSync(path)) if (OURS.test(name)) fs.rmSync(join(path, name));
      } finally {
        release();
      }
      // What else is there is not ours.
      if (fs.readdirSync(path).length === 0) fs.rmdirSync(path);
      flushFolder(dirname(path));
    } catch (error) {
      throw translate('remove', error);
    }
  },

  join,

  async openStore(engine, path, options) {
    if (engine.implementation === 'native') {
      await engine.openStore(path, options.readOnly, options.durability === 'strict');
      return { kind: 'files', room: () => room(path), close: async () => {} };
    }
    return openFolder(engine, path, options);
  },
};

async function openFolder(engine: StoreEngine, path: string, options: StoreOptions): Promise<OpenStore> {
  let release = () => {};
  const folder = new NodeFolder(path, options.readOnly);
  try {
    if (fs.existsSync(path) && !fs.statSync(path).isDirectory()) {
      const reason = `${path}: it is a file; load(path) reads it, and storagePath names a folder`;
      throw ioError('open', new Error(reason));
    }
    if (!options.readOnly) {
      createDurably(path);
      release = lock(path);
    }
    await engine.openStore(folder, options.readOnly, false);
  } catch (error) {
    folder.close();
    release();
    throw translate('open', error);
  }
  const close = async () => {
    folder.close();
    release();
  };
  return { kind: 'files', room: () => room(path), close };
}

/** What this process may still write to the file system of a path. */
async function room(path: string): Promise<Room> {
  const { bavail, bsize } = fs.statfsSync(path);
  return { freeBytes: bavail * bsize };
}

/** The path, or that of the file to which a link leads. A rename would put a file in the place of a device or a pipe. */
function targetOf(path: string): string {
  if (!fs.existsSync(path)) return path;
  const target = fs.realpathSync(path);
  if (!fs.statSync(target).isFile()) throw translate('save', new Error(`${target} is not a file`));
  return target;
}

async function writeNew(engine: FileEngine, path: string): Promise<SaveInfo> {
  const file = open(path, 'wx+');
  try {
    await engine.saveFile(file);
    return savedFile(file);
  } finally {
    file.close();
  }
}

/** The error before this says what happened; a file that cannot be removed either changes nothing about it. */
function remove(path: string): void {
  try {
    fs.unlinkSync(path);
  } catch {}
}

function open(path: string, flags: string): SyncFile {
  let descriptor: number;
  try {
    descriptor = fs.openSync(path, flags);
    if (!fs.fstatSync(descriptor).isFile()) throw new Error(`${path} is not a file`);
  } catch (error) {
    throw translate('open', error);
  }
  return {
    // Both go on until all is done: the operating system may do less than it was asked for in one call.
    read(buffer, { at }) {
      let done = 0;
      while (done < buffer.length) {
        const read = fs.readSync(descriptor, buffer, done, buffer.length - done, at + done);
        if (read === 0) break;
        done += read;
      }
      return done;
    },
    write(buffer, { at }) {
      let done = 0;
      while (done < buffer.length) {
        done += fs.writeSync(descriptor, buffer, done, buffer.length - done, at + done);
      }
      return done;
    },
    getSize: () => fs.fstatSync(descriptor).size,
    truncate: (size) => fs.ftruncateSync(descriptor, size),
    flush: () => fs.fsyncSync(descriptor),
    close: () => fs.closeSync(descriptor),
  };
}
