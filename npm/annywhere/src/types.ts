/** The shapes users pass in and get back. */

import type { EmbeddingContract } from './embed/embedder.js';
import type { ErrorCode } from './errors.js';
import type { Filter } from './filter-types.js';
import type { BatchStorage } from './storage/pages.js';

/** Metadata whose type is not stated. */
export type Metadata = Record<string, unknown>;

/**
 * One number per dimension, copied at the call. A `Float32Array` is taken as it is; the numbers of an array are
 * rounded to 32-bit floats.
 */
export type Vector = Float32Array | readonly number[];

/** When a change counts as done. */
export type Durability = 'strict' | 'group' | 'manual';

export type DistanceMetric = 'cosine' | 'euclidean' | 'dot' | 'manhattan';

/** Parameters of the graph (Malkov & Yashunin, HNSW). */
export interface HnswConfig {
  /** Links of a row per layer, 2 to 256; twice as many on the bottom layer. Default 16. */
  m?: number;
  /** Candidates kept while inserting, 1 to 65,536. Larger: better graph, slower inserts. Default 200. */
  efConstruction?: number;
  /** Candidates kept while searching, 1 to 65,536. Larger: better recall, slower searches. Default 100. */
  efSearch?: number;
}

/** How neighbours are found. */
export type IndexType = 'auto' | 'scan' | 'hnsw';

/** In how many bits components of vectors are kept. */
export type Precision = 'f32' | 'f16';

/** How vectors are coded for finding candidates. */
export interface Quantization {
  type: 'none' | 'scalar' | 'rabitq' | 'product';
  /** `rabitq`: bits per dimension, 1, 2 or 4. Default 1 from 256 dimensions on, 2 from 64 on, else 4. */
  bits?: 1 | 2 | 4;
  /**
   * `product`: parts that are coded apart. For a scan a multiple of 4, by default one for every two dimensions; for a graph
   * up to one per dimension, by default one for every four.
   */
  subspaces?: number;
  /** `product`: centres per part, 16 for a scan, 256 for a graph. */
  k?: 16 | 256;
}

/** How large filters may be: beyond that they are an `InvalidFilter`. */
export interface FilterLimits {
  /** Levels of operators in each other, 1 to 50. Default 16. */
  depth?: number;
  /** Conditions in all. Default 256. */
  conditions?: number;
  /** Values in all lists together. Default 10,000. */
  values?: number;
  /** Fields that keep a column in memory; filters on others read all metadata each time. Default 64. */
  fields?: number;
}

/** Which words can be searched. */
export interface TextOptions {
  /**
   * Dotted paths of metadata fields, up to 32. Their strings, also in arrays, are cut into words as Unicode does, in lower
   * case; all fields of a row count as one text. An empty array: no words.
   */
  fields: readonly string[];
}

