/**
 * Strict reading of objects that users pass: own properties only, unknown names refused, every value in its range.
 * The defaults stand in the core (`options.rs`); what is absent here stays absent.
 */
import { embeddingText } from './embedding.js';
import { type AnnywhereError, describe, invalidOption } from './errors.js';
import { nearest } from './nearest.js';
import type { BatchStorage } from './storage/pages.js';
import type {
  DbOptions,
  DistanceMetric,
  Durability,
  IndexOptions,
  IndexType,
  Precision,
  Quantization,
} from './types.js';

export const MAX_DIMENSIONS = 65_536;
const MAX_ROWS = 2 ** 31 - 2;
const MAX_M = 256;
export const MAX_EF = 65_536;
const MAX_TEXT_FIELDS = 32;
const MAX_FILTER_DEPTH = 50;

const METRICS: readonly DistanceMetric[] = ['cosine', 'euclidean', 'dot', 'manhattan'];
const INDEXES: readonly IndexType[] = ['auto', 'scan', 'hnsw'];
const PRECISIONS = ['f32', 'f16'] as const;
/** Centres per part of product codes; parts of a scan come in groups. */
const GRAPH_CENTRES = 256;
const SCAN_CENTRES = 16;
const SCAN_SUBSPACES = 4;
const QUANTIZATIONS = ['none', 'scalar', 'rabitq', 'product'] as const;
const POLICIES = ['grow', 'error'] as const;
const DURABILITIES: readonly Durability[] = ['strict', 'group', 'manual'];
export const LEAST_RECALL = 0.5;

/** Options that have passed every check, as the engine and the storage want them. */
export interface CheckedOptions {
  readonly dimensions: number;
  readonly storagePath: string | undefined;
  readonly worker: boolean | undefined;
  readonly durability: Durability;
  readonly readOnly: boolean;
  readonly persist: boolean;
  readonly storage: BatchStorage | undefined;
  /** Most rows that inserts may make. */
  readonly limit: number | undefined;
  /** What stays when the index is replaced. */
  readonly kept: KeptOptions;
  /** JSON of the core's `Config`. */
  readonly config: string;
}

interface KeptOptions {
  readonly dimensions: number;
  readonly distanceMetric: DistanceMetric | undefined;
  readonly maxElements: number | undefined;
  readonly filterLimits: object | undefined;
  /** The contract of the vectors, as text. */
  readonly embedding: string | undefined;
  readonly precision: Precision | undefined;
}

interface IndexConfig {
  readonly textFields: readonly string[] | undefined;
  readonly index: IndexType | undefined;
  readonly hnswConfig: object | undefined;
  readonly quantization: object | undefined;
  readonly targetRecall: number | undefined;
}

export function checkOptions(options: DbOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidOption(
      'options',
      `must be an object with at least { dimensions }, not ${describe(options)}`,
    );
  }
  const read = new Reader(options, '');
  const dimensions = read.integer('dimensions', 1, MAX_DIMENSIONS);
  if (dimensions === undefined)
    throw invalidOption('dimensions', 'is required: the number of components of a vector');
  const distanceMetric = read.oneOf('distanceMetric', METRICS);
  const storagePath = read.string('storagePath');
  const durability = read.oneOf('durability', DURABILITIES);
  const readOnly = read.boolean('readOnly');
  const maxElements = read.integer('maxElements', 1, MAX_ROWS);
  const policy = read.oneOf('maxElementsPolicy', POLICIES);
  const worker = read.boolean('worker');
  const persist = read.boolean('persist');
  const storage = checkStorage(read.any('storage'));
  if (storage && storagePath !== undefined)
    throw invalidOption('storage', 'and storagePath both say where the database is kept');
  if (storage && worker) throw invalidOption('storage', 'cannot be sent to a worker');
  if (storage && persist) throw invalidOption('persist', 'is for what browsers keep');
  const filterLimits = limits(read);
  const embedding = embeddingText(read.any('embedding'));
  const precision = read.oneOf('precision', PRECISIONS);
  const index = indexConfig(read);
  read.refuseTheRest();
  const kept = { dimensions, distanceMetric, maxElements, filterLimits, embedding, precision };
  refuseContradictions({ ...kept, ...index });
  const unused =
    storagePath === undefined &&
    !storage &&
    (durability ? 'durability' : readOnly ? 'readOnly' : persist && 'persist');
  if (unused) throw invalidOption(unused, 'does nothing without storagePath');
  if (policy !== undefined && maxElements === undefined) {
    throw invalidOption('maxElementsPolicy', 'does nothing without maxElements');
  }
  return {
    dimensions,
    storagePath,
    durability: durability ?? 'group',
    readOnly: readOnly ?? false,
    persist: persist ?? false,
    storage,
    limit: policy === 'error' ? maxElements : undefined,
    worker,
    kept,
    config: JSON.stringify({ ...kept, ...index }),
  };
}

