/**
 * The folder of a store in IndexedDB. Files are cut into pages, which are in memory while the engine may read them; what it
 * writes is marked, and `commit` puts it all into one transaction. That transaction first looks whether the number of the
 * last one is still ours: if another tab has written, it changes nothing and fails.
 */

import type { SyncFolder } from '../engine.js';
import { AnnywhereError, ioError } from '../errors.js';
import type { Durability } from '../types.js';
import { browserRoom } from './browser-room.js';
import { noSpace } from './files.js';
import { openDatabase, PAGES, request, STATE, settled } from './idb-database.js';
import type { OpenStore, StoreOptions } from './store.js';

/** A change rewrites a page of the journal; segments are written once, in large pages. */
const PAGE_BYTES = 64 * 1024;
const SEGMENT_PAGE_BYTES = 1 << 20;

interface State {
  readonly transaction: number;
  readonly sizes: Readonly<Record<string, number>>;
}

interface PagedFile {
  size: number;
  readonly pageBytes: number;
  readonly pages: Map<number, Uint8Array<ArrayBuffer>>;
  readonly dirty: Set<number>;
}

export class IdbFolder implements SyncFolder, OpenStore {
  readonly kind = 'indexeddb';
  readonly room = browserRoom;
  readonly #database: IDBDatabase;
  readonly #files = new Map<string, PagedFile>();
  readonly #removed = new Set<string>();
  readonly #unlock: () => void;
  readonly #readOnly: boolean;
  #transaction = 0;
  #isChanged = false;
  /** Why nothing is written any more: memory is ahead of what is stored. */
  #failure: unknown;
  /** The commit that is under way; the next waits for it. */
  #committing: Promise<void> = Promise.resolve();

  private constructor(database: IDBDatabase, unlock: () => void, readOnly: boolean) {
    this.#database = database;
    this.#unlock = unlock;
    this.#readOnly = readOnly;
  }

  static async open(name: string, { readOnly }: StoreOptions): Promise<IdbFolder> {
    const unlock = readOnly ? () => {} : await lock(name);
    try {
      if (readOnly && !(await indexedDB.databases()).some((other) => other.name === name)) {
        throw new Error('there is no database at this path');
      }
      const folder = new IdbFolder(await openDatabase(name), unlock, readOnly);
      await folder.#read();
      return folder;
    } catch (error) {
      unlock();
      throw error;
    }
  }

