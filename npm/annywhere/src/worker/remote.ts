/**
 * The page's side: sends calls to a worker and settles their promises. Messages wait in a queue until the worker is
 * ready, and while a batch goes in step by step, so that calls keep their order.
 */
import { checkSignal, refuseAborted, untilAborted } from '../abort.js';
import { type AnnywhereError, engineFailed, invalidArgument } from '../errors.js';
import type { Kind } from '../storage/noted.js';
import type { AbortSignalLike, DbOptions, EngineSource, RuntimeInfo, Stats } from '../types.js';
import { type FromWorker, packArguments, type ToWorker, unpackError } from './messages.js';

/** What is used of a `Worker`. */
export interface WorkerLike {
  postMessage(message: ToWorker, transfer: Transferable[]): void;
  terminate(): void;
  onmessage: ((event: { data: FromWorker }) => void) | null;
  onerror?: ((event: { message?: string; preventDefault?(): void }) => void) | null;
}

/** How a remote database gets its worker. */
export interface WorkerStart {
  worker(): WorkerLike;
  /** The same in this thread, for where no worker starts. */
  instead(): WorkerLike;
  source(): Promise<EngineSource | undefined>;
  readonly options: DbOptions;
  /** Where the store is known to have been. */
  noted(): readonly Kind[];
  /** What the database holds, as its answers say. */
  onStats(stats: Stats): void;
  onReady(info: RuntimeInfo): void;
  /** No worker starts, and this thread does the work. */
  onNoWorker(reason: string): void;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

interface Listener {
  onEvent(value: unknown): void;
  onError(error: unknown): void;
}

interface Outgoing {
  readonly message: ToWorker;
  readonly transfer: Transferable[];
}

export class Remote {
  readonly #start: WorkerStart;
  #worker: WorkerLike | undefined;
  /** Messages, and bodies during which no other message goes out. */
  readonly #queue: (Outgoing | (() => Promise<unknown>))[] = [];
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Map<number, Listener>();
  #calls = 0;
  #state: 'new' | 'opening' | 'ready' = 'new';
  #isApart = false;
  /** True if this thread does the work, because no worker starts. */
  #isHere = false;
  #over: AnnywhereError | undefined;
  #stats: Stats | undefined;

  constructor(start: WorkerStart) {
    this.#start = start;
  }

  /** What the database held when the last call that may have changed it was answered. */
  get stats(): Stats | undefined {
    return this.#stats;
  }

  async call(method: string, args: readonly unknown[]): Promise<unknown> {
    const signal = signalOf(args);
    refuseAborted(signal);
    const call = ++this.#calls;
    const { packed, transfer } = packArguments(args);
    const result = this.#request(call, { message: { kind: 'call', call, method, args: packed }, transfer });
    if (!signal) return result;
    const give = () => this.#abort(call, signal);
    signal.addEventListener('abort', give);
    // The caller hears of it at once; the worker need not finish then.
    return untilAborted(signal, result).finally(() => signal.removeEventListener('abort', give));
  }

  /** A call with one argument, whose memory is moved; for bodies of `apart`: it overtakes what is queued. */
  callNow(method: string, value: unknown, transfer: Transferable[]): Promise<unknown> {
    const call = ++this.#calls;
    const message = { kind: 'call', call, method, args: [{ value }] } as const;
    return this.#request(call, { message, transfer }, (outgoing) => this.#post(outgoing));
  }