export interface DbOptions {
  /** Numbers per vector, 1 to 65,536. */
  dimensions: number;
  /** How rows are ranked. Default `cosine`. */
  distanceMetric?: DistanceMetric;
  /**
   * The folder in which the database is kept: in Node a path; in a browser a path in the origin private file
   * system. Opened at the first use, or made; every change is there when its promise resolves. One database
   * at a time may write to it.
   */
  storagePath?: string;
  /**
   * When a change counts as done. `group`, the default: when it is written, and flushed at most 10 ms or 1 MiB later; the
   * end of the process loses nothing, a loss of power the last of these. `strict`: when it is flushed. `manual`: when it is
   * written; `flush()` flushes.
   */
  durability?: Durability;
  /** Opens what is at `storagePath` for reading only: nothing is written, and other databases may have it open. */
  readOnly?: boolean;
  /**
   * A storage in place of `storagePath`: that of `annywhere/storage` for R2 or a Durable Object, or one of your own. The engine
   * is WebAssembly then.
   */
  storage?: BatchStorage;
  /**
   * Pages of browsers: asks the browser not to remove the storage when room gets scarce. Some ask the user. The answer is
   * `store.isPersisted` of `health()`. Default false.
   */
  persist?: boolean;
  /**
   * Which vectors are in the database, as an embedder's `contract` says it. Kept in files; opening or loading a file
   * with another one, or with none, is a `Mismatch`.
   */
  embedding?: EmbeddingContract;
  /** Number of rows to reserve memory for. A hint, unless `maxElementsPolicy` says otherwise: more rows may be inserted. */
  maxElements?: number;
  /** `grow`, the default, or `error`: an insert that would make more rows than `maxElements` is refused with `Full`. */
  maxElementsPolicy?: 'grow' | 'error';
  /**
   * How neighbours are found. `scan`: codes of a few bits, scanned, with an error bound that decides which rows are
   * compared exactly. `hnsw`: a graph. `auto`, the default: the graph if `hnswConfig`, `scalar` quantization or
   * product quantization with `k: 256` is given or the metric is `manhattan`, else the scan.
   */
  index?: IndexType;
  /** Parameters of the graph; giving them chooses the graph. */
  hnswConfig?: HnswConfig;
  /**
   * How vectors are coded for finding candidates; hits are always scored with the vectors as given. A name is short for
   * `{ type: name }`. For a scan: `rabitq`, the default, a few bits per dimension; `product`, trained; `none`, every row is
   * compared. For a graph: `scalar`, one byte per dimension, the default; `none`, the default up to 16 dimensions;
   * `rabitq` and `product` where memory counts: from some thousand rows on, the graph is built on the vectors and
   * searched by codes, with lists so much longer that recall is kept. `manhattan` has only `none`. `auto`: the default.
   */
  quantization?: 'auto' | Quantization['type'] | Quantization;
  /**
   * In how many bits components of vectors are kept. `f16`: rounded to half precision when they are inserted (11 significant
   * bits, magnitudes to 65,504; larger ones are `TooLarge`), so that files are half as large. In memory they take 32 bits
   * all the same. Default `f32`, as given.
   */
  precision?: Precision;
  /** Part of the true neighbours that a scan aims to find, 0.5 to 1. Default 0.99. */
  targetRecall?: number;
  /** Which words `text` of a search finds. Default: none. */
  text?: TextOptions;
  /** How large filters may be; for those that come from outside. */
  filterLimits?: FilterLimits;
  /**
   * Browsers: whether the database lives in a worker of its own, so that the page is free to draw. Default: `true` in a
   * page, `false` in a worker. Elsewhere only `false` is possible.
   */
  worker?: boolean;
}

/** What `reindex` changes; the rest of the options stays. */
export type IndexOptions = Pick<DbOptions, 'index' | 'hnswConfig' | 'quantization' | 'targetRecall' | 'text'>;

/** What `scheduleBackups` does. */
export interface BackupOptions {
  /** The folder for the backups; it is made. */
  folder: string;
  /** Milliseconds between two backups. The first is made at once, unless the folder has one that is not so old. */
  every: number;
  /** How many are kept: the newest; or the newest, and the last one of each of so many days (UTC). */
  keep: number | { newest?: number; daily: number };
  /** Hears of backups that fail; without it they are unhandled rejections. */
  onError?: (error: unknown) => void;
}

/** Backups that go on until `close()`. */
export interface BackupSchedule {
  close(): void;
}

export interface Entry<Meta extends object = Metadata> {
  /** A non-empty string of at most 65,535 bytes in UTF-8; a random UUID when absent. An id in use is replaced. */
  id?: string;
  vector: Vector;
  /** A JSON object. Dates become ISO strings, properties that are `undefined` are left out. */
  metadata?: Meta | null;
}

/** A batch in columns: no object per row. */
export interface Columns<Meta extends object = Metadata> {
  ids: readonly string[];
  /** `ids.length × dimensions` numbers, row after row. */
  vectors: Float32Array;
  metadata?: readonly (Meta | null | undefined)[];
}

/** How a batch goes in. */
export interface InsertOptions {
  /**
   * Rows per step, each of which is stored whole or not at all. After an error or an abort the steps before stay:
   * `details.inserted` says how many rows. Default: one step for all rows.
   */
  batchSize?: number;
  /** Ends the call before the next step; it rejects with `Aborted`. */
  signal?: AbortSignalLike;
  /** Called after every step. */
  onProgress?: (progress: InsertProgress) => void;
  /** Moves the numbers of columns instead of copying them: the array given is empty afterwards. Default `false`. */
  transfer?: boolean;
}

