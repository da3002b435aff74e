/**
 * Keeps the effects of calls in the order of the calls: a write waits for everything called before it, a read for
 * the writes called before it, and reads run side by side.
 */
export class CallOrder {
  /** Settles when the last write has; never rejects. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** The reads that have not settled since then. */
  readonly #reads = new Set<Promise<unknown>>();

  read<T>(body: () => T | Promise<T>): Promise<T> {
    const result = this.#lastWrite.then(body);
    const settled: Promise<unknown> = result.then(ignore, ignore).then(() => this.#reads.delete(settled));
    this.#reads.add(settled);
    return result;
  }

  write<T>(body: () => T | Promise<T>): Promise<T> {
    const result = Promise.all([this.#lastWrite, ...this.#reads]).then(body);
    this.#reads.clear();
    this.#lastWrite = result.then(ignore, ignore);
    return result;
  }
}

function ignore(): void {}
