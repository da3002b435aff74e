/**
 * The engine as this package uses it: one interface, implemented by `crates/annywhere-node` (native) and
 * `crates/annywhere-wasm`. Strings of JSON cross the border for rows, statistics and errors; vectors cross as
 * typed arrays. Native calls may work on another thread, therefore `MaybePromise`.
 */

import type { DistanceMetric, Originals, Precision, Quantization, Stats } from './types.js';

export type MaybePromise<T> = T | Promise<T>;

/** What a native binary or an instantiated WebAssembly module offers. */
export interface EngineModule {
  readonly Engine: new (config: string) => Engine;
  readonly Encoder: new (table: Uint8Array, dimensions?: number) => EngineEncoder;
  version(): string;
  simd(): string;
  newId(): string;
}

export interface Engine {
  /** `rows` is `[["id",{..}],["id2",null],..]`, `vectors` has as many rows, row-major. All or nothing. */
  insert(rows: string, vectors: Float32Array): MaybePromise<void>;
  /** The number of rows removed. */
  delete(ids: string[]): MaybePromise<number>;
  /** `params` is JSON of the core's `SearchParams`. */
  search(query: Float32Array, params: string): MaybePromise<EngineHits>;
  /**
   * The same on this thread and into memory of the caller: scores go to the first half of the floats in `out`, distances
   * to the second; the rows come back. Nothing if the search would take or wait too long, or has more hits than fit.
   */
  searchNow(query: Float32Array, params: string, out: Uint8Array): string | null | undefined;
  /** `queries` one after the other; `rows` has an array of rows for each. */
  searchMany(queries: Float32Array, params: string): MaybePromise<EngineHits>;
  /** Replaces the index by that of the JSON of a `Config`. */
  reindex(config: string): MaybePromise<void>;
  compact(): MaybePromise<void>;
  get(id: string): EngineRow | null | undefined;
  has(id: string): boolean;
  /** The rows that exist, in the order of the ids. */
  getMany(ids: string[]): MaybePromise<EngineRows>;
  /** The next rows after an id in the order of ids; `filter` is JSON. No row: that was the last page. */
  page(filter: string | undefined, after: string | undefined): MaybePromise<EngineRows>;
  /** Number of rows that match the JSON of a filter. */
  count(filter: string): MaybePromise<number>;
  /** The number of rows removed. */
  deleteMatching(filter: string): MaybePromise<number>;
  /** `metadata` is JSON of the keys to set, or `null`; `false` if there is no such row. */
  update(id: string, metadata: string | undefined, vector: Float32Array | undefined): MaybePromise<boolean>;
  /** JSON of an `Explanation`; WebAssembly reads `clock`, native has its own. */
  explain(query: Float32Array, params: string, clock: () => number): MaybePromise<string>;
  /** JSON of a `RecallReport`. */
  measureRecall(samples: number, params: string): MaybePromise<string>;
  len(): number;
  /** JSON text of an `EngineStats`. */
  stats(): string;
  toBytes(): MaybePromise<Uint8Array>;
  /** Replaces the content; unchanged on error. */
  loadBytes(bytes: Uint8Array): MaybePromise<void>;
  /** Native takes a path and replaces the file atomically; WebAssembly takes an open file and flushes it. */
  saveFile(target: string | SyncFile): MaybePromise<void>;
  /** Replaces the content; unchanged on error. */
  loadFile(source: string | SyncFile): MaybePromise<void>;
  /**
   * Opens a file for reading only; vectors and metadata stay in it, which stays open in WebAssembly. `mapped`, of native
   * engines: the file is mapped into memory.
   */
  openFile(source: string | SyncFile, mapped: boolean): MaybePromise<void>;
  /**
   * Opens the store in a folder, or makes one, in place of the content; every change goes there from now on. Native
   * takes a path, and with `strict` ends a change after it is flushed.
   */
  openStore(target: string | SyncFolder, readOnly: boolean, strict: boolean): MaybePromise<void>;
  /** Makes every change so far durable. */
  flush(): MaybePromise<void>;
  /** Writes a new segment, in WebAssembly about so many bytes more of it; `true` when it is done. */
  checkpoint(bytes: number): MaybePromise<boolean>;
  /** Reads the store again and checks everything; the number of rows in it. */
  verifyStore(): MaybePromise<number>;
  /** JSON text of a `StoreState`; `null` without a store, or while it is busy with something slow. */
  storeState(): string | null | undefined;
  /** Lets go of the store without writing anything; the content stays readable. */
  closeStore(): MaybePromise<void>;
  /** Gives the memory back. */
  free(): void;
}

export interface EngineHits {
  readonly scores: Float32Array;
  readonly distances: Float32Array;
  /** `["id",{..},"id2",{..},..]` in rank order. */
  readonly rows: string;
  /** WebAssembly only: gives the memory back. */
  free?(): void;
}

export interface EngineRow {
  readonly vector: Float32Array;
  /** JSON text of an object. */
  readonly metadata: string;
  /** WebAssembly only: gives the memory back. */
  free?(): void;
}

export interface EngineRows {
  /** `["id",{..},"id2",{..},..]` */
  readonly rows: string;
  /** Their vectors, one after the other. */
  readonly vectors: Float32Array;
  /** WebAssembly only: gives the memory back. */
  free?(): void;
}

export interface EngineEncoder {
  dimensions(): number;
  /** The text's unit vector; zeros when no word of it is known. */
  encode(text: string): Float32Array;
  /** How many word pieces of the text the table knows. */
  pieces(text: string): number;
  /** WebAssembly only: gives the memory back. */
  free?(): void;
}

/** An open file shaped like a `FileSystemSyncAccessHandle`. */
export interface SyncFile {
  read(buffer: Uint8Array, options: { at: number }): number;
  write(buffer: Uint8Array, options: { at: number }): number;
  getSize(): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/** The folder of a store. What fails throws; counts say how much was done. `truncate`, `write` and `flush` make files. */
export interface SyncFolder {
  list(): string[];
  /** -1 if there is no such file. */
  size(name: string): number;
  read(name: string, buffer: Uint8Array, at: number): number;
  write(name: string, bytes: Uint8Array, at: number): number;
  truncate(name: string, size: number): void;
  /** Makes the content of a file durable. */
  flush(name: string): void;
  /** Makes it durable which files there are. */
  flushList(): void;
  remove(name: string): void;
}

/** What `stats()` says. */
export interface EngineStats {
  count: number;
  deleted: number;
  dimensions: number;
  distanceMetric: DistanceMetric;
  index: 'scan' | 'hnsw';
  m: number;
  efConstruction: number;
  efSearch: number;
  quantization: Quantization;
  targetRecall: number;
  /** Absent for `f32`. */
  precision?: Precision;
  embedding?: string;
  textFields: string[];
  originals: Originals;
  memory: Stats['memory'] & { total: number };
}
