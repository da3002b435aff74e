/** A search as it is given, checked and copied into what the engine takes. */
import { checkSignal, refuseAborted } from './abort.js';
import { describe, invalidArgument } from './errors.js';
import { filterToJson } from './filter.js';
import { checkId } from './ids.js';
import { LEAST_RECALL, MAX_EF, own, refuseUnknown } from './options.js';
import type { AbortSignalLike, IdQuery, Include, ManyQuery, SearchQuery, TextQuery } from './types.js';
import { copyVector, copyVectorInto, isFloat32Array } from './vectors.js';
import { checkWishes, WISHES, type WishParams } from './wishes.js';

export const DEFAULT_K = 10;
const MAX_K = 2 ** 31 - 1;
const MAX_BUDGET = 2 ** 31 - 1;
const NAMES = [
  'k',
  'threshold',
  'maxDistance',
  'rescore',
  'ef',
  'targetRecall',
  'exact',
  'budget',
  'filter',
  'include',
  'signal',
  ...WISHES,
];

/** With filters of any metadata. */
type Any<Query> = Omit<Query, 'filter' | 'diversify' | 'groupBy' | 'weigh'> & { filter?: unknown };
export type AnySearch = Any<SearchQuery> | Any<TextQuery> | Any<IdQuery>;
type AnyManyQuery = Any<ManyQuery>;

export interface CheckedSearch extends Wishes {
  /** As it was given: whoever uses it later than at the call has to copy it. */
  readonly vector: unknown;
  /** False where only words are searched. */
  readonly hasVector: boolean;
  readonly k: number;
  /** JSON of the core's `SearchParams`. */
  readonly params: string;
}

/** What the engine is not told. */
interface Wishes {
  readonly signal: AbortSignalLike | undefined;
  readonly withVectors: boolean;
  /** Farther hits are left out. */
  readonly maxDistance: number | undefined;
}

export function checkSearch(query: AnySearch): CheckedSearch {
  return plainSearch(query) ?? fullSearch(query);
}

/** The parameters of the last plain search; most searches of a program have the same `k`. */
let plainK = 0;
let plainParams = '';

const NO_WISHES: Wishes = { signal: undefined, withVectors: false, maxDistance: undefined };

/** A search that has a vector and perhaps `k`, as most have: to look for every other name takes as long as all the rest. */
function plainSearch(query: AnySearch): CheckedSearch | undefined {
  if (typeof query !== 'object' || query === null) return undefined;
  let vector: unknown;
  let given: unknown;
  for (const name of Object.getOwnPropertyNames(query)) {
    if (name === 'vector') vector = query.vector;
    else if (name === 'k') given = query.k;
    else return undefined;
  }
  if (vector === undefined) return undefined;
  const k = integer('k', given, MAX_K) ?? DEFAULT_K;
  if (k !== plainK) {
    plainK = k;
    plainParams = JSON.stringify({ k, exact: false });
  }
  return { vector, hasVector: true, k, params: plainParams, ...NO_WISHES };
}

function fullSearch(query: AnySearch): CheckedSearch {
  const params = checkParams(query, 'vector');
  const vector = own(query as Record<string, unknown>, 'vector');
  const hasVector = vector !== undefined || params.text === undefined;
  return { vector, hasVector, k: params.k, params: JSON.stringify(params), ...wishes(query) };
}

/** The row whose vector a search is for, and the same search without it; the vector comes later. */
export function checkIdSearch(query: AnySearch): { readonly id: string; readonly search: CheckedSearch } {
  const { id, ...rest } = query as Any<IdQuery>;
  if (own(rest as object as { vector?: unknown }, 'vector') !== undefined) {
    throw invalidArgument('id', 'stands in the place of a vector; give one of both');
  }
  return { id: checkId(id), search: checkSearch({ ...rest, vector: PENDING } as AnySearch) };
}

/** Stands for a vector that is not known yet. */
const PENDING: readonly number[] = [];

/** The vector that the engine takes, copied: an empty one where only words are searched. */
export function queryVector(
  { vector, hasVector }: Pick<CheckedSearch, 'vector' | 'hasVector'>,
  dimensions: number,
): Float32Array {
  return hasVector ? copyVector(vector, dimensions) : NO_VECTOR;
}

export const NO_VECTOR = new Float32Array(0);

/** The same search for scores that are estimated from codes. */
export function estimating(search: CheckedSearch): CheckedSearch {
  return { ...search, params: JSON.stringify({ ...JSON.parse(search.params), rescore: false }) };
}

/** The vectors one after the other, and the JSON of the core's `SearchParams`. */
export function checkManySearches(
  query: AnyManyQuery,
  dimensions: number,
): Wishes & { readonly vectors: Float32Array; readonly params: string } {
  const params = checkParams(query, 'vectors');
  const vectors = copyVectors(own(query, 'vectors'), dimensions);
  return { vectors, params: JSON.stringify(params), ...wishes(query) };
}

