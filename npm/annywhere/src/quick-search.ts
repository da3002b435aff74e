/**
 * Searches at once: the query and the numbers of the hits lie in memory that every search uses again, and nothing
 * waits, because a search that is quick takes less time than a promise.
 */
import type { GuardedEngine } from './guarded-engine.js';
import { quickHitsOf, quicklyFinished } from './hits.js';
import { type CheckedSearch, NO_VECTOR } from './search-query.js';
import type { Hits } from './types.js';
import { copyVectorInto } from './vectors.js';

/** With more hits than this the objects made of them cost more than a promise. */
const MOST_HITS = 1_000;

export class QuickSearch {
  readonly #query: Float32Array;
  #numbers = new Float32Array(0);
  #bytes = new Uint8Array(0);

  constructor(dimensions: number) {
    this.#query = new Float32Array(dimensions);
  }

  /** The hits, or `undefined` for a search that takes its time. */
  run<Meta extends object>(engine: GuardedEngine, search: CheckedSearch): Hits<Meta> | undefined {
    const { vector, hasVector, k, params } = search;
    if (k > MOST_HITS) return undefined;
    if (hasVector) copyVectorInto(this.#query, 0, vector);
    if (this.#numbers.length < 2 * k) {
      this.#numbers = new Float32Array(2 * k);
      this.#bytes = new Uint8Array(this.#numbers.buffer);
    }
    const rows = engine.searchNow(hasVector ? this.#query : NO_VECTOR, params, this.#bytes);
    if (rows === undefined) return undefined;
    const hits = quickHitsOf<Meta>(rows, this.#numbers);
    return quicklyFinished(engine, hits, search);
  }
}
