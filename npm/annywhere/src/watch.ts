/**
 * Standing queries: a search that is made again after every change, whose caller hears what is different. Changes made
 * while a search waits for its turn are seen by that search, so that a burst of writes costs one.
 */
import { AnnywhereError, describe, invalidArgument } from './errors.js';
import type { Hit, Subscription, WatchEvent } from './types.js';

/** What it gives back may be a promise: if that rejects, it is an exception of the callback. */
type Callback<Meta extends object> = (event: WatchEvent<Meta>) => unknown;

export class Watches<Meta extends object> {
  readonly #watches = new Set<Watch<Meta>>();

  /** `search` takes its place among the calls when it is called. */
  add(
    search: () => Promise<Hit<Meta>[]>,
    callback: Callback<Meta>,
    onError?: (error: unknown) => void,
  ): Subscription {
    if (typeof callback !== 'function') {
      throw invalidArgument('callback', `must be a function, not ${describe(callback)}`);
    }
    if (onError !== undefined && typeof onError !== 'function') {
      throw invalidArgument('onError', `must be a function, not ${describe(onError)}`);
    }
    const watch = new Watch(search, callback, onError);
    this.#watches.add(watch);
    watch.look();
    const close = () => {
      watch.close();
      this.#watches.delete(watch);
    };
    return { close, [Symbol.dispose]: close };
  }

  /** To be called after every change, when the next search would see it. */
  changed(): void {
    for (const watch of this.#watches) watch.look();
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
    this.#watches.clear();
  }
}

class Watch<Meta extends object> {
  readonly #search: () => Promise<Hit<Meta>[]>;
  readonly #callback: Callback<Meta>;
  readonly #onError: ((error: unknown) => void) | undefined;
  #hits: readonly Hit<Meta>[] = [];
  /** The metadata of each hit as text, to compare. */
  #texts = new Map<string, string>();
  #isFirst = true;
  #isWaiting = false;
  #isClosed = false;

  constructor(
    search: () => Promise<Hit<Meta>[]>,
    callback: Callback<Meta>,
    onError?: (error: unknown) => void,
  ) {
    this.#search = search;
    this.#callback = callback;
    this.#onError = onError;
  }

  look(): void {
    if (this.#isWaiting || this.#isClosed) return;
    this.#isWaiting = true;
    // A change during the search asks for another one: it is not known whether this one still sees it.
    this.#search()
      .finally(() => {
        this.#isWaiting = false;
      })
      .then((hits) => this.#compare(hits))
      .catch((error: unknown) => this.#fail(error));
  }

  close(): void {
    this.#isClosed = true;
  }

  #compare(hits: Hit<Meta>[]): unknown {
    if (this.#isClosed) return undefined;
    const before = new Map(this.#hits.map((hit, rank) => [hit.id, { hit, rank }]));
    const texts = new Map(hits.map(({ id, metadata }) => [id, JSON.stringify(metadata)]));
    const entered: Hit<Meta>[] = [];
    const moved: Hit<Meta>[] = [];
    for (const [rank, hit] of hits.entries()) {
      const old = before.get(hit.id);
      before.delete(hit.id);
      if (!old) entered.push(hit);
      else if (
        old.rank !== rank ||
        old.hit.score !== hit.score ||
        this.#texts.get(hit.id) !== texts.get(hit.id)
      )
        moved.push(hit);
    }
    const left = [...before.keys()];
    const isNews = this.#isFirst || entered.length + moved.length + left.length > 0;
    this.#hits = hits;
    this.#texts = texts;
    this.#isFirst = false;
    return isNews ? this.#callback({ entered, left, moved, hits }) : undefined;
  }

  #fail(error: unknown): void {
    if (this.#isClosed || (error instanceof AnnywhereError && error.code === 'Closed')) return;
    // Without anybody to tell, it is an unhandled rejection like any other.
    if (!this.#onError) throw error;
    this.#onError(error);
  }
}
