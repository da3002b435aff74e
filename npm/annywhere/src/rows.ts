/** Rows as users get them, and the arguments of what lists and changes them. */
import type { EngineRows } from './engine.js';
import { describe, invalidArgument } from './errors.js';
import { filterToJson } from './filter.js';
import { checkId } from './ids.js';
import { metadataToJson } from './metadata.js';
import { own, refuseUnknown } from './options.js';
import { checkSearch, integer } from './search-query.js';
import type { Change, ListOptions, RecallOptions, Row } from './types.js';
import { copyVector } from './vectors.js';

/** With filters of any metadata. */
type Loose<Options> = Omit<Options, 'filter'> & { filter?: unknown };

/** The rows of an answer of the engine. */
export function rowsOf<Meta extends object>(found: EngineRows, dimensions: number): Row<Meta>[] {
  const { rows, vectors } = found;
  found.free?.();
  const flat = JSON.parse(rows) as unknown[];
  const list: Row<Meta>[] = [];
  for (let row = 0; 2 * row < flat.length; row++) {
    list.push({
      id: flat[2 * row] as string,
      vector: vectors.slice(row * dimensions, (row + 1) * dimensions),
      metadata: flat[2 * row + 1] as Meta,
    });
  }
  return list;
}

/** Their ids. */
export function idsOf(found: EngineRows): string[] {
  const { rows } = found;
  found.free?.();
  return (JSON.parse(rows) as unknown[]).filter((_, at) => at % 2 === 0) as string[];
}

/** One row for each id, `null` where there is none; `found` are those that exist, in the same order. */
export function byIds<Meta extends object>(ids: readonly string[], found: Row<Meta>[]): (Row<Meta> | null)[] {
  let next = 0;
  return ids.map((id) => (found[next]?.id === id ? (found[next++] as Row<Meta>) : null));
}

export function checkIds(ids: unknown): string[] {
  if (!Array.isArray(ids)) throw invalidArgument('ids', `must be an array of strings, not ${describe(ids)}`);
  return ids.map((id, row) => checkId(id, row));
}

/** What `deleteMany` is to remove: ids, or the JSON of a filter. */
export function checkSelection(which: unknown): { readonly ids?: string[]; readonly filter?: string } {
  if (Array.isArray(which)) return { ids: checkIds(which) };
  if (typeof which !== 'object' || which === null || !Object.hasOwn(which, 'filter')) {
    throw invalidArgument('which', `must be an array of ids or { filter }, not ${describe(which)}`);
  }
  refuseUnknown(which, ['filter'], invalidArgument);
  return { filter: filterToJson((which as { filter: unknown }).filter) };
}

/** What `update` is to change. */
export function checkChange(
  change: Change<object>,
  dimensions: number,
): { readonly metadata: string | undefined; readonly vector: Float32Array | undefined } {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) {
    throw invalidArgument('change', `must be an object { metadata, vector }, not ${describe(change)}`);
  }
  refuseUnknown(change, ['metadata', 'vector'], invalidArgument);
  const metadata = own(change, 'metadata');
  const vector = own(change, 'vector');
  if (metadata === undefined && vector === undefined) {
    throw invalidArgument('change', 'must have metadata or a vector');
  }
  return {
    metadata: metadata === undefined ? undefined : metadataToJson(metadata),
    vector: vector === undefined ? undefined : copyVector(vector, dimensions),
  };
}

export function checkList(options: Loose<ListOptions>): {
  readonly filter: string | undefined;
  readonly after: string | undefined;
} {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidArgument('options', `must be an object, not ${describe(options)}`);
  }
  refuseUnknown(options, ['filter', 'after'], invalidArgument);
  const after = own(options, 'after');
  if (after !== undefined && typeof after !== 'string') {
    throw invalidArgument('after', `must be an id, not ${describe(after)}`);
  }
  const filter = own(options, 'filter');
  return { filter: filter === undefined ? undefined : filterToJson(filter), after };
}

const DEFAULT_SAMPLES = 100;
const MAX_SAMPLES = 2 ** 31 - 1;

/** Number of samples and JSON of the core's `SearchParams`. */
export function checkRecall(options: Loose<RecallOptions>): {
  readonly samples: number;
  readonly params: string;
} {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidArgument('options', `must be an object, not ${describe(options)}`);
  }
  refuseUnknown(options, ['samples', 'k', 'filter', 'ef', 'targetRecall'], invalidArgument);
  const { samples: given, ...search } = options;
  const samples = integer('samples', given, MAX_SAMPLES) ?? DEFAULT_SAMPLES;
  return { samples, params: checkSearch({ ...search, vector: [] }).params };
}