function checkStorage(given: unknown): BatchStorage | undefined {
  if (given === undefined) return undefined;
  const storage = given as Partial<BatchStorage> | null;
  const isOne =
    typeof storage?.kind === 'string' &&
    typeof storage.read === 'function' &&
    typeof storage.commit === 'function';
  if (isOne) return storage as BatchStorage;
  throw invalidOption('storage', `must have kind, read() and commit(), as those of annywhere/storage`);
}

/** JSON of the core's `Config` with another index than the options of the database said. */
export function checkIndexOptions(options: IndexOptions, kept: KeptOptions): string {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidOption('options', `must be an object, not ${describe(options)}`);
  }
  const read = new Reader(options, '');
  const index = indexConfig(read);
  read.refuseTheRest();
  refuseContradictions({ ...kept, ...index });
  return JSON.stringify({ ...kept, ...index });
}

function limits(read: Reader): object | undefined {
  const given = read.nested('filterLimits');
  const filterLimits = given && {
    depth: given.integer('depth', 1, MAX_FILTER_DEPTH),
    conditions: given.integer('conditions', 1, MAX_ROWS),
    values: given.integer('values', 1, MAX_ROWS),
    fields: given.integer('fields', 0, MAX_ROWS),
  };
  given?.refuseTheRest();
  return filterLimits;
}

function indexConfig(read: Reader): IndexConfig {
  const graph = read.nested('hnswConfig');
  const hnswConfig = graph && {
    m: graph.integer('m', 2, MAX_M),
    efConstruction: graph.integer('efConstruction', 1, MAX_EF),
    efSearch: graph.integer('efSearch', 1, MAX_EF),
  };
  graph?.refuseTheRest();
  return {
    textFields: textFields(read),
    index: read.oneOf('index', INDEXES),
    hnswConfig,
    quantization: quantization(read),
    targetRecall: read.number('targetRecall', LEAST_RECALL, 1),
  };
}

function textFields(read: Reader): readonly string[] | undefined {
  const text = read.nested('text');
  const fields = text?.paths('fields', MAX_TEXT_FIELDS);
  text?.refuseTheRest();
  if (text && !fields) throw invalidOption('text.fields', 'is required: paths of metadata fields');
  return fields;
}

/** A name is short for an object with it; `auto` for nothing. */
function quantization(read: Reader): object | undefined {
  if (!read.holdsObject('quantization')) {
    const name = read.oneOf('quantization', ['auto', ...QUANTIZATIONS]);
    return name === undefined || name === 'auto' ? undefined : { type: name };
  }
  const given = read.nested('quantization') as Reader;
  const type = given.oneOf('type', QUANTIZATIONS);
  if (type === undefined)
    throw invalidOption('quantization.type', `is required: one of ${QUANTIZATIONS.join(', ')}`);
  const settings = {
    bits: type === 'rabitq' ? given.integer('bits', 1, 4) : undefined,
    subspaces: type === 'product' ? given.integer('subspaces', 1, MAX_DIMENSIONS) : undefined,
    k: type === 'product' ? given.integer('k', 1, 256) : undefined,
  };
  given.refuseTheRest();
  return { type, ...settings };
}

