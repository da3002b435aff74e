/** The worker's side: makes the database and answers for it. */
import { AnnywhereError } from '../errors.js';
import type { Runtime } from '../runtime.js';
import type { DbOptions, Stats, Subscription } from '../types.js';
import { EngineBoundDb, keepInFolder, openRanged, storeBatch } from '../vector-db.js';
import { type FromWorker, movable, type Packed, packError, type ToWorker } from './messages.js';

/** Where messages come from and go to: the scope of a dedicated worker, or a port. */
export interface Port {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  onmessage: ((event: { data: ToWorker }) => void) | null;
}

/** These change nothing, so the page need not hear what the database holds. */
const READS = new Set([
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

type Method = (...args: unknown[]) => unknown;

export function serve(port: Port, runtime: Runtime): void {
  let served: Served | undefined;
  const post = (message: FromWorker, transfer: Transferable[] = []) => port.postMessage(message, transfer);
  port.onmessage = ({ data }) => {
    if (data.kind !== 'open') {
      served?.receive(data);
      return;
    }
    (async () => {
      await runtime.init(data.source);
      served = new Served(new EngineBoundDb(runtime, data.options as DbOptions), post);
      post({ kind: 'ready', info: runtime.info });
    })().catch((error: unknown) => post({ kind: 'failed', error: packError(error) }));
  };
}

class Served {
  readonly #db: EngineBoundDb<object>;
  readonly #post: (message: FromWorker, transfer?: Transferable[]) => void;
  readonly #controllers = new Map<number, AbortController>();
  readonly #iterators = new Map<number, AsyncIterator<unknown>>();
  readonly #watches = new Map<number, Subscription>();
  #hasToldStats = false;

  constructor(db: EngineBoundDb<object>, post: (message: FromWorker, transfer?: Transferable[]) => void) {
    this.#db = db;
    this.#post = post;
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

  #begin({ call, method, args }: ToWorker & { kind: 'call' | 'iterate' }): unknown {
    return this.#method(method)(...this.#unpack(call, args));
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
    const tell = () => (READS.has(method) && this.#hasToldStats ? {} : this.#stats());
    (async () => body())()
      .then((value) => this.#post({ kind: 'result', call, value, ...tell() }, movable(value)))
      .catch((error: unknown) => this.#post({ kind: 'error', call, error: packError(error), ...tell() }))
      .finally(() => this.#controllers.delete(call));
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
