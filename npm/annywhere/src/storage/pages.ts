/**
 * The folder of a store in a storage that takes everything at once or nothing: IndexedDB, R2, the SQLite of a Durable Object.
 * Files are cut into pages, which are in memory while the engine may read them; what it writes is marked, and `commit` hands
 * it all over as one batch before the call is acknowledged.
 */
import type { SyncFolder } from '../engine.js';
import { AnnywhereError, ioError } from '../errors.js';
import type { Durability } from '../types.js';
import { noSpace } from './files.js';
import type { OpenStore, Room, StoreEngine, StoreOptions } from './store.js';

/** A change rewrites a page of the journal; segments are written once, in large pages. No page is larger than 1 MiB. */
const PAGE_BYTES = 64 * 1024;
const SEGMENT_PAGE_BYTES = 1 << 20;

/** A part of a file: the bytes from `page` × its size on. */
export interface Page {
  readonly file: string;
  readonly page: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Everything that a storage holds. */
export interface StoredPages {
  /** The number of the last batch. */
  readonly number: number;
  /** Bytes of each file. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly pages: Iterable<Page>;
}

/** What is to be stored, all of it or nothing. */
export interface StagedBatch {
  /** The number that the last batch must have had: if it is another, somebody else has written. */
  readonly expected: number;
  /** Files that exist no more, with all their pages. They are removed before pages are put. */
  readonly removed: readonly string[];
  readonly pages: readonly Page[];
  /** Bytes of each file from now on. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Whether it has to survive a loss of power before `commit` resolves. */
  readonly isStrict: boolean;
}

/** Somewhere to keep one store. */
export interface BatchStorage {
  /** What `getStats().storage` says. */
  readonly kind: string;
  /** Everything there is; `undefined` if there is nothing yet. */
  read(): Promise<StoredPages | undefined>;
  /**
   * Stores a batch under the number `expected + 1`. `false`, and nothing is stored, if the last one is not `expected`. The bytes
   * change after the call has returned: what is stored later is copied before.
   */
  commit(batch: StagedBatch): Promise<boolean>;
  /** The database is closed. Another may `read` again. */
  close?(): void | Promise<void>;
}

/** Opens the store in a storage, or makes one, and has the engine take its content. */
export async function openBatches(
  engine: StoreEngine,
  storage: BatchStorage,
  { readOnly, durability }: StoreOptions,
  room?: () => Promise<Room>,
): Promise<OpenStore> {
  return (await openIfThere(engine, storage, { readOnly, durability }, true, room)) as OpenStore;
}

/** The same; without a store and `creates` nothing. */
export async function openIfThere(
  engine: StoreEngine,
  storage: BatchStorage,
  { readOnly, durability }: Pick<StoreOptions, 'readOnly' | 'durability'>,
  creates: boolean,
  room?: () => Promise<Room>,
): Promise<OpenStore | undefined> {
  const folder = await PagedFolder.open(storage, readOnly, room);
  if (!creates && folder.list().length === 0) return undefined;
  await engine.openStore(folder, readOnly, false);
  if (!readOnly) await folder.commit(durability);
  return folder;
}

interface PagedFile {
  size: number;
  readonly pageBytes: number;
  readonly pages: Map<number, Uint8Array<ArrayBuffer>>;
  readonly dirty: Set<number>;
}

class PagedFolder implements SyncFolder, OpenStore {
  readonly #storage: BatchStorage;
  readonly #readOnly: boolean;
  readonly #room: (() => Promise<Room>) | undefined;
  readonly #files = new Map<string, PagedFile>();
  readonly #removed = new Set<string>();
  #number = 0;
  #isChanged = false;
  /** Why nothing is written any more: memory is ahead of what is stored. */
  #failure: unknown;
  /** The commit that is under way; the next waits for it. */
  #committing: Promise<void> = Promise.resolve();

  private constructor(storage: BatchStorage, readOnly: boolean, room?: () => Promise<Room>) {
    this.#storage = storage;
    this.#readOnly = readOnly;
    this.#room = room;
  }

  static async open(
    storage: BatchStorage,
    readOnly: boolean,
    room?: () => Promise<Room>,
  ): Promise<PagedFolder> {
    const folder = new PagedFolder(storage, readOnly, room);
    await folder.#read();
    return folder;
  }

  get kind(): string {
    return this.#storage.kind;
  }

  async room(): Promise<Room> {
    return (await this.#room?.()) ?? {};
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
    await this.#storage.close?.();
  }

  async #commit(durability: Durability): Promise<void> {
    if (!this.#isChanged || this.#readOnly) return;
    if (this.#failure) throw this.#failure;
    const written: [PagedFile, number][] = [];
    const pages: Page[] = [];
    for (const [name, file] of this.#files) {
      for (const number of file.dirty) {
        pages.push({ file: name, page: number, bytes: page(file, number) });
        written.push([file, number]);
      }
      file.dirty.clear();
    }
    const sizes = Object.fromEntries([...this.#files].map(([name, { size }]) => [name, size]));
    const removed = [...this.#removed];
    const expected = this.#number;
    this.#isChanged = false;
    this.#removed.clear();
    try {
      const isStored = await this.#storage.commit({
        expected,
        removed,
        pages,
        sizes,
        isStrict: durability === 'strict',
      });
      if (!isStored) throw lockedBy('another has written to the database');
    } catch (error) {
      this.#failure = storageError(error);
      throw this.#failure;
    }
    this.#number = expected + 1;
    for (const [file, number] of written) {
      // The engine reads a segment when it opens the store, and never again. It writes one from its start to its end, and
      // may go on in the last page.
      const isDone = file.pageBytes === SEGMENT_PAGE_BYTES && file.pages.has(number + 1);
      if (isDone && !file.dirty.has(number)) file.pages.delete(number);
    }
  }

  async #read(): Promise<void> {
    const { number, sizes, pages } = (await this.#storage.read()) ?? { number: 0, sizes: {}, pages: [] };
    this.#number = number;
    this.#files.clear();
    for (const [name, size] of Object.entries(sizes)) this.#make(name).size = size;
    for (const { file, page, bytes } of pages) this.#files.get(file)?.pages.set(page, bytes);
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

function storageError(error: unknown): AnnywhereError {
  if (error instanceof AnnywhereError) return error;
  const isFull = error instanceof Error && error.name === 'QuotaExceededError';
  return isFull ? noSpace(error) : ioError('write', error);
}

export function lockedBy(reason: string): AnnywhereError {
  return new AnnywhereError('Locked', `the storage is held by another writer: ${reason}`, { reason });
}
