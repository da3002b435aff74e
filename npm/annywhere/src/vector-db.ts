/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The database as users see it: checks and copies the arguments at the call, keeps the calls in their order, asks
 * the engine, and gives names to its answers. The entries (`node.ts`, `browser.ts`, ..) bind it to their engine.
 */
import { refuseAborted, untilAborted } from './abort.js';
import {
  backUp,
  backupsIn,
  checkSchedule,
  corrupt,
  keepBackups,
  loadNewest,
  type Retention,
  Schedule,
} from './backups.js';
import { type Batch, copyEntries, rowsJson } from './batch.js';
import { CallOrder } from './call-order.js';
import { AnnywhereError, describe, invalidArgument, invalidOption, ioError } from './errors.js';
import { filterToJson } from './filter.js';
import type { Filter } from './filter-types.js';
import { GuardedEngine } from './guarded-engine.js';
import { checkHealth, examine, failed } from './health.js';
import { finished, hitsOf, manyHitsOf } from './hits.js';
import { checkId } from './ids.js';
import { insertInSteps } from './insert-steps.js';
import { Keeper } from './keeper.js';
import { checkLoadOptions } from './load-options.js';
import { metadataFromJson } from './metadata.js';
import { type CheckedOptions, checkIndexOptions, checkOptions, own } from './options.js';
import { refuseOtherOptions } from './other-options.js';
import { QuickSearch } from './quick-search.js';
import {
  byIds,
  checkChange,
  checkIds,
  checkList,
  checkRecall,
  checkSelection,
  idsOf,
  rowsOf,
} from './rows.js';
import type { Runtime } from './runtime.js';
import {
  type CheckedSearch,
  checkIdSearch,
  checkManySearches,
  checkSearch,
  estimating,
  queryVector,
} from './search-query.js';
import { statsOf } from './stats.js';
import type { FileStorage } from './storage/files.js';
import type { FileStart } from './storage/http-file.js';
import { type BatchStorage, openIfThere } from './storage/pages.js';
import { RangedFile } from './storage/ranged-file.js';
import type { OpenStore, StoreOptions } from './storage/store.js';
import type {
  BackupOptions,
  BackupSchedule,
  Change,
  Columns,
  DbOptions,
  Entry,
  Explanation,
  Health,
  HealthOptions,
  Hits,
  IdQuery,
  IndexOptions,
  InsertOptions,
  ListOptions,
  LoadOptions,
  ManyQuery,
  Metadata,
  Progress,
  RecallOptions,
  RecallReport,
  Row,
  SaveInfo,
  SearchQuery,
  Stats,
  Subscription,
  TextHit,
  TextQuery,
  WatchEvent,
} from './types.js';
import { Watches } from './watch.js';

/** About what an id takes in a journal. */
const BYTES_PER_ID = 16;

/** The names of methods for the rest of this package. */
export const storeBatch: unique symbol = Symbol('storeBatch');
export const keepInFolder: unique symbol = Symbol('keepInFolder');
export const openRanged: unique symbol = Symbol('openRanged');
export const refuseOther: unique symbol = Symbol('refuseOther');

/**
 * A database of vectors with ids and metadata.
 *
 * Calls take effect in the order in which they are made, also without awaiting them. Arguments are copied at the
 * call. Every method but `getStats` returns a promise; failures reject with an `AnnywhereError`.
 */
export class EngineBoundDb<Meta extends object = Metadata> {
  readonly #runtime: Runtime;
  readonly #options: CheckedOptions;
  readonly #order = new CallOrder();
  readonly #quick: QuickSearch;
  readonly #watches = new Watches<Meta>();
  #engine: GuardedEngine | undefined;
  #opening: Promise<GuardedEngine> | undefined;
  /** True once the store at `storagePath` is open, or if there is none. */
  #opened = false;
  /** True while `storagePath` has been looked at and nothing is there yet. */
  #isMissing = false;
  #keeper: Keeper | undefined;
  #closing: Promise<void> | undefined;
  /** Closes the file that the engine reads vectors from. */
  #file: (() => void) | undefined;