  /** Runs `body` in its place among the messages; those sent later wait until it has ended. */
  apart<T>(body: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#over) throw this.#over;
      this.#send(() => body().then(resolve, reject));
    });
  }

  async *iterate(method: string, args: readonly unknown[]): AsyncGenerator<unknown, void, void> {
    const of = ++this.#calls;
    const { packed, transfer } = packArguments(args);
    const signal = signalOf(args);
    this.#send({ message: { kind: 'iterate', call: of, method, args: packed }, transfer });
    try {
      for (;;) {
        refuseAborted(signal);
        const call = ++this.#calls;
        const step = await this.#request(call, { message: { kind: 'next', call, of }, transfer: [] });
        const { done, value } = step as IteratorResult<unknown>;
        if (done) return;
        yield value;
      }
    } finally {
      this.#send({ message: { kind: 'return', of }, transfer: [] });
    }
  }

  /** Returns what ends it. */
  watch(query: object, listener: Listener): () => void {
    const call = ++this.#calls;
    const { packed, transfer } = packArguments([query]);
    this.#listeners.set(call, listener);
    this.#send({ message: { kind: 'watch', call, args: packed }, transfer });
    return () => {
      if (this.#listeners.delete(call)) this.#send({ message: { kind: 'unwatch', of: call }, transfer: [] });
    };
  }

  /** Ends the worker and gives its memory back; `error` answers what is not answered, and every later call. */
  end(error: AnnywhereError): void {
    if (this.#over) return;
    this.#over = error;
    this.#worker?.terminate();
    this.#queue.length = 0;
    this.#listeners.clear();
    this.#rejectAll(error);
  }

  #request(
    call: number,
    outgoing: Outgoing,
    send = (message: Outgoing) => this.#send(message),
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#over) throw this.#over;
      this.#pending.set(call, { resolve, reject });
      send(outgoing);
    });
  }

  #abort(call: number, { reason: given }: AbortSignalLike): void {
    const reason = given instanceof Error ? given.message : String(given);
    // Past everything that waits: that is what it is for.
    if (this.#state === 'ready') this.#post({ message: { kind: 'abort', call, reason }, transfer: [] });
    else this.#send({ message: { kind: 'abort', call, reason }, transfer: [] });
  }

  #send(outgoing: Outgoing | (() => Promise<unknown>)): void {
    if (this.#over) return;
    this.#queue.push(outgoing);
    if (this.#state === 'new') this.#open();
    else this.#drain();
  }

  #drain(): void {
    while (this.#state === 'ready' && !this.#isApart) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (typeof next !== 'function') {
        this.#post(next);
        continue;
      }
      this.#isApart = true;
      next().finally(() => {
        this.#isApart = false;
        this.#drain();
      });
    }
  }

  #post({ message, transfer }: Outgoing): void {
    try {
      this.#worker?.postMessage(message, transfer);
    } catch (cause) {
      if (!('call' in message)) return;
      const reason = `cannot be copied to the worker: ${cause instanceof Error ? cause.message : String(cause)}`;
      this.#take(message.call)?.reject(invalidArgument('arguments', reason));
    }
  }

  /** Starts the worker at the first call, and asks it again to open after a failure. */
  async #open(): Promise<void> {
    this.#state = 'opening';
    try {
      const source = await this.#start.source();
      if (!this.#worker) this.#listen(this.#startWorker());
      const { options } = this.#start;
      const noted = this.#start.noted();
      // This thread has found its engine itself.
      const given = this.#isHere ? undefined : source;
      this.#worker?.postMessage({ kind: 'open', options, source: given, noted }, []);
    } catch (error) {
      this.#failToOpen(error);
    }
  }

  #startWorker(): WorkerLike {
    try {
      return this.#start.worker();
    } catch (error) {
      return this.#instead((error as Error).message);
    }
  }

  #instead(reason: string): WorkerLike {
    this.#isHere = true;
    this.#start.onNoWorker(reason);
    return this.#start.instead();
  }

  #listen(worker: WorkerLike): void {
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault?.();
      const reason = event.message || 'the script of the worker cannot be loaded';
      if (this.#state === 'ready') {
        this.end(engineFailed(new Error(reason)));
        return;
      }
      worker.terminate();
      this.#listen(this.#instead(reason));
      this.#open();
    };
  }

  #failToOpen(error: unknown): void {
    this.#state = 'new';
    this.#queue.length = 0;
    this.#rejectAll(error);
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.#state = 'ready';
        this.#start.onReady(message.info);
        this.#drain();
        break;
      case 'failed':
        this.#failToOpen(unpackError(message.error));
        break;
      case 'result':
        this.#keepStats(message.stats);
        this.#take(message.call)?.resolve(message.value);
        break;
      case 'error':
        this.#keepStats(message.stats);
        this.#take(message.call)?.reject(unpackError(message.error));
        break;
      case 'event':
        this.#listeners.get(message.call)?.onEvent(message.value);
        break;
      case 'eventError':
        this.#listeners.get(message.call)?.onError(unpackError(message.error));
        break;
    }
  }

  #keepStats(stats: Stats | undefined): void {
    if (!stats) return;
    this.#stats = stats;
    this.#start.onStats(stats);
  }

  #take(call: number): Pending | undefined {
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    return pending;
  }

  #rejectAll(error: unknown): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
  }
}

function signalOf(args: readonly unknown[]): AbortSignalLike | undefined {
  for (const arg of args) {
    if (typeof arg === 'object' && arg !== null && Object.hasOwn(arg, 'signal')) {
      return checkSignal((arg as { signal?: unknown }).signal);
    }
  }
  return undefined;
}
