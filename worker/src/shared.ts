/** One value for all requests of an isolate, loaded by the first that needs it. */

// A load takes about a second. One that takes this long hangs: its request was cancelled together with its I/O.
const ABANDONED_AFTER_MS = 20_000;

interface Attempt<T> {
  readonly value: Promise<T>;
  readonly since: number;
}

export class Shared<T> {
  readonly #now: () => number;
  #value: T | undefined;
  #attempt: Attempt<T> | undefined;

  /** @param now Milliseconds; in Workers the time stands still while code runs. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The value. Requests that come while it loads share one attempt; a failed one is forgotten. */
  async get(load: () => Promise<T>): Promise<T> {
    if (this.#value !== undefined) return this.#value;
    if (!this.#attempt || this.#now() - this.#attempt.since > ABANDONED_AFTER_MS) this.#begin(load);
    return (this.#attempt as Attempt<T>).value;
  }

  /** Forgets this value, so that the next request loads anew; a newer one stays. */
  drop(value: T): void {
    if (this.#value === value) this.#value = undefined;
  }

  #begin(load: () => Promise<T>): void {
    const attempt: Attempt<T> = {
      since: this.#now(),
      value: load().then(
        (value) => {
          if (this.#attempt === attempt) {
            this.#value = value;
            this.#attempt = undefined;
          }
          return value;
        },
        (error: unknown) => {
          if (this.#attempt === attempt) this.#attempt = undefined;
          throw error;
        },
      ),
    };
    this.#attempt = attempt;
  }
}