  /** `canHaveWorker` is for entries whose databases may live in a worker; the database made here never does. */
  constructor(runtime: Runtime, options: DbOptions, canHaveWorker = false) {
    this.#runtime = runtime;
    const checked = checkOptions(options);
    if (checked.worker && !canHaveWorker) {
      throw invalidOption('worker', 'true is for the pages of a browser; this runtime has no such worker');
    }
    if (checked.persist && runtime.storage?.kind !== 'browser') {
      throw invalidOption('persist', 'is for browsers: nothing else removes what it was given to keep');
    }
    this.#options =
      checked.storagePath === undefined
        ? checked
        : { ...checked, storagePath: this.#path(checked.storagePath, 'storagePath', invalidOption) };
    this.#opened = checked.storagePath === undefined && !checked.storage;
    this.#quick = new QuickSearch(checked.dimensions);
  }

  /**
   * Adds a row, or replaces the row with the same id, and returns the id.
   * Rejects with `WrongDimension`, `NotFinite`, `ZeroVector`, `TooLarge`, `InvalidId` or `InvalidMetadata`.
   */
  async insert(entry: Entry<Meta>): Promise<string> {
    const batch = copyEntries([entry], this.#options.dimensions);
    const [id] = await this.#write((engine) => this.#store(engine, batch));
    return id as string;
  }

  /**
   * Adds or replaces many rows, all of them or, on an error, none; returns their ids in order.
   * The error's `details.row` is the index of the row at fault; an id given twice is a `DuplicateId`.
   *
   * With `batchSize` each step is stored whole or not at all. Rows of an asynchronous iterable are stored as they arrive,
   * other calls between them; without `batchSize`, when the last has arrived.
   */
  async insertBatch(
    entries: Iterable<Entry<Meta>> | AsyncIterable<Entry<Meta>> | Columns<Meta>,
    options: InsertOptions = {},
  ): Promise<string[]> {
    const target = {
      dimensions: this.#options.dimensions,
      write: <T>(body: (engine: GuardedEngine) => Promise<T>) => this.#write(body),
      store: (engine: GuardedEngine, batch: Batch) => this.#store(engine, batch),
    };
    return insertInSteps(target, entries, options);
  }

  /** The rows nearest to a vector, best first: `k` of them, or all if there are fewer, less what `threshold` cuts. */
  search(query: SearchQuery<Meta>): Promise<Hits<Meta>>;
  /** The rows nearest to a row that is in the database, which is the first of them. */
  search(query: IdQuery<Meta>): Promise<Hits<Meta>>;
  /** The rows whose words answer a text best (BM25): `k` of them, or all that hold one of its words if there are fewer. */
  search(query: TextQuery<Meta>): Promise<TextHit<Meta>[]>;
  async search(query: SearchQuery<Meta> | IdQuery<Meta> | TextQuery<Meta>): Promise<Hits<Meta>> {
    return isIdQuery(query) ? this.#searchNear(query) : this.#search(checkSearch(query));
  }

  /** The hits of many searches, in the order of their vectors; natively on all cores. */
  async searchMany(query: ManyQuery<Meta>): Promise<Hits<Meta>[]> {
    const search = checkManySearches(query, this.#options.dimensions);
    const found = this.#read(async (engine) => {
      refuseAborted(search.signal);
      const hits = manyHitsOf<Meta>(await engine.searchMany(search.vectors, search.params));
      return Promise.all(hits.map((each) => finished(engine, each, search)));
    });
    return untilAborted(search.signal, found);
  }

  /** The hits of a search with scores estimated from codes, then, once compared exactly, as `search` gives them. */
  async *searchProgressive(query: SearchQuery<Meta>): AsyncGenerator<Progress<Meta>, void, void> {
    const checked = checkSearch(query);
    const search = { ...checked, vector: queryVector(checked, this.#options.dimensions) };
    yield { hits: await this.#search(estimating(search)), exact: false };
    yield { hits: await this.#search(search), exact: true };
  }

  /**
   * A standing query: `callback` hears its hits now and, after every change to them, what entered, left and moved.
   * `onError` hears of a search that fails, or of an exception of `callback`; without it they are unhandled rejections.
   * It ends with `close()` of what is returned, with `signal`, or with the database. Throws `InvalidArgument`.
   */
  watch(
    query: SearchQuery<Meta>,
    callback: (event: WatchEvent<Meta>) => void,
    onError?: (error: unknown) => void,
  ): Subscription {
    this.#refuseClosed();
    const { signal, ...checked } = checkSearch(query);
    const vector = queryVector(checked, this.#options.dimensions);
    const search = { ...checked, vector, signal: undefined };
    const subscription = this.#watches.add(async () => this.#search(search), callback, onError);
    signal?.addEventListener('abort', () => subscription.close());
    return subscription;
  }

  /**
   * Replaces the index by another one; rows, ids and metadata stay. Options that are not given take their defaults.
   * Rejects with `InvalidOption`.
   */
  async reindex(options: IndexOptions): Promise<void> {
    const config = checkIndexOptions(options, this.#options.kept);
    return this.#rewrite((engine) => engine.reindex(config));
  }

  /**
   * Gives the memory of removed rows back and makes searches as fast as they get: worth a call after many changes.
   * Part of that happens by itself when a quarter of the rows is new.
   */
  async compact(): Promise<void> {
    return this.#rewrite((engine) => engine.compact());
  }

  /** The row with this id, or `null`. */
  async get(id: string): Promise<Row<Meta> | null> {
    checkId(id);
    return this.#read(async (engine) => {
      const row = await engine.row(id);
      if (!row) return null;
      const found = { id, vector: row.vector, metadata: metadataFromJson<Meta>(row.metadata) };
      row.free?.();
      return found;
    });
  }

  /** Removes the row with this id; `false` if there is none. */
  async delete(id: string): Promise<boolean> {
    checkId(id);
    return this.#write(async (engine) => {
      const removed = await engine.delete([id]);
      await this.#keeper?.changed(id.length);
      return removed > 0;
    });
  }

  /** True if there is a row with this id. */
  async has(id: string): Promise<boolean> {
    checkId(id);
    return this.#read((engine) => engine.has(id));
  }

  /** The rows with these ids, in their order; `null` where there is none. */
  async getMany(ids: readonly string[]): Promise<(Row<Meta> | null)[]> {
    const checked = checkIds(ids);
    const { dimensions } = this.#options;
    return this.#read(async (engine) =>
      byIds(checked, rowsOf<Meta>(await engine.getMany(checked), dimensions)),
    );
  }

  /**
   * Every row, or those that match, in ascending order of ids (of their UTF-8 bytes). Rows are read page by page: one that is
   * inserted or removed meanwhile is listed if its place has not been passed.
   */
  async *entries(options: ListOptions<Meta> = {}): AsyncGenerator<Row<Meta>, void, void> {
    let { filter, after } = checkList(options);
    const { dimensions } = this.#options;
    for (;;) {
      const page = await this.#read(async (engine) =>
        rowsOf<Meta>(await engine.page(filter, after), dimensions),
      );
      yield* page;
      after = page.at(-1)?.id;
      if (after === undefined) return;
    }
  }

  /** The id of every row, or of those that match, in the order of `entries`. */
  async *ids(options: ListOptions<Meta> = {}): AsyncGenerator<string, void, void> {
    let { filter, after } = checkList(options);
    for (;;) {
      const page = await this.#read(async (engine) => idsOf(await engine.page(filter, after)));
      yield* page;
      after = page.at(-1);
      if (after === undefined) return;
    }
  }

  /** Number of rows that match, or of all. Rejects with `InvalidFilter`. */
  async count(filter?: Filter<Meta>): Promise<number> {
    if (filter === undefined) return this.len();
    const json = filterToJson(filter);
    return this.#read((engine) => engine.count(json));
  }

  /** Removes the rows with these ids, or those that match; returns how many there were. Rejects with `InvalidFilter`. */
  async deleteMany(which: readonly string[] | { filter: Filter<Meta> }): Promise<number> {
    const { ids, filter } = checkSelection(which);
    return this.#write(async (engine) => {
      const removed = ids ? await engine.delete(ids) : await engine.deleteMatching(filter as string);
      // A journal holds the ids of what is removed; of a filter they are not known here.
      await this.#keeper?.changed(removed * BYTES_PER_ID);
      return removed;
    });
  }

  /**
   * Changes a row: sets the given keys of its metadata, others stay; replaces its vector. `false` if there is none with this
   * id. To remove a key, insert the row anew.
   */
  async update(id: string, change: Change<Meta>): Promise<boolean> {
    checkId(id);
    const { metadata, vector } = checkChange(change, this.#options.dimensions);
    return this.#write(async (engine) => {
      const updated = await engine.update(id, metadata, vector);
      await this.#keeper?.changed(id.length + (metadata?.length ?? 0) + (vector?.byteLength ?? 0));
      return updated;
    });
  }

  /** Makes a search and tells how it found its rows, how many it looked at, and how long it took. */
  async explain(query: SearchQuery<Meta>): Promise<Explanation> {
    const search = checkSearch(query);
    if (search.maxDistance !== undefined)
      throw invalidArgument('maxDistance', 'is not explained: it only cuts');
    const vector = queryVector(search, this.#options.dimensions);
    return this.#read(
      async (engine) => JSON.parse(await engine.explain(vector, search.params)) as Explanation,
    );
  }

  /**
   * How much of what they should searches find: for some rows, which a hash chooses, their neighbours by a search and by
   * comparing all rows. Takes as long as so many exact searches.
   */
  async measureRecall(options: RecallOptions<Meta> = {}): Promise<RecallReport> {
    const { samples, params } = checkRecall(options);
    return this.#read(
      async (engine) => JSON.parse(await engine.measureRecall(samples, params)) as RecallReport,
    );
  }

  /**
   * How the database does: whether it can be opened and answers, how much of what they should searches find (of a sample of
   * rows, each compared with all), how many places removed rows hold, what its store has not written into a segment, and what
   * room the storage has. Rejects with `Closed` or `InvalidArgument`; every other failure is an answer.
   */
  async health(options: HealthOptions = {}): Promise<Health> {
    const samples = checkHealth(options);
    this.#refuseClosed();
    try {
      return await this.#read((engine) => examine(engine, this.getStats(), this.#keeper, samples));
    } catch (error) {
      if (!(error instanceof AnnywhereError)) throw error;
      return failed(error);
    }
  }

  /** Number of rows. */
  async len(): Promise<number> {
    return this.#read((engine) => engine.len());
  }

  /** True if there are no rows. */
  async isEmpty(): Promise<boolean> {
    return (await this.len()) === 0;
  }

  /**
   * What the database holds and what it costs, at this moment: calls that have not settled may not be counted.
   * Throws `EngineUnavailable` while the engine, or the store at `storagePath`, has not been opened by another call.
   */
  getStats(): Stats {
    this.#refuseClosed();
    if (!this.#opened && !this.#isMissing) {
      const reason = 'the store at storagePath is not open yet: await any other method first';
      throw new AnnywhereError('EngineUnavailable', reason, { reason });
    }
    this.#engine ??= new GuardedEngine(this.#runtime.engineNow(), this.#options.config);
    return statsOf(this.#engine, this.#keeper);
  }

  /** The whole database as the bytes of one file. The same operations give the same bytes on every engine. */
  async toBytes(): Promise<Uint8Array> {
    return this.#read((engine) => engine.toBytes());
  }

  /**
   * Writes the whole database to one file, which is replaced whole or not at all; folders are created.
   * @param path Without it, and if it is `storagePath`, everything is written into a new segment there.
   */
  async save(path?: string): Promise<SaveInfo> {
    const target = path === undefined ? undefined : this.#path(path, 'path', invalidArgument);
    if (target !== undefined && target !== this.#options.storagePath) {
      return this.#write((engine) => this.#storage('path', invalidArgument).save(engine, target));
    }
    if (this.#options.storagePath === undefined && !this.#options.storage) {
      throw invalidArgument('path', 'is required, because the database was made without a storagePath');
    }
    return this.#write(async () => (this.#keeper as Keeper).save());
  }

  /**
   * Checks everything that is stored: every block and every rule of the format, by reading it again. With a `storagePath`
   * that is the store, else the bytes of a file. Rejects with `Corrupt`. Takes as much memory as the database while it runs.
   */
  async verify(): Promise<void> {
    return this.#read(async (engine) => {
      const rows = this.#keeper
        ? await this.#keeper.verify()
        : await this.#rowsIn(async (other) => other.loadBytes(await engine.toBytes()));
      if (rows !== engine.len()) throw corrupt(`it has ${rows} rows of ${engine.len()}`);
    });
  }

  /**
   * Writes the database as it is now to one file, as `save(path)` does, and reads that back whole before it takes the place
   * of an older one.
   */
  async backup(path: string): Promise<SaveInfo> {
    const target = this.#path(path, 'path', invalidArgument);
    const storage = this.#storage('path', invalidArgument);
    const check = (file: string) => this.#rowsIn((other) => storage.load(other, file));
    return this.#read((engine) => backUp(storage, engine, target, check));
  }

  /**
   * Replaces the content by that of a backup: a file, or a folder of `scheduleBackups`, of which the newest is taken that is
   * whole. Returns its path.
   */
  async restore(path: string): Promise<string> {
    const source = this.#path(path, 'path', invalidArgument);
    const storage = this.#storage('path', invalidArgument);
    if ((await backupsIn(storage, source).catch(() => [])).length === 0) {
      await this.load(source);
      return source;
    }
    return loadNewest(storage, source, (file) => this.load(file));
  }

  /** Backs up to files in a folder, again and again until `close()`, and keeps the newest of them. */
  scheduleBackups({ folder, every, keep, onError }: BackupOptions): BackupSchedule {
    this.#refuseClosed();
    const retention = checkSchedule(every, keep);
    const path = this.#path(folder, 'folder', invalidArgument);
    const storage = this.#storage('folder', invalidArgument);
    const backups = {
      backUp: (name: string) => this.backup(storage.join(path, name)),
      keep: (kept?: Retention) => this[keepInFolder](path, kept),
    };
    return new Schedule(backups, every, retention, onError);
  }

  /**
   * Waits for the calls made before and makes what they changed durable, also against a loss of power. With `strict`
   * durability nothing is left to do.
   */
  async flush(): Promise<void> {
    return this.#write(async () => this.#keeper?.flush());
  }

  /**
   * Replaces the content by that of a file or of the bytes of one; unchanged on error. `storagePath` is opened.
   * With `originals: 'storage'` or `'mapped'` vectors and metadata stay in the file, which is then open for reading only.
   * Rejects with `Corrupt`, `VersionTooNew`, or `Mismatch` where the file contradicts the options.
   */
  async load(source: string | Uint8Array | ArrayBuffer, options?: LoadOptions): Promise<void> {
    const { storagePath, storage } = this.#options;
    const originals = checkLoadOptions(options, source, storagePath ?? storage?.kind);
    if (originals !== 'memory')
      return this.#openFile(this.#path(source as string, 'source', invalidArgument), originals === 'mapped');
    if (typeof source === 'string') {
      const path = this.#path(source, 'source', invalidArgument);
      // What is there is the content already.
      if (path === this.#options.storagePath) return this.#write(() => {});
      return this.#replace((engine) => this.#storage('source', invalidArgument).load(engine, path));
    }
    const bytes = copyBytes(source);
    return this.#replace((engine) => engine.loadBytes(bytes));
  }

  /**
   * Waits for the calls made before, flushes what they changed, lets go of `storagePath`, and gives the memory back.
   * Later calls reject with `Closed`; closing twice is no error. Rejects if a flush fails, and is closed all the same.
   */
  async close(): Promise<void> {
    this.#closing ??= this.#order.write(async () => {
      this.#watches.close();
      try {
        await this.#keeper?.close();
      } finally {
        this.#engine?.free();
        this.#engine = undefined;
        this.#closeFile();
      }
    });
    return this.#closing;
  }

  /** Takes other content into memory. */
  async #replace(body: (engine: GuardedEngine) => Promise<void>): Promise<void> {
    return this.#rewrite(async (engine) => {
      await body(engine);
      this.#closeFile();
    });
  }

  /** Takes a file in place of the content and leaves vectors and metadata in it. */
  async #openFile(path: string, mapped: boolean): Promise<void> {
    return this.#rewrite(async (engine) => {
      const close = await this.#storage('source', invalidArgument).open(engine, path, mapped);
      this.#closeFile();
      this.#file = close;
    });
  }

  #closeFile(): void {
    this.#file?.();
    this.#file = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A batch that has been checked and copied elsewhere. */
  async [storeBatch](batch: Batch): Promise<string[]> {
    return this.#write((engine) => this.#store(engine, batch));
  }

  /** Refuses the options of another who wants to use this database. */
  async [refuseOther](options: DbOptions): Promise<void> {
    await this.#read(async () =>
      refuseOtherOptions(await this.#runtime.engine(), this.getStats(), this.#options, options),
    );
  }

  /** Takes a file at a URL in place of the content, and reads from there what searches need. */
  async [openRanged](start: FileStart): Promise<void> {
    return this.#write(async () => {
      const engine = new GuardedEngine(await this.#runtime.wasmEngine(), this.#options.config);
      await engine.openRanged(new RangedFile(start));
      this.#engine?.free();
      this.#engine = engine;
      this.#closeFile();
    });
  }

  /** Removes backups that are not to be kept; when the newest was begun. */
  async [keepInFolder](folder: string, kept: Retention | undefined): Promise<number | undefined> {
    return keepBackups(this.#storage('folder', invalidArgument), folder, kept);
  }

  async #store(engine: GuardedEngine, batch: Batch): Promise<string[]> {
    const ids = batch.ids.map((id) => id ?? engine.newId());
    if (ids.length === 0) return ids;
    refuseFull(engine, ids, this.#options.limit);
    const rows = rowsJson(ids, batch.metadata);
    await engine.insert(rows, batch.vectors);
    await this.#keeper?.changed(rows.length + batch.vectors.byteLength);
    return ids;
  }

  /** Not `async`: a quick search that has nothing to wait for is over when this returns. */
  #search(search: CheckedSearch): Hits<Meta> | Promise<Hits<Meta>> {
    const idle = this.#opened && !this.#closing && this.#order.isIdle ? this.#engine : undefined;
    const hits = idle && this.#quick.run<Meta>(idle, search);
    if (hits) return hits;
    const vector = queryVector(search, this.#options.dimensions);
    const found = this.#read(async (engine) => {
      refuseAborted(search.signal);
      const quick = this.#quick.run<Meta>(engine, { ...search, vector });
      if (quick) return quick;
      const hits = hitsOf<Meta>(await engine.search(vector, search.params));
      return finished(engine, hits, search);
    });
    return untilAborted(search.signal, found);
  }

  /** A search for the neighbours of a row. */
  async #searchNear(query: IdQuery<Meta>): Promise<Hits<Meta>> {
    const { id, search } = checkIdSearch(query);
    const found = this.#read(async (engine) => {
      refuseAborted(search.signal);
      const row = await engine.row(id);
      if (!row) throw invalidArgument('id', `there is no row ${JSON.stringify(id)}`);
      const hits = hitsOf<Meta>(await engine.search(row.vector, search.params));
      row.free?.();
      return finished(engine, hits, search);
    });
    return untilAborted(search.signal, found);
  }

  async #read<T>(body: (engine: GuardedEngine) => T | Promise<T>): Promise<T> {
    this.#refuseClosed();
    return this.#order.read(async () => body(await this.#open(false)));
  }

  async #write<T>(body: (engine: GuardedEngine) => T | Promise<T>): Promise<T> {
    this.#refuseClosed();
    // Also after an error: some steps of a batch may have been stored.
    return this.#order.write(async () => body(await this.#open(true))).finally(() => this.#watches.changed());
  }

  /** A change that a store does not write down but takes in whole. */
  async #rewrite(body: (engine: GuardedEngine) => Promise<void>): Promise<void> {
    return this.#write(async (engine) => {
      await this.#keeper?.rewriting();
      await body(engine);
      await this.#keeper?.rewritten();
    });
  }

  /** The engine with the content of `storagePath`; reads that run side by side share one attempt. */
  #open(creates: boolean): Promise<GuardedEngine> {
    this.#opening ??= this.#openOnce(creates).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openOnce(creates: boolean): Promise<GuardedEngine> {
    const engine = await this.#start();
    if (!this.#opened) {
      const store = await this.#openStore(engine, creates);
      this.#isMissing = store === undefined;
      if (!store) return engine;
      this.#keeper = new Keeper(engine, store, this.#options.durability, (body) => this.#order.read(body));
      this.#opened = true;
    }
    return engine;
  }

  /** Nothing if there is no store and none is to be made. */
  async #openStore(engine: GuardedEngine, creates: boolean): Promise<OpenStore | undefined> {
    const { storagePath: path, storage: given, durability, readOnly, persist } = this.#options;
    const options: StoreOptions = { durability, readOnly, persist };
    const makes = creates || readOnly;
    if (given) return openGiven(engine, given, options, makes);
    const storage = this.#storage('storagePath', invalidOption);
    // Reading makes nothing: what is not there is empty.
    if (!makes && !(await storage.exists(path as string))) return undefined;
    return storage.openStore(engine, path as string, options);
  }

  /** How many rows something holds that an engine of its own reads. */
  async #rowsIn(read: (other: GuardedEngine) => Promise<void>): Promise<number> {
    const other = new GuardedEngine(await this.#runtime.engine(), this.#options.config);
    try {
      await read(other);
      return other.len();
    } finally {
      other.free();
    }
  }

  async #start(): Promise<GuardedEngine> {
    const runtime = this.#runtime;
    // Native reads and writes files itself, and no other storage.
    const load = () => (this.#options.storage ? runtime.wasmEngine() : runtime.engine());
    this.#engine ??= new GuardedEngine(await load(), this.#options.config);
    return this.#engine;
  }

  #refuseClosed(): void {
    if (this.#closing) throw new AnnywhereError('Closed', 'the database has been closed');
  }

  #storage(name: string, fail: (name: string, reason: string) => AnnywhereError): FileStorage {
    const storage = this.#runtime.storage;
    if (!storage) throw fail(name, 'this runtime has no files; use toBytes() and load(bytes)');
    return storage;
  }

  #path(path: string, name: string, fail: (name: string, reason: string) => AnnywhereError): string {
    if (typeof path !== 'string' || path === '') throw fail(name, `must be a path, not ${describe(path)}`);
    try {
      return this.#storage(name, fail).normalize(path);
    } catch (error) {
      throw error instanceof AnnywhereError ? error : fail(name, (error as Error).message);
    }
  }
}

