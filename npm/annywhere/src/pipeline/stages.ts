/** The stages that every search has: ask the index, leave out, cut. */
import { describe, invalidArgument } from '../errors.js';
import type { Filter as DbFilter } from '../filter-types.js';
import type { Fusion, Hit, HitParts, Vector } from '../types.js';
import { allOf, type Filter } from './filter.js';
import type { Candidate, Reason, Stage } from './pipeline.js';

/** What a pipeline needs of a database. */
export interface SearchedDb<Meta extends object> {
  search(query: {
    vector: Vector;
    text?: string;
    fusion?: Fusion;
    k?: number;
    threshold?: number;
    filter?: DbFilter<Meta>;
    include?: { vector?: boolean };
  }): Promise<Hit<Meta>[]>;
}

export interface RetrieveOptions {
  vector: Vector;
  /** Words to look for beside the vector, in the fields of the database's option `text`; `fusion` makes one list. */
  text?: string | undefined;
  fusion?: Fusion | undefined;
  filter?: Filter | undefined;
  /** Least similarity; also 0 and negative numbers count. Default: none. */
  threshold?: number | undefined;
}

/** Asks the index for as many candidates as the other stages want. */
export function retrieve<Meta extends object>(
  db: SearchedDb<Meta>,
  { vector, text, fusion, filter, threshold }: RetrieveOptions,
): Stage<Meta> {
  if (threshold !== undefined && !Number.isFinite(threshold)) {
    throw invalidArgument('threshold', `must be a finite number, not ${String(threshold)}`);
  }
  return {
    name: 'retrieve',
    async run(_, run) {
      const { candidates: k, vectors } = run.request;
      const all = allOf(filter, run.request.filter);
      const hits = await db.search({
        vector,
        k,
        ...(text !== undefined && { text }),
        ...(fusion !== undefined && { fusion }),
        ...(threshold !== undefined && { threshold }),
        ...(all !== undefined && { filter: all as DbFilter<Meta> }),
        ...(vectors && { include: { vector: true } }),
      });
      if (hits.length === k) run.cutoff = hits[hits.length - 1]?.score;
      return hits.map((hit): Candidate<Meta> => {
        const { id, score, metadata, vector: own } = hit;
        return { id, score, similarity: score, metadata, reasons: found(hit), ...(own && { vector: own }) };
      });
    },
  };
}

/** What brought a hit: its similarity or, of a search with words, what either side gave. */
function found({ score, parts }: { score: number; parts?: HitParts }): Reason[] {
  if (!parts) return [{ kind: 'similarity', value: score, text: `similarity ${score.toFixed(3)}` }];
  return (['vector', 'text'] as const).map((kind) => {
    const { score: value, rank } = parts[kind];
    return {
      kind,
      value,
      text: `${kind} ${value.toFixed(3)}, ${rank === null ? 'no rank' : `rank ${rank}`}`,
    };
  });
}

/** Leaves rows out inside the index. */
export function filter<Meta extends object>(condition: Filter): Stage<Meta> {
  if (typeof condition !== 'object' || condition === null) {
    throw invalidArgument('filter', `must be an object, not ${describe(condition)}`);
  }
  return {
    name: 'filter',
    prepare(request) {
      request.filter = allOf(request.filter, condition);
    },
    run: (candidates) => candidates,
  };
}

/** Leaves candidates out by what a filter cannot say; the index is asked again until k are left. */
export function where<Meta extends object>(keep: (candidate: Candidate<Meta>) => boolean): Stage<Meta> {
  return { name: 'where', run: (candidates) => candidates.filter(keep) };
}

/** The first k. */
export function take<Meta extends object>(k: number): Stage<Meta> {
  if (!(Number.isInteger(k) && k > 0)) {
    throw invalidArgument('k', `must be a positive integer, not ${String(k)}`);
  }
  return {
    name: 'take',
    prepare(request) {
      request.wanted = Math.max(request.wanted, k);
    },
    run: (candidates) => candidates.slice(0, k),
  };
}
