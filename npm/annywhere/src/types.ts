/** The shapes users pass in and get back. */

/** Metadata whose type is not stated. */
export type Metadata = Record<string, unknown>;

/**
 * One number per dimension, copied at the call. A `Float32Array` is taken as it is; the numbers of an array are
 * rounded to 32-bit floats.
 */
export type Vector = Float32Array | readonly number[];

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

export interface DbOptions {
  /** Numbers per vector, 1 to 65,536. */
  dimensions: number;
  /** How rows are ranked. Default `cosine`. */
  distanceMetric?: DistanceMetric;
  /**
   * Where the database is kept: a file path in Node; in a dedicated worker of a browser a path in the origin
   * private file system. Opened at the first use if it exists, written by `save()` and `close()`.
   */
  storagePath?: string;
  /** Number of rows to reserve memory for. A hint: more rows may be inserted. */
  maxElements?: number;
  hnswConfig?: HnswConfig;
  /**
   * How vectors are coded for the walk through the graph; hits are always scored with the vectors as given.
   * `scalar` is one byte per dimension. Default `scalar`; `none` up to 16 dimensions, where codes save nothing, and for
   * `manhattan`, which has no other.
   */
  quantization?: 'none' | 'scalar';
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

export interface SearchQuery {
  vector: Vector;
  /** Number of hits, 1 to 2,147,483,647; all rows if there are fewer. Default 10. */
  k?: number;
  /** Least score of a hit. Default: none. */
  threshold?: number;
  /** Candidates kept during this search, 1 to 65,536, instead of `hnswConfig.efSearch`. */
  ef?: number;
  /** Compare with every row: exact, and slower. Default `false`. */
  exact?: boolean;
}

export interface Hit<Meta extends object = Metadata> {
  id: string;
  /** Larger is nearer: cosine in [-1, 1], dot product, or `1 / (1 + distance)` for euclidean and manhattan. */
  score: number;
  /** Smaller is nearer, in the metric's own unit. */
  distance: number;
  /** `{}` when the row has none. */
  metadata: Meta;
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
  /** Instruction set of the distance kernels: `avx2`, `neon`, `simd128` or `none`. */
  simd: string;
  version: string;
  /** Why no native engine is in use, one sentence for each binary tried; empty if one is, or none was tried. */
  nativeErrors: readonly string[];
}

/** What a database holds and costs; the options are those in force. */
export interface Stats {
  /** Rows that can be found. */
  count: number;
  /** Rows deleted or replaced whose place is not yet used again. */
  deleted: number;
  dimensions: number;
  distanceMetric: DistanceMetric;
  indexType: 'hnsw';
  hnswConfig: Required<HnswConfig>;
  quantization: 'none' | 'scalar';
  /** Bytes held by the engine for this database. */
  memoryUsage: number;
  /** Bytes by use. */
  memory: {
    vectors: number;
    codes: number;
    graph: number;
    ids: number;
    metadata: number;
  };
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
