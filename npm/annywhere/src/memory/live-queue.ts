/**
 * Writes gathered into batches. The newest write of an id replaces the ones that wait, one batch is under way at a
 * time, and nothing leaves the queue before the store has it: what fails is tried again, after pauses that double, so
 * nothing is lost and no id goes back to an older state.
 */
import { AnnywhereError, describe, invalidArgument, invalidOption, ioError } from '../errors.js';
import { refuseUnknown } from '../options.js';
import type { Entry } from '../types.js';

/** What a queue writes to; `VectorDb` of every entry is one. */
export interface QueueStore<Meta extends object> {
  insertBatch(entries: Iterable<Entry<Meta>>): Promise<unknown>;
  delete(id: string): Promise<unknown>;
}

export interface LiveQueueOptions {
  /** Writes that wait at most; further ones wait for room, or are refused. Default 1000. */
  maxBuffered?: number;
  /** What a write does when the queue is full. Default `wait`. */
  whenFull?: 'wait' | 'refuse';
  /** Writes per batch; a full one is written at once. Default 100. */
  batchSize?: number;
  /** How long a write waits for others, in milliseconds. Default 1000. */
  delayMs?: number;
  /** The first pause after a failure. Default 100 ms. */
  retryMs?: number;
  /** The longest one. Default 30 s. */
  maxRetryMs?: number;
  /** How often `flush` and `close` try before they reject. Default 5. */
  flushTries?: number;
  /** Hears of every failure; the writes stay in the queue. */
  onError?: (error: unknown) => void;
}

/** The last write of an id: an entry, or `null` for a removal. */
type Write<Meta extends object> = (Entry<Meta> & { id: string }) | null;

const OPTIONS = [
  ...['maxBuffered', 'whenFull', 'batchSize', 'delayMs', 'retryMs', 'maxRetryMs', 'flushTries', 'onError'],
] as const;

export class LiveQueue<Meta extends object = Record<string, unknown>> {
  readonly #store: QueueStore<Meta>;
  readonly #options: Required<Omit<LiveQueueOptions, 'onError'>>;
  readonly #onError: ((error: unknown) => void) | undefined;
  /** In the order of their first write. */
  readonly #waiting = new Map<string, Write<Meta>>();
  readonly #forRoom: (() => void)[] = [];
  /** Ids that calls of `flush` wait for. */
  readonly #flushes = new Set<Set<string>>();
  #underWay: Promise<boolean> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #lastError: unknown;
  #closed = false;

  constructor(store: QueueStore<Meta>, options: LiveQueueOptions = {}) {
    if (typeof store?.insertBatch !== 'function') {
      throw invalidArgument('store', `must be a VectorDb, not ${describe(store)}`);
    }
    refuseUnknown(options, OPTIONS as readonly string[], invalidOption);
    const { maxBuffered = 1000, whenFull = 'wait', batchSize = 100, delayMs = 1000 } = options;
    const { retryMs = 100, maxRetryMs = 30_000, flushTries = 5, onError } = options;
    for (const [option, value, least] of [
      ['maxBuffered', maxBuffered, 1],
      ['batchSize', batchSize, 1],
      ['delayMs', delayMs, 0],
      ['retryMs', retryMs, 0],
      ['maxRetryMs', maxRetryMs, 0],
      ['flushTries', flushTries, 1],
    ] as const) {
      if (!(Number.isInteger(value) && value >= least)) {
        throw invalidOption(option, `must be an integer of at least ${least}, not ${String(value)}`);
      }
    }
    if (whenFull !== 'wait' && whenFull !== 'refuse') {
      throw invalidOption('whenFull', `must be 'wait' or 'refuse', not ${describe(whenFull)}`);
    }
    this.#store = store;
    this.#options = { maxBuffered, whenFull, batchSize, delayMs, retryMs, maxRetryMs, flushTries };
    this.#onError = onError;
  }

