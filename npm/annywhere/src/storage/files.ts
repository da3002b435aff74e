/** Where databases are kept, as the database sees it. One implementation per kind of runtime. */
import type { SyncFile } from '../engine.js';
import { AnnywhereError } from '../errors.js';
import type { ImplementationType, SaveInfo } from '../types.js';
import type { OpenStore, StoreEngine, StoreOptions } from './store.js';

/** What of an engine a storage needs. A native engine takes paths, a WebAssembly engine open files. */
export interface FileEngine {
  readonly implementation: ImplementationType;
  loadFile(source: string | SyncFile): Promise<void>;
  openFile(source: string | SyncFile, mapped: boolean): Promise<void>;
  saveFile(target: string | SyncFile): Promise<void>;
}

export interface FileStorage {
  readonly kind: 'files' | 'browser';
  /** The one spelling of a path; throws an `Error` whose message ends a sentence, for a path that cannot be. */
  normalize(path: string): string;
  /** Whether there is a file or a folder at the path. */
  exists(path: string): Promise<boolean>;
  /** Replaces the engine's content by the file's; unchanged on error. */
  load(engine: FileEngine, path: string): Promise<void>;
  /**
   * Has the engine read from the file from now on, mapped into memory if that is asked for and can be, and resolves with
   * what closes it.
   */
  open(engine: FileEngine, path: string, mapped: boolean): Promise<() => void>;
  /** Puts the engine's content in the place of the file, whole or not at all; folders are created. */
  save(engine: FileEngine, path: string): Promise<SaveInfo>;
  /** Puts a file in the place of another, durably. */
  move(from: string, to: string): Promise<void>;
  /** Removes a file; no error if there is none. */
  remove(path: string): Promise<void>;
  /** The names of what is in a folder; none if there is no folder. */
  list(path: string): Promise<string[]>;
  /** The path of something in a folder. */
  join(folder: string, name: string): string;
  /** Removes the store at a path; no error if there is none. */
  destroy(path: string): Promise<void>;
  /** Opens the store at a path, or makes one, and has the engine take its content. */
  openStore(engine: StoreEngine, path: string, options: StoreOptions): Promise<OpenStore>;
}

/** Where the header of a file has its content id (FORMAT.md, Segment). */
const CONTENT_ID = { at: 32, bytes: 16 };

/** What was written to a file, as its header says. */
export function savedFile(file: Pick<SyncFile, 'read' | 'getSize'>): SaveInfo {
  const id = new Uint8Array(CONTENT_ID.bytes);
  file.read(id, { at: CONTENT_ID.at });
  return {
    bytes: file.getSize(),
    checksum: Array.from(id, (byte) => byte.toString(16).padStart(2, '0')).join(''),
  };
}

export function noSpace(cause: Error): AnnywhereError {
  const reason = cause.message;
  return new AnnywhereError('NoSpace', `no space left while writing: ${reason}`, { reason }, { cause });
}