export interface InsertProgress {
  /** Rows stored so far. */
  rows: number;
  /** Rows in all; absent for rows that are still arriving. */
  total?: number;
}

/** What of an `AbortSignal` is used. Described by shape, so that these types need no DOM library. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** What a hit carries beside id, score and distance. */
export interface Include {
  /** Default `true`; if not, `metadata` is `{}`. */
  metadata?: boolean;
  /** Default `false`. */
  vector?: boolean;
}

/**
 * How the hits of a vector and of a text become one list. Each side brings the best `max(4 k, 100)` rows. `rrf`, the default:
 * the sum of `1 / (k + rank)` over the sides that brought the row; `k` is 60 by default. `weighted`: `alpha` times where the
 * vector score lies between the lowest (0) and the best (1) that the vector brought, plus `1 - alpha` times the share of the
 * best text score; `alpha` is 0.5 by default.
 */
export type Fusion = { method: 'rrf'; k?: number } | { method: 'weighted'; alpha?: number };

/** Hits that differ (maximal marginal relevance). Takes `k` up to 1,000. */
export interface Diversify<Meta extends object = Metadata> {
  /** How much the score counts against likeness to the hits before: 1, the score alone, to 0, likeness alone. */
  lambda: number;
  /** What makes rows alike: their vectors, the default, or the values of a metadata field (a dotted path). */
  by?: 'vector' | Path<Meta>;
}

/** At most `size` hits of one value of a field. A row counts for each of its values; rows without a value are not limited. */
export interface GroupBy<Meta extends object = Metadata> {
  /** A dotted path into the metadata. */
  field: Path<Meta>;
  /** Default 1. */
  size?: number;
}

/**
 * Scores that rows have a say in: `max(0, similarity)^power × weight × 0.5^(age / half-life)`, where `similarity` is the
 * score without this, and `age` is `now − time`, 0 for times to come. Numbers are read from the metadata of each row; a
 * row without one is not touched by it. Of several numbers at a path the largest counts.
 */
export interface Weigh<Meta extends object = Metadata> {
  /** How much similarity counts: its exponent, 1/16 to 16. Default 1. */
  power?: number;
  /** Path of a number that scores are multiplied by, such as an importance; below 0 counts as 0, above 1,000,000 as that. */
  weight?: Path<Meta>;
  /** What makes rows lose worth with time. */
  fade?: Fade<Meta>;
  /** Path of the time from which on a row is no hit any more. */
  expires?: Path<Meta>;
  /** The time it is, in the unit of the times and half-lives; a `Date` counts as its milliseconds. Needed with `fade` and `expires`. */
  now?: number | { getTime(): number };
  /** Least similarity of a hit; `threshold` is about its score. Default: none. */
  minSimilarity?: number;
  /**
   * How many of the most similar rows are looked at, 1 to 65,536; `exact` looks at all. A scan looks at more where these
   * could be better. Default 128.
   */
  candidates?: number;
}

/** A half-life: a row is worth half after it. In the unit of `now`; `Infinity` for never, the default. */
export interface Fade<Meta extends object = Metadata> {
  /** Path of the time, a number, from which a row ages. */
  time: Path<Meta>;
  halfLife?: number;
  /** Path of a text, such as a type, that may have a half-life of its own in `halfLives`, which has up to 1,000. */
  by?: Path<Meta>;
  halfLives?: Readonly<Record<string, number>>;
}

/** A key of the metadata, or a dotted path that begins with one. */
export type Path<Meta extends object> = (keyof Meta & string) | `${keyof Meta & string}.${string}`;

/** A search for words alone (BM25). Hits hold one of the words at least, and have no distance. */
export interface TextQuery<Meta extends object = Metadata>
  extends Omit<
    SearchQuery<Meta>,
    | 'vector'
    | 'text'
    | 'fusion'
    | 'weigh'
    | 'ef'
    | 'targetRecall'
    | 'exact'
    | 'rescore'
    | 'maxDistance'
    | 'budget'
  > {
  text: string;
  vector?: undefined;
}

