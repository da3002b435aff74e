/** A search as it is given, checked and copied into what the engine takes. */
import { describe, invalidArgument } from './errors.js';
import { MAX_EF, own, refuseUnknown } from './options.js';
import type { SearchQuery } from './types.js';
import { copyVector } from './vectors.js';

const DEFAULT_K = 10;
const MAX_K = 2 ** 31 - 1;
const NAMES = ['vector', 'k', 'threshold', 'ef', 'exact'];

export interface CheckedSearch {
  readonly vector: Float32Array;
  readonly k: number;
  /** 0 is the default of the options. */
  readonly ef: number;
  readonly exact: boolean;
  /** NaN is none. */
  readonly threshold: number;
}

export function checkSearch(query: SearchQuery, dimensions: number): CheckedSearch {
  if (typeof query !== 'object' || query === null || Array.isArray(query) || ArrayBuffer.isView(query)) {
    throw invalidArgument('query', `must be an object with at least { vector }, not ${describe(query)}`);
  }
  refuseUnknown(query, NAMES, invalidArgument);
  const threshold = own(query, 'threshold');
  const exact = own(query, 'exact');
  if (exact !== undefined && typeof exact !== 'boolean') {
    throw invalidArgument('exact', `must be true or false, not ${describe(exact)}`);
  }
  if (threshold !== undefined && !Number.isFinite(threshold)) {
    throw invalidArgument('threshold', `must be a finite number, not ${show(threshold)}`);
  }
  return {
    vector: copyVector(own(query, 'vector'), dimensions),
    k: integer('k', own(query, 'k'), MAX_K) ?? DEFAULT_K,
    ef: integer('ef', own(query, 'ef'), MAX_EF) ?? 0,
    exact: exact ?? false,
    threshold: threshold ?? Number.NaN,
  };
}

function integer(name: string, value: unknown, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw invalidArgument(name, `must be an integer from 1 to ${most}, not ${show(value)}`);
}

function show(value: unknown): string {
  return typeof value === 'number' ? String(value) : describe(value);
}