  /** Writes that the store does not have yet. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Ids of those writes, in their order. */
  pending(): string[] {
    return [...this.#waiting.keys()];
  }

  /** Puts an entry into the queue; resolves once it has room there, not once it is written. */
  async put(entry: Entry<Meta> & { id: string }): Promise<void> {
    if (typeof entry?.id !== 'string' || entry.id === '') throw invalidArgument('entry', 'must have an id');
    // Copied, as the caller may go on to use its memory.
    await this.#add(entry.id, { ...entry, vector: Float32Array.from(entry.vector) });
  }

  /** Puts a removal into the queue. */
  async delete(id: string): Promise<void> {
    if (typeof id !== 'string' || id === '') throw invalidArgument('id', 'must be a non-empty string');
    await this.#add(id, null);
  }

  /** Resolves when all that was put in before is written; rejects after some tries, and the writes stay. */
  async flush(): Promise<void> {
    const unwritten = new Set(this.#waiting.keys());
    this.#flushes.add(unwritten);
    try {
      for (let tries = 0; unwritten.size > 0; ) {
        if (await this.#writeBatch()) {
          // The batch may have begun before this call, with the last write of an id.
          for (const id of unwritten) if (!this.#waiting.has(id)) unwritten.delete(id);
          tries = 0;
          continue;
        }
        tries += 1;
        if (tries >= this.#options.flushTries) throw ioError('flush', this.#lastError);
        await new Promise((resolve) => setTimeout(resolve, this.#pauseMs()));
      }
    } finally {
      this.#flushes.delete(unwritten);
      if (this.#waiting.size > 0)
        this.#schedule(this.#failures > 0 ? this.#pauseMs() : this.#options.delayMs);
    }
  }

  /** Refuses further writes and flushes. If that fails it rejects; the queue still has the writes, and `close` may be called again. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopTimer();
    for (const go of this.#forRoom.splice(0)) go();
    await this.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #add(id: string, write: Write<Meta>): Promise<void> {
    this.#refuseClosed();
    while (!this.#waiting.has(id) && this.#waiting.size >= this.#options.maxBuffered) {
      if (this.#options.whenFull === 'refuse') {
        const reason = `the queue holds ${this.#waiting.size} writes, which is its limit`;
        throw new AnnywhereError('NoSpace', reason, { reason });
      }
      this.#begin();
      await new Promise<void>((resolve) => this.#forRoom.push(resolve));
      this.#refuseClosed();
    }
    this.#waiting.set(id, write);
    if (this.#waiting.size >= this.#options.batchSize) this.#begin();
    else this.#schedule(this.#options.delayMs);
  }

  /** Writes now, unless a failure is being waited out. */
  #begin(): void {
    if (this.#failures > 0) this.#schedule(this.#pauseMs());
    else if (this.#underWay === undefined) void this.#writeBatch();
  }

  #schedule(ms: number): void {
    // A call of `flush` tries by itself.
    if (this.#closed || this.#flushes.size > 0) return;
    if (this.#timer !== undefined || this.#underWay !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#writeBatch();
    }, ms);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** One batch, or the one that is under way; `false` if it failed. */
  #writeBatch(): Promise<boolean> {
    this.#stopTimer();
    this.#underWay ??= this.#write([...this.#waiting].slice(0, this.#options.batchSize)).finally(() => {
      this.#underWay = undefined;
      if (this.#waiting.size === 0) return;
      const isFull = this.#waiting.size >= this.#options.batchSize;
      this.#schedule(this.#failures > 0 ? this.#pauseMs() : isFull ? 0 : this.#options.delayMs);
    });
    return this.#underWay;
  }

  async #write(batch: readonly [string, Write<Meta>][]): Promise<boolean> {
    // A call of `flush` that begins later wants what was put in since.
    const flushes = [...this.#flushes];
    try {
      const entries = batch.flatMap(([, write]) => write ?? []);
      if (entries.length > 0) await this.#store.insertBatch(entries);
      for (const [id, write] of batch) if (write === null) await this.#store.delete(id);
    } catch (error) {
      this.#failures += 1;
      this.#lastError = error;
      this.#onError?.(error);
      return false;
    }
    this.#failures = 0;
    for (const [id, write] of batch) {
      // A newer write of the id came meanwhile: it is still to be written.
      if (this.#waiting.get(id) === write) this.#waiting.delete(id);
      for (const unwritten of flushes) unwritten.delete(id);
    }
    for (const go of this.#forRoom.splice(0)) go();
    return true;
  }

  #pauseMs(): number {
    const { retryMs, maxRetryMs } = this.#options;
    return Math.min(maxRetryMs, retryMs * 2 ** Math.max(0, this.#failures - 1));
  }

  #refuseClosed(): void {
    if (this.#closed) throw new AnnywhereError('Closed', 'the queue is closed');
  }
}
