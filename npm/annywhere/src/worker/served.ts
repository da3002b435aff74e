/** A database and one who calls it by messages: the page of a worker, or another tab. */
import { AnnywhereError } from '../errors.js';
import type { Stats, Subscription } from '../types.js';
import { type EngineBoundDb, keepInFolder, openRanged, storeBatch } from '../vector-db.js';
import { type FromWorker, movable, type Packed, packError, type ToWorker } from './messages.js';

/** These change nothing, so the page need not hear what the database holds. */
export const READS = new Set([
  'search',
  'searchMany',
  'get',
  'getMany',
  'explain',
  'measureRecall',
  'health',
  'has',
  'len',
  'isEmpty',
  'count',
  'toBytes',
]);

/** Methods for the rest of this package, by the names that cross. */
const INTERNAL: Readonly<Record<string, symbol>> = { storeBatch, keepInFolder, openRanged };

export interface ServedAs {
  /** Of another tab: it does not close the database, which others use too. */
  readonly isGuest?: boolean;
  /** Every change is flushed before it is answered. */
  readonly flushes?: boolean;
  /** Others change the database too, so every answer says what it holds. */
  readonly isShared?: () => boolean;
}

type Method = (...args: unknown[]) => unknown;

export class Served {
  readonly #db: EngineBoundDb<object>;
  readonly #post: (message: FromWorker, transfer?: Transferable[]) => void;
  readonly #as: ServedAs;
  readonly #controllers = new Map<number, AbortController>();
  readonly #iterators = new Map<number, AsyncIterator<unknown>>();
  readonly #watches = new Map<number, Subscription>();
  readonly #answers = new Set<Promise<void>>();
  #hasToldStats = false;
  #hasChanged = false;

  constructor(
    db: EngineBoundDb<object>,
    post: (message: FromWorker, transfer?: Transferable[]) => void,
    as: ServedAs = {},
  ) {
    this.#db = db;
    this.#post = post;
    this.#as = as;
  }

  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'call':
        this.#answer(message.call, message.method, () => this.#begin(message));
        break;
      case 'abort':
        this.#controllers.get(message.call)?.abort(new Error(message.reason));
        break;
      case 'iterate':
        this.#iterators.set(message.call, (this.#begin(message) as AsyncGenerator)[Symbol.asyncIterator]());
        break;
      case 'next':
        this.#answer(message.call, 'search', () => this.#iterators.get(message.of)?.next());
        break;
      case 'return':
        this.#iterators.get(message.of)?.return?.();
        this.#iterators.delete(message.of);
        break;
      case 'watch':
        this.#watch(message.call, message.args);
        break;
      case 'unwatch':
        this.#watches.get(message.of)?.close();
        this.#watches.delete(message.of);
        break;
    }
  }

  /** Waits until everything received is answered. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#answers);
  }

  /** Nobody is there any more to be told. */
  end(): void {
    for (const watch of this.#watches.values()) watch.close();
    for (const iterator of this.#iterators.values()) iterator.return?.();
  }

  #begin({ call, method, args }: ToWorker & { kind: 'call' | 'iterate' }): unknown {
    if (method === 'close' && this.#as.isGuest) return this.#leave();
    return this.#method(method)(...this.#unpack(call, args));
  }

  /** What is left of `close()` where others use the database too. */
  async #leave(): Promise<void> {
    await this.settle();
    if (this.#hasChanged) await this.#db.flush();
  }

  #watch(call: number, args: readonly Packed[]): void {
    const [query] = args.map(({ value }) => value);
    const subscription = this.#db.watch(
      query as Parameters<EngineBoundDb<object>['watch']>[0],
      (value) => this.#post({ kind: 'event', call, value }),
      (error) => this.#post({ kind: 'eventError', call, error: packError(error) }),
    );
    this.#watches.set(call, subscription);
  }

  #answer(call: number, method: string, body: () => unknown): void {
    const isChange = !READS.has(method);
    this.#hasChanged ||= isChange && method !== 'close';
    const isTold = () => !isChange && this.#hasToldStats && !this.#as.isShared?.();
    const tell = () => (isTold() ? {} : this.#stats());
    const begun = (async () => body())();
    const answer = begun
      .then(async (value) => {
        if (isChange && this.#as.flushes) await this.#db.flush();
        this.#post({ kind: 'result', call, value, ...tell() }, movable(value));
      })
      .catch((error: unknown) => this.#post({ kind: 'error', call, error: packError(error), ...tell() }))
      .finally(() => {
        this.#controllers.delete(call);
        this.#answers.delete(answer);
      });
    // It does not wait for itself.
    if (method !== 'close') this.#answers.add(answer);
  }

  #method(name: string): Method {
    const methods = this.#db as unknown as Record<string | symbol, Method | undefined>;
    const method = methods[INTERNAL[name] ?? name];
    if (!method) throw new AnnywhereError('EngineFailed', `the worker has no method ${name}`);
    return method.bind(this.#db);
  }

  #unpack(call: number, args: readonly Packed[]): unknown[] {
    return args.map(({ value, hasSignal }) => {
      if (!hasSignal) return value;
      const controller = new AbortController();
      this.#controllers.set(call, controller);
      return { ...(value as object), signal: controller.signal };
    });
  }

  #stats(): { stats?: Stats } {
    try {
      const stats = this.#db.getStats();
      this.#hasToldStats = true;
      return { stats };
    } catch {
      // Closed, or not open yet: there is nothing to tell.
      return {};
    }
  }
}
