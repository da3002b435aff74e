/**
 * Keeps the effects of calls in the order of the calls: a write waits for everything called before it, a read for
 * the writes called before it, and reads run side by side.
 */
export class CallOrder {
  /** Settles when the last write has; never rejects. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** The reads that have not settled since then. */
  readonly #reads = new Set<Promise<unknown>>();
  /** Writes that have not settled. */
  #writing = 0;

  /** True if a read has nothing to wait for. */
  get isIdle(): boolean {
    return this.#writing === 0;
  }

  read<T>(body: () => T | Promise<T>): Promise<T> {
    const result = this.#lastWrite.then(body);
    const settled: Promise<unknown> = result.then(ignore, ignore).then(() => this.#reads.delete(settled));
    this.#reads.add(settled);
    return result;
  }

  write<T>(body: () => T | Promise<T>): Promise<T> {
    const result = Promise.all([this.#lastWrite, ...this.#reads]).then(body);
    this.#reads.clear();
    this.#writing++;
    const settled = () => {
      this.#writing--;
    };
    this.#lastWrite = result.then(settled, settled);
    return result;
  }
}

function ignore(): void {}