/** A search for the neighbours of a row, by its vector as it is at that moment: the row itself is a hit too. */
export interface IdQuery<Meta extends object = Metadata> extends Omit<SearchQuery<Meta>, 'vector'> {
  /** Without a row with this id the search is an `InvalidArgument`. */
  id: string;
  vector?: undefined;
}

export type TextHit<Meta extends object = Metadata> = Omit<Hit<Meta>, 'distance'>;

export interface SearchQuery<Meta extends object = Metadata> {
  vector: Vector;
  /** Words to look for in the fields of the option `text`, beside the vector. The rows of both make one list. */
  text?: string;
  /** How they do. */
  fusion?: Fusion;
  diversify?: Diversify<Meta>;
  groupBy?: GroupBy<Meta>;
  /** Multiplies similarity by importance and age. Not with `text`. */
  weigh?: Weigh<Meta>;
  /** Number of hits, 1 to 2,147,483,647; all rows if there are fewer. Default 10. */
  k?: number;
  /** Least `score` of a hit, whatever it is made of. Default: none. */
  threshold?: number;
  /** Largest `distance` of a hit. Default: none. Not for searches by words or for hits that differ. */
  maxDistance?: number;
  /** Candidates that a graph keeps during this search, 1 to 65,536, instead of `hnswConfig.efSearch`. */
  ef?: number;
  /** Part of the true neighbours that this search aims to find, 0.5 to 1, in place of the option; not with `ef`. */
  targetRecall?: number;
  /** Compare with every row: exact, and slower. Default `false`. */
  exact?: boolean;
  /**
   * Most work, in comparisons of a row with the vector, 1 and more; a row whose code a scan reads counts as a 32nd. The search
   * ends there with the best found so far, maybe fewer than `k`, and `complete` of the hits is `false`. A measure that also
   * holds where clocks stand still while a program computes, as on Cloudflare Workers. Default: none. Not with `text`,
   * `diversify` or `groupBy`.
   */
  budget?: number;
  /** `false`: candidates are not compared exactly, and scores are estimates from codes: sooner, and less is found. Default `true`. */
  rescore?: boolean;
  /** Only rows that match are hits: `k` of them whenever `k` rows match. */
  filter?: Filter<Meta>;
  include?: Include;
  /** Gives the search up: it rejects with `Aborted` at once. */
  signal?: AbortSignalLike;
}

/** Many searches at once: those of a single one for all of `vectors`. */
export interface ManyQuery<Meta extends object = Metadata> extends Omit<SearchQuery<Meta>, 'vector'> {
  /** Vectors, or their numbers one vector after the other. */
  vectors: Float32Array | readonly Vector[];
}

/** One answer of `searchProgressive`. */
export interface Progress<Meta extends object = Metadata> {
  hits: Hit<Meta>[];
  /** `false`: scores are estimates from codes. */
  exact: boolean;
}

/** The hits of a search, best first. */
export interface Hits<Meta extends object = Metadata> extends Array<Hit<Meta>> {
  /** Of a search with a `budget`: whether it came to its own end. */
  complete?: boolean;
}

export interface Hit<Meta extends object = Metadata> {
  id: string;
  /**
   * Larger is nearer: cosine in [-1, 1], dot product, or `1 / (1 + distance)` for euclidean and manhattan; BM25 of a search for
   * words; what `fusion` makes of both; what `weigh` makes of a similarity.
   */
  score: number;
  /** Smaller is nearer, in the metric's own unit. */
  distance: number;
  /** What `score` is made of, of a search with a vector and a text. */
  parts?: HitParts;
  /** `{}` when the row has none. */
  metadata: Meta;
  /** With `include: { vector: true }`. */
  vector?: Float32Array;
}

/** The scores of a hit by vector and by text, and its ranks from 1; `null` where that side did not bring the row. */
export interface HitParts {
  vector: { score: number; rank: number | null };
  text: { score: number; rank: number | null };
}

/** What `update` changes; what is absent stays. */
export interface Change<Meta extends object = Metadata> {
  /** Keys that are set in the row's metadata; its other keys stay, objects in it are replaced whole. `null` removes all. */
  metadata?: Partial<Meta> | null;
  vector?: Vector;
}