function wishes(query: AnySearch | AnyManyQuery): Wishes {
  const signal = checkSignal(own(query as AnyManyQuery, 'signal'));
  refuseAborted(signal);
  const withVectors = own(query as AnyManyQuery, 'include')?.vector === true;
  return { signal, withVectors, maxDistance: checkMaxDistance(query as AnyManyQuery) };
}

/** The hits that are left are the first ones, unless their order is not that of their distances. */
function checkMaxDistance(query: AnyManyQuery): number | undefined {
  const most = own(query, 'maxDistance');
  if (most === undefined) return undefined;
  if (!Number.isFinite(most))
    throw invalidArgument('maxDistance', `must be a finite number, not ${show(most)}`);
  for (const name of ['text', 'diversify', 'weigh'] as const) {
    if (Object.hasOwn(query, name)) throw invalidArgument('maxDistance', `does not go with ${name}`);
  }
  return most;
}

/** The core's `SearchParams`. */
interface Params extends WishParams {
  readonly k: number;
  readonly ef: number | undefined;
  readonly targetRecall: number | undefined;
  readonly budget: number | undefined;
  readonly exact: boolean;
  readonly rescore: false | undefined;
  readonly threshold: number | undefined;
  readonly metadata: boolean | undefined;
  readonly filter: unknown;
}

function checkParams(given: AnySearch | AnyManyQuery, vectors: string): Params {
  // Names that a search for words does not have are refused by the engine.
  const query = given as AnyManyQuery;
  if (typeof query !== 'object' || query === null || Array.isArray(query) || ArrayBuffer.isView(query)) {
    throw invalidArgument('query', `must be an object with at least { ${vectors} }, not ${describe(query)}`);
  }
  refuseUnknown(query, [vectors, ...NAMES], invalidArgument);
  const hasVector = own(query as Record<string, unknown>, vectors) !== undefined;
  const threshold = own(query, 'threshold');
  const exact = boolean('exact', own(query, 'exact')) ?? false;
  const rescore = boolean('rescore', own(query, 'rescore')) ?? true;
  const targetRecall = own(query, 'targetRecall');
  if (exact && !rescore) {
    throw invalidArgument('rescore', 'cannot be false in an exact search, which has exact scores');
  }
  if (threshold !== undefined && !Number.isFinite(threshold)) {
    throw invalidArgument('threshold', `must be a finite number, not ${show(threshold)}`);
  }
  if (targetRecall !== undefined && !isPart(targetRecall)) {
    throw invalidArgument(
      'targetRecall',
      `must be a number from ${LEAST_RECALL} to 1, not ${show(targetRecall)}`,
    );
  }
  return {
    k: integer('k', own(query, 'k'), MAX_K) ?? DEFAULT_K,
    ef: integer('ef', own(query, 'ef'), MAX_EF),
    targetRecall,
    budget: integer('budget', own(query, 'budget'), MAX_BUDGET),
    exact,
    rescore: rescore ? undefined : false,
    threshold: threshold === undefined ? undefined : Math.fround(threshold),
    metadata: checkInclude(own(query, 'include'))?.metadata,
    filter: checkFilter(own(query, 'filter')),
    ...checkWishes(query, hasVector),
  };
}

/** A copy: the caller may change the filter while the search waits for its turn. */
function checkFilter(filter: unknown): unknown {
  return filter === undefined ? undefined : JSON.parse(filterToJson(filter));
}

function checkInclude(include: Include | undefined): Include | undefined {
  if (include === undefined) return undefined;
  if (typeof include !== 'object' || include === null || Array.isArray(include)) {
    throw invalidArgument('include', `must be an object, not ${describe(include)}`);
  }
  const fail = (name: string, reason: string) => invalidArgument(`include.${name}`, reason);
  refuseUnknown(include, ['metadata', 'vector'], fail);
  for (const [name, value] of Object.entries(include)) {
    if (value !== undefined && typeof value !== 'boolean') {
      throw fail(name, `must be true or false, not ${describe(value)}`);
    }
  }
  return include;
}

function isPart(value: unknown): boolean {
  return typeof value === 'number' && value >= LEAST_RECALL && value <= 1;
}

/** A copy of many vectors, each of which is checked like a single one. */
function copyVectors(given: unknown, dimensions: number): Float32Array {
  if (isFloat32Array(given)) {
    if (given.length % dimensions !== 0) {
      throw invalidArgument('vectors', `${given.length} numbers are not whole vectors of ${dimensions}`);
    }
    return Float32Array.from(given);
  }
  if (!Array.isArray(given)) {
    throw invalidArgument('vectors', `must be an array of vectors or a Float32Array, not ${describe(given)}`);
  }
  const flat = new Float32Array(given.length * dimensions);
  given.forEach((vector, row) => {
    copyVectorInto(flat, row * dimensions, vector, row, dimensions);
  });
  return flat;
}

function boolean(name: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw invalidArgument(name, `must be true or false, not ${describe(value)}`);
}

export function integer(name: string, value: unknown, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw invalidArgument(name, `must be an integer from 1 to ${most}, not ${show(value)}`);
}

function show(value: unknown): string {
  return typeof value === 'number' ? String(value) : describe(value);
}
