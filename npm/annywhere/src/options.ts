/**
 * Strict reading of objects that users pass: own properties only, unknown names refused, every value in its range.
 * The defaults stand in the core (`options.rs`); what is absent here stays absent.
 */
import { type AnnywhereError, describe, invalidOption } from './errors.js';
import { nearest } from './nearest.js';
import type { DbOptions, DistanceMetric } from './types.js';

const MAX_DIMENSIONS = 65_536;
const MAX_ROWS = 2 ** 31 - 2;
const MAX_M = 256;
export const MAX_EF = 65_536;

const METRICS: readonly DistanceMetric[] = ['cosine', 'euclidean', 'dot', 'manhattan'];
const QUANTIZATIONS = ['none', 'scalar'] as const;

/** Options that have passed every check, as the engine and the storage want them. */
export interface CheckedOptions {
  readonly dimensions: number;
  readonly storagePath: string | undefined;
  /** JSON of the core's `Config`. */
  readonly config: string;
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
  const maxElements = read.integer('maxElements', 1, MAX_ROWS);
  const graph = read.nested('hnswConfig');
  const hnswConfig = graph && {
    m: graph.integer('m', 2, MAX_M),
    efConstruction: graph.integer('efConstruction', 1, MAX_EF),
    efSearch: graph.integer('efSearch', 1, MAX_EF),
  };
  graph?.refuseTheRest();
  const quantization = read.oneOf('quantization', QUANTIZATIONS);
  read.refuseTheRest();
  if (distanceMetric === 'manhattan' && quantization === 'scalar') {
    throw invalidOption('quantization', "scalar codes have no Manhattan distance; use 'none'");
  }
  const config = { dimensions, distanceMetric, maxElements, hnswConfig, quantization };
  return { dimensions, storagePath, config: JSON.stringify(config) };
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

  string(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || (typeof value === 'string' && value !== '')) return value;
    throw invalidOption(this.#prefix + name, `must be a non-empty string, not ${show(value)}`);
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.#take(name);
    if (value === undefined || choices.includes(value as T)) return value as T | undefined;
    const meant = typeof value === 'string' ? nearest(value, choices) : undefined;
    const hint = meant ? `; did you mean '${meant}'?` : '';
    const list = choices.map((choice) => `'${choice}'`).join(', ');
    throw invalidOption(this.#prefix + name, `must be one of ${list}, not ${show(value)}${hint}`);
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