  list(): string[] {
    return [...this.#files.keys()];
  }

  size(name: string): number {
    return this.#files.get(name)?.size ?? -1;
  }

  read(name: string, buffer: Uint8Array, at: number): number {
    const file = this.#files.get(name);
    if (!file) return 0;
    const end = Math.min(file.size, at + buffer.length);
    for (const { number, from, to, begin } of parts(file, at, end)) {
      const page = file.pages.get(number);
      if (page) buffer.set(page.subarray(from, to), begin - at);
      else buffer.fill(0, begin - at, begin - at + to - from);
    }
    return Math.max(0, end - at);
  }

  write(name: string, bytes: Uint8Array, at: number): number {
    if (this.#failure) throw this.#failure;
    const file = this.#make(name);
    for (const { number, from, to, begin } of parts(file, at, at + bytes.length)) {
      page(file, number).set(bytes.subarray(begin - at, begin - at + to - from), from);
      file.dirty.add(number);
    }
    file.size = Math.max(file.size, at + bytes.length);
    this.#isChanged = true;
    return bytes.length;
  }

  truncate(name: string, size: number): void {
    const file = this.#make(name);
    const last = Math.floor(size / file.pageBytes);
    for (const number of file.pages.keys()) {
      if (number < last) continue;
      page(file, number).fill(0, number === last ? size % file.pageBytes : 0);
      file.dirty.add(number);
    }
    file.size = size;
    this.#isChanged = true;
  }

  // Everything waits for the commit.
  flush(): void {}

  flushList(): void {}

  remove(name: string): void {
    if (!this.#files.delete(name)) return;
    this.#removed.add(name);
    this.#isChanged = true;
  }

  commit(durability: Durability): Promise<void> {
    const commit = this.#committing.then(() => this.#commit(durability));
    this.#committing = commit.catch(() => {});
    return commit;
  }

  /** Reads again what memory has let go of. */
  async recall(): Promise<void> {
    await this.commit('group');
    await this.#read();
  }

  async close(): Promise<void> {
    await this.#committing;
    this.#database.close();
    this.#unlock();
  }

  async #commit(durability: Durability): Promise<void> {
    if (!this.#isChanged || this.#readOnly) return;
    if (this.#failure) throw this.#failure;
    const how = durability === 'strict' ? 'strict' : 'relaxed';
    const transaction = this.#database.transaction([PAGES, STATE], 'readwrite', { durability: how });
    const done = settled(transaction);
    const [pages, states] = [transaction.objectStore(PAGES), transaction.objectStore(STATE)];
    const expected = this.#transaction;
    let overtaken = false;
    const looking = states.get(0) as IDBRequest<State | undefined>;
    looking.onsuccess = () => {
      overtaken = (looking.result?.transaction ?? 0) !== expected;
      if (overtaken) transaction.abort();
    };
    for (const name of this.#removed) pages.delete(IDBKeyRange.bound([name], [name, []]));
    const written: [PagedFile, number][] = [];
    for (const [name, file] of this.#files) {
      for (const number of file.dirty) {
        pages.put(page(file, number), [name, number]);
        written.push([file, number]);
      }
      file.dirty.clear();
    }
    const sizes = Object.fromEntries([...this.#files].map(([name, { size }]) => [name, size]));
    states.put({ transaction: expected + 1, sizes } satisfies State, 0);
    this.#isChanged = false;
    this.#removed.clear();
    try {
      await done;
    } catch (error) {
      const told = overtaken ? lockedBy('another tab has written to the database') : storageError(error);
      this.#failure = told;
      throw told;
    }
    this.#transaction = expected + 1;
    for (const [file, number] of written) {
      // The engine reads a segment when it opens the store, and never again. It writes one from its start to its end, and
      // may go on in the last page.
      const isDone = file.pageBytes === SEGMENT_PAGE_BYTES && file.pages.has(number + 1);
      if (isDone && !file.dirty.has(number)) file.pages.delete(number);
    }
  }

  async #read(): Promise<void> {
    const transaction = this.#database.transaction([PAGES, STATE], 'readonly');
    const done = settled(transaction);
    const state = request(transaction.objectStore(STATE).get(0) as IDBRequest<State | undefined>);
    const pages = transaction.objectStore(PAGES);
    const [keys, values] = [request(pages.getAllKeys()), request(pages.getAll())];
    await done;
    const { transaction: last, sizes } = (await state) ?? { transaction: 0, sizes: {} };
    this.#transaction = last;
    this.#files.clear();
    for (const [name, size] of Object.entries(sizes)) this.#make(name).size = size;
    const contents = (await values) as Uint8Array<ArrayBuffer>[];
    for (const [at, key] of (await keys).entries()) {
      const [name, number] = key as [string, number];
      this.#files.get(name)?.pages.set(number, contents[at] as Uint8Array<ArrayBuffer>);
    }
    this.#isChanged = false;
  }

  #make(name: string): PagedFile {
    const there = this.#files.get(name);
    if (there) return there;
    const pageBytes = name.startsWith('segment') ? SEGMENT_PAGE_BYTES : PAGE_BYTES;
    const file = { size: 0, pageBytes, pages: new Map(), dirty: new Set<number>() };
    this.#files.set(name, file);
    return file;
  }
}

/** The parts of pages that a stretch of a file covers; `begin` is where a part stands in the file. */
function* parts({ pageBytes }: PagedFile, at: number, end: number) {
  for (let begin = at; begin < end; ) {
    const number = Math.floor(begin / pageBytes);
    const from = begin - number * pageBytes;
    const to = Math.min(pageBytes, from + end - begin);
    yield { number, from, to, begin };
    begin += to - from;
  }
}

function page(file: PagedFile, number: number): Uint8Array<ArrayBuffer> {
  const there = file.pages.get(number);
  if (there) return there;
  const made = new Uint8Array(file.pageBytes);
  file.pages.set(number, made);
  return made;
}

/** Holds the lock of a store until the function that it returns is called; `Locked` if another holds it. */
export async function lock(name: string): Promise<() => void> {
  const locks = globalThis.navigator?.locks;
  // Without locks, the number of the last transaction tells of another writer.
  if (!locks) return () => {};
  return new Promise((resolve, reject) => {
    const held = locks.request(name, { ifAvailable: true }, (granted) => {
      if (!granted) throw lockedBy('another tab or worker has the database open');
      return new Promise<void>((release) => resolve(release));
    });
    held.catch(reject);
  });
}

function storageError(error: unknown): AnnywhereError {
  const isFull = error instanceof Error && error.name === 'QuotaExceededError';
  return isFull ? noSpace(error) : ioError('write', error);
}

function lockedBy(reason: string): AnnywhereError {
  return new AnnywhereError('Locked', `the storage is held by another writer: ${reason}`, { reason });
}