async function openGiven(
  engine: GuardedEngine,
  storage: BatchStorage,
  options: StoreOptions,
  creates: boolean,
): Promise<OpenStore | undefined> {
  try {
    return await openIfThere(engine, storage, options, creates);
  } catch (error) {
    await storage.close?.();
    throw error instanceof AnnywhereError ? error : ioError('open', error);
  }
}

/** Refuses rows that would be more than the limit; those that replace others are not more. */
function refuseFull(engine: GuardedEngine, ids: readonly string[], limit: number | undefined): void {
  if (limit === undefined || engine.len() + ids.length <= limit) return;
  const rows = engine.len() + ids.filter((id) => !engine.has(id)).length;
  if (rows <= limit) return;
  throw new AnnywhereError('Full', `there would be ${rows} rows, and maxElements is ${limit}`, {
    limit,
    rows,
  });
}

function isIdQuery<Meta extends object>(
  query: SearchQuery<Meta> | IdQuery<Meta> | TextQuery<Meta>,
): query is IdQuery<Meta> {
  return typeof query === 'object' && query !== null && own(query as IdQuery<Meta>, 'id') !== undefined;
}

function copyBytes(source: unknown): Uint8Array {
  if (ArrayBuffer.isView(source) && Object.prototype.toString.call(source) === '[object Uint8Array]') {
    return new Uint8Array(source as Uint8Array);
  }
  if (Object.prototype.toString.call(source) === '[object ArrayBuffer]') {
    return new Uint8Array((source as ArrayBuffer).slice(0));
  }
  throw invalidArgument('source', `must be a path, a Uint8Array or an ArrayBuffer, not ${describe(source)}`);
}