/** What the core refuses too, found here before the engine is there. */
function refuseContradictions(config: KeptOptions & IndexConfig): void {
  const { type, bits, subspaces, k } = (config.quantization ?? {}) as Partial<Quantization>;
  const ofGraphs = type === 'scalar' || (type === 'product' && k === GRAPH_CENTRES);
  const graph =
    config.index === 'hnsw' ||
    (config.index !== 'scan' &&
      (config.hnswConfig !== undefined || ofGraphs || config.distanceMetric === 'manhattan'));
  if (config.distanceMetric === 'manhattan' && type !== undefined && type !== 'none') {
    throw invalidOption('quantization', "codes have no Manhattan distance; use 'none'");
  }
  if (graph && config.targetRecall !== undefined) {
    throw invalidOption('targetRecall', "is for the index 'scan'; the graph has hnswConfig.efSearch");
  }
  if (!graph && config.hnswConfig !== undefined) {
    throw invalidOption('hnswConfig', "is for the index 'hnsw' and does nothing for 'scan'");
  }
  if (!graph && type === 'scalar') {
    throw invalidOption(
      'quantization',
      "'scalar' is for the index 'hnsw'; a scan takes 'rabitq', 'product' or 'none'",
    );
  }
  if ((bits as number) === 3) throw invalidOption('quantization.bits', 'must be 1, 2 or 4, not 3');
  const step = graph ? 1 : SCAN_SUBSPACES;
  const most = Math.ceil(config.dimensions / step) * step;
  if (subspaces !== undefined && (subspaces % step !== 0 || subspaces > most)) {
    throw invalidOption(
      'quantization.subspaces',
      `must be a multiple of ${step} from ${step} to ${most}, not ${subspaces}`,
    );
  }
  const centres = graph ? GRAPH_CENTRES : SCAN_CENTRES;
  if (k !== undefined && k !== centres) {
    throw invalidOption('quantization.k', `must be ${centres}, not ${k}`);
  }
}

/** Refuses names that a call does not know. `fail` makes the error from the name and the reason. */
export function refuseUnknown(
  given: object,
  known: readonly string[],
  fail: (name: string, reason: string) => AnnywhereError,
): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    throw fail(
      name,
      meant ? `is unknown; did you mean ${meant}?` : `is unknown; known are ${known.join(', ')}`,
    );
  }
}

/** The own property of an object; what is inherited does not count. */
export function own<T extends object, K extends string & keyof T>(given: T, name: K): T[K] | undefined {
  return Object.hasOwn(given, name) ? given[name] : undefined;
}

class Reader {
  readonly #given: object;
  readonly #prefix: string;
  readonly #known: string[] = [];

  constructor(given: object, prefix: string) {
    this.#given = given;
    this.#prefix = prefix;
  }

  integer(name: string, least: number, most: number): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw invalidOption(
      this.#prefix + name,
      `must be an integer from ${least} to ${most}, not ${show(value)}`,
    );
  }

  number(name: string, least: number, most: number): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= least && value <= most) return value;
    throw invalidOption(this.#prefix + name, `must be a number from ${least} to ${most}, not ${show(value)}`);
  }

  holdsObject(name: string): boolean {
    const value = Object.hasOwn(this.#given, name) && (this.#given as Record<string, unknown>)[name];
    return typeof value === 'object' && value !== null;
  }

  string(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || (typeof value === 'string' && value !== '')) return value;
    throw invalidOption(this.#prefix + name, `must be a non-empty string, not ${show(value)}`);
  }

  boolean(name: string): boolean | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw invalidOption(this.#prefix + name, `must be true or false, not ${show(value)}`);
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.#take(name);
    if (value === undefined || choices.includes(value as T)) return value as T | undefined;
    const meant = typeof value === 'string' ? nearest(value, choices) : undefined;
    const hint = meant ? `; did you mean '${meant}'?` : '';
    const list = choices.map((choice) => `'${choice}'`).join(', ');
    throw invalidOption(this.#prefix + name, `must be one of ${list}, not ${show(value)}${hint}`);
  }

  /** A value that somebody else checks. */
  any(name: string): unknown {
    return this.#take(name);
  }

  paths(name: string, most: number): readonly string[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    const isPath = (path: unknown) => typeof path === 'string' && path !== '';
    if (!Array.isArray(value) || value.length > most || !value.every(isPath)) {
      throw invalidOption(this.#prefix + name, `must be an array of up to ${most} dotted paths`);
    }
    if (new Set(value).size < value.length) throw invalidOption(this.#prefix + name, 'has a path twice');
    return [...value];
  }

  nested(name: string): Reader | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw invalidOption(this.#prefix + name, `must be an object, not ${show(value)}`);
    }
    return new Reader(value, `${this.#prefix}${name}.`);
  }

  refuseTheRest(): void {
    refuseUnknown(this.#given, this.#known, (name, reason) => invalidOption(this.#prefix + name, reason));
  }

  #take(name: string): unknown {
    this.#known.push(name);
    return Object.hasOwn(this.#given, name) ? (this.#given as Record<string, unknown>)[name] : undefined;
  }
}

/** A value as it is shown in a sentence: short scalars as they are, everything else by its kind. */
function show(value: unknown): string {
  if (typeof value === 'string') return value.length <= 40 ? `'${value}'` : 'a long string';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return describe(value);
}