/** Which rows `entries` lists. */
export interface ListOptions<Meta extends object = Metadata> {
  filter?: Filter<Meta>;
  /** Begin after this id, which need not exist. */
  after?: string;
}

export interface RecallOptions<Meta extends object = Metadata> {
  /** Neighbours per sample. Default 10. */
  k?: number;
  /** Rows whose neighbours are searched for. Default 100. */
  samples?: number;
  /** Of a filtered search. */
  filter?: Filter<Meta>;
  ef?: number;
  targetRecall?: number;
}

/** What searches find of what they should. */
export interface RecallReport {
  recall: number;
  /** Confidence interval of 95 % (Wilson); the neighbours of one sample count as one observation. */
  low: number;
  high: number;
  k: number;
  /** Rows whose neighbours were searched for. */
  samples: number;
}

/** How a search found its rows. */
export interface Explanation {
  /** `exact` compares every row, `matches` every row that matches the filter. */
  strategy:
    | 'nothing'
    | 'exact'
    | 'matches'
    | 'codes'
    | 'words'
    | 'scan'
    | 'maskedScan'
    | 'graph'
    | 'filteredGraph';
  reason: string;
  /** What was tried first, and left because it took as long as comparing, or found too few. */
  gaveUp: string | null;
  rows: number;
  /** Rows that match the filter. */
  matches: number;
  /** The part of the rows that matches, and what was expected of it. */
  selectivity: number;
  estimatedSelectivity: number;
  /** Rows whose codes were scanned, or whose links were followed. */
  visited: number;
  /** Rows that were compared one by one. */
  distances: number;
  hits: number;
  milliseconds: { plan: number; search: number; total: number };
}

/** What a change did to the hits of a standing query. */
export interface WatchEvent<Meta extends object = Metadata> {
  entered: Hit<Meta>[];
  /** Ids. */
  left: string[];
  /** Hits that stayed, with another rank, score or metadata. */
  moved: Hit<Meta>[];
  /** All of them. */
  hits: Hit<Meta>[];
}

/** Ends at `close()`, or at the end of a block with `using`. */
export interface Subscription extends Disposable {
  close(): void;
}

export interface Row<Meta extends object = Metadata> {
  id: string;
  vector: Float32Array;
  /** `{}` when the row has none. */
  metadata: Meta;
}

/** `native` is machine code, `wasm` is WebAssembly; both give the same answers. */
export type ImplementationType = 'native' | 'wasm';

export interface RuntimeInfo {
  implementation: ImplementationType;
  /** Instruction set of the distance kernels: `avx512`, `avx2`, `neon`, `simd128`, `relaxed-simd` or `none`. */
  simd: string;
  /** How many threads searches of `searchMany` and inserts of a batch may use. */
  threads: number;
  /**
   * Where a `storagePath` leads: files of the operating system, what the browser has (see `getStats().storage`), or nowhere.
   */
  storage: 'files' | 'browser' | 'none';
  version: string;
  /** Why no native engine is in use, one sentence for each binary tried; empty if one is, or none was tried. */
  nativeErrors: readonly string[];
  /** Why databases are not in workers of their own although they should be, one sentence for each. */
  workerErrors: readonly string[];
}

/** How a file is loaded. */
export interface LoadOptions {
  /**
   * Where vectors and metadata are: in memory (the default, but of URLs), or in the file that is loaded. In the file they are
   * read when a search needs them, the database can only be read, and a row takes little more memory than its code and id.
   * `mapped` reads faster, for the file is mapped into memory: nobody may change it meanwhile, and whoever cuts it kills the
   * process. Only the native engine can; WebAssembly does as `storage` says, and `getStats().originals` tells.
   */
  originals?: Originals;
}

/** Where vectors and metadata are: in memory, in the file, or in the file as memory. */
export type Originals = 'memory' | 'storage' | 'mapped';

/** Options of a database for `VectorDb.open`; the dimensions are those of what is opened, unless something new is made. */
export type OpenOptions = Partial<DbOptions> & LoadOptions;

/**
 * A file as `save` and `toBytes` write it: its path; its URL, from which it is read in parts (see `LoadOptions`); its bytes; or
 * a `Blob` or `Response` with them.
 * Described by shape, so that these types need no DOM library.
 */
export type OpenSource =
  | string
  | { readonly href: string }
  | Uint8Array
  | ArrayBuffer
  | { readonly ok?: boolean; readonly status?: number; arrayBuffer(): Promise<ArrayBuffer> };

/** What was written. */
export interface SaveInfo {
  /** Length of the file, or of the segment in the store. */
  bytes: number;
  /** Of a file: its content id as 32 hexadecimal digits. Equal content has equal ids. */
  checksum?: string;
  /** Of a store: the number of its state, which grows with every segment. */
  generation?: number;
}

/** How thorough `health` is. */
export interface HealthOptions {
  /** Rows whose neighbours are searched for and compared with all rows, 0 to 10,000; 0 leaves it out. Default 32, of a file at a URL 0. */
  samples?: number;
}

/** Something that keeps a database from being healthy. */
export interface HealthProblem {
  /**
   * An error's code; `LowRecall`: searches find less than they should; `ManyDeleted`: over half of the places belong to removed
   * rows; `LittleRoom`: the storage has less room than the next segment takes.
   */
  code: ErrorCode | 'LowRecall' | 'ManyDeleted' | 'LittleRoom';
  message: string;
}

/** How a database does. */
export interface Health {
  /** `degraded`: it answers, and `problems` says what is wrong. `failed`: it does not, and `problems` says why. */
  status: 'healthy' | 'degraded' | 'failed';
  problems: readonly HealthProblem[];
  /** Absent if it failed. */
  stats?: Stats;
  /** Of a sample of rows; absent without rows. */
  recall?: RecallReport;
  /** Of a database with a `storagePath`. */
  store?: StoreHealth;
}

/** How the store of a database does. What is in it is checked by `verify()`. */
export interface StoreHealth {
  /** Bytes of changes that are not in a segment yet; opening repeats them. */
  journalBytes: number;
  /** Whether every change is safe from a loss of power. */
  isFlushed: boolean;
  /** Bytes that can still be written, as far as the system tells. */
  freeBytes?: number;
  /** Browsers: whether the storage is kept when room gets scarce. */
  isPersisted?: boolean;
}

/** What a database holds and costs; the options are those in force. */
export interface Stats {
  /** Rows that can be found. */
  count: number;
  /** Rows deleted or replaced whose place is not yet used again. */
  deleted: number;
  /** Their part of all places. */
  tombstoneRatio: number;
  dimensions: number;
  distanceMetric: DistanceMetric;
  indexType: 'scan' | 'hnsw';
  /** Of a graph. */
  hnswConfig?: Required<HnswConfig>;
  /** With its defaults filled in. */
  quantization: Quantization;
  /** In how many bits components of vectors are kept. */
  precision: Precision;
  /** Of a scan. */
  targetRecall?: number;
  /** Which vectors are in the database, if it was said. */
  embedding?: EmbeddingContract;
  /** Of a database with words. */
  text?: TextOptions;
  /** Bytes held by the engine for this database. */
  memoryUsage: number;
  /** Bytes by use. */
  memory: {
    vectors: number;
    codes: number;
    graph: number;
    ids: number;
    metadata: number;
    /** Columns of the fields that filters have named. */
    columns: number;
    /** Words and where they stand. */
    words: number;
  };
  /** Where it is kept: `files` of the operating system, `opfs`, `indexeddb`, or the `kind` of the option `storage`. */
  storage?: string;
  /** Bytes of the segment there and of the changes in the journal; absent while the store is busy with something slow. */
  diskUsage?: number;
  /** The number of the store's state, which grows with every segment; absent like `diskUsage`. */
  generation?: number;
  /** Where vectors and metadata are; see `load`. */
  originals: Originals;
  implementation: ImplementationType;
  simd: string;
}

/**
 * A WebAssembly engine to start from: a URL or a string of one, a fetch `Response`, the bytes, or a compiled
 * `WebAssembly.Module`. Described by shape, so that these types need no DOM library.
 */
export type EngineSource =
  | string
  | { readonly href: string }
  | { readonly status: number; arrayBuffer(): Promise<ArrayBuffer> }
  | ArrayBuffer
  | ArrayBufferView
  | object;
