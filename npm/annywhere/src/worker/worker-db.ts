/**
 * The database of a page, which lives in a worker: every call goes there and its answer comes back, so that the page is
 * free to draw. With `worker: false`, and where this code runs in a worker itself, the database is in this thread.
 */

import type { Retention } from '../backups.js';
import { type Batch, copyEntries } from '../batch.js';
import { AnnywhereError, describe, invalidArgument, invalidOption } from '../errors.js';
import { insertInSteps } from '../insert-steps.js';
import type { Runtime } from '../runtime.js';
import { checkSearch, queryVector } from '../search-query.js';
import type { FileStart } from '../storage/http-file.js';
import { notedInPage, noteInPage } from '../storage/noted.js';
import type {
  Columns,
  DbOptions,
  Entry,
  InsertOptions,
  Metadata,
  SearchQuery,
  Stats,
  Subscription,
  WatchEvent,
} from '../types.js';
import { EngineBoundDb, keepInFolder, openRanged } from '../vector-db.js';
import type { FromWorker, ToWorker } from './messages.js';
import { Remote, type WorkerLike } from './remote.js';
import { serve } from './serve.js';

/** The methods that are asynchronous iterators; they are asked for one step at a time. */
export const ITERATING = ['searchProgressive', 'entries', 'ids'] as const;
/** The methods that are not simply sent; `WorkerDb` has them one by one. */
export const OWN = [
  'constructor',
  'insert',
  'insertBatch',
  'watch',
  'getStats',
  'close',
  'scheduleBackups',
] as const;

type AnyMethod = (this: WorkerDb<object>, ...args: unknown[]) => unknown;

export class WorkerDb<Meta extends object = Metadata> extends EngineBoundDb<Meta> {
  readonly #remote: Remote | undefined;
  readonly #dimensions: number;
  #closing: Promise<void> | undefined;

  constructor(runtime: Runtime, startWorker: () => WorkerLike, options: DbOptions) {
    super(runtime, options, true);
    this.#dimensions = options.dimensions;
    // A storage that was given is in this thread, and with it the database.
    if (!(options.worker ?? (isPage() && options.storage === undefined))) return;
    if (typeof Worker === 'undefined') throw invalidOption('worker', 'this runtime has no workers');
    const path = options.storagePath && runtime.storage?.normalize(options.storagePath);
    let isNoted = false;
    this.#remote = new Remote({
      worker: startWorker,
      instead: () => inThisThread(runtime),
      source: () => runtime.moduleForWorkers(),
      options: structuredClone({ ...options, worker: false }),
      noted: () => (path === undefined ? [] : notedInPage(path)),
      onStats: ({ storage }) => {
        if (isNoted || path === undefined || (storage !== 'opfs' && storage !== 'indexeddb')) return;
        isNoted = true;
        noteInPage(storage, path);
        // A worker cannot ask. Not waited for: there are browsers that ask the user.
        if (options.persist) void navigator.storage?.persist?.().catch(() => {});
      },
      onReady: (info) => runtime.workerIsReady(info),
      onNoWorker: (reason) => runtime.workerFailed(reason),
    });
  }

  override async insert(entry: Entry<Meta>): Promise<string> {
    const remote = this.#remote;
    if (!remote) return super.insert(entry);
    // Checked here, because a copy has lost what is refused.
    const batch = copyEntries([entry], this.#dimensions);
    const ids = remote.call('storeBatch', [batch]) as Promise<string[]>;
    return (await ids)[0] as string;
  }

  override async insertBatch(
    entries: Iterable<Entry<Meta>> | AsyncIterable<Entry<Meta>> | Columns<Meta>,
    options: InsertOptions = {},
  ): Promise<string[]> {
    const remote = this.#remote;
    if (!remote) return super.insertBatch(entries, options);
    const target = {
      dimensions: this.#dimensions,
      write: <T>(body: (engine: Remote) => Promise<T>) => remote.apart(() => body(remote)),
      store: (_: Remote, batch: Batch) => {
        const { vectors } = batch;
        // Part of a larger memory is copied, the whole of one is moved.
        const own = vectors.byteLength === vectors.buffer.byteLength ? vectors : vectors.slice();
        const moved = [own.buffer as ArrayBuffer];
        return remote.callNow('storeBatch', { ...batch, vectors: own }, moved) as Promise<string[]>;
      },
    };
    return insertInSteps(target, entries, options);
  }

  override watch(
    query: SearchQuery<Meta>,
    callback: (event: WatchEvent<Meta>) => void,
    onError?: (error: unknown) => void,
  ): Subscription {
    const remote = this.#remote;
    if (!remote) return super.watch(query, callback, onError);
    this.#refuseClosed();
    const checked = checkSearch(query);
    const { signal } = checked;
    queryVector(checked, this.#dimensions);
    checkFunctions(callback, onError);
    const { signal: _, ...rest } = query;
    const fail = (error: unknown) => {
      // Without anybody to tell, it is an unhandled rejection like any other.
      if (onError) onError(error);
      else Promise.reject(error);
    };
    const end = remote.watch(rest, {
      onEvent: async (event) => {
        try {
          await callback(event as WatchEvent<Meta>);
        } catch (error) {
          fail(error);
        }
      },
      onError: fail,
    });
    signal?.addEventListener('abort', end);
    return { close: end, [Symbol.dispose]: end };
  }

  /** The files of the worker are not always those of the page. */
  override async [keepInFolder](folder: string, kept: Retention | undefined): Promise<number | undefined> {
    const remote = this.#remote;
    if (!remote) return super[keepInFolder](folder, kept);
    return remote.call('keepInFolder', [folder, kept]) as Promise<number | undefined>;
  }

  override async [openRanged](start: FileStart): Promise<void> {
    const remote = this.#remote;
    if (!remote) return super[openRanged](start);
    await remote.call('openRanged', [start]);
  }

  override getStats(): Stats {
    const remote = this.#remote;
    if (!remote) return super.getStats();
    this.#refuseClosed();
    if (remote.stats) return remote.stats;
    const reason = 'the database in the worker is not open yet: await any other method first';
    throw new AnnywhereError('EngineUnavailable', reason, { reason });
  }

  override async close(): Promise<void> {
    const remote = this.#remote;
    if (!remote) return super.close();
    // Also after an error, of which the promise tells: nothing is left that could be done later.
    this.#closing ??= (remote.call('close', []) as Promise<void>).finally(() => remote.end(closed()));
    return this.#closing;
  }

  #refuseClosed(): void {
    if (this.#closing) throw closed();
  }

  static {
    const iterating: readonly string[] = ITERATING;
    const own: readonly string[] = OWN;
    for (const name of Object.getOwnPropertyNames(EngineBoundDb.prototype)) {
      const descriptor = Object.getOwnPropertyDescriptor(EngineBoundDb.prototype, name);
      const local = descriptor?.value as AnyMethod | undefined;
      if (typeof local !== 'function' || own.includes(name)) continue;
      const value: AnyMethod = iterating.includes(name)
        ? function (...args) {
            return this.#remote ? this.#remote.iterate(name, args) : local.apply(this, args);
          }
        : async function (...args) {
            if (!this.#remote) return local.apply(this, args);
            this.#refuseClosed();
            return this.#remote.call(name, args);
          };
      Object.defineProperty(WorkerDb.prototype, name, { ...descriptor, value });
    }
  }
}

/** A page may not be kept from drawing; workers may take their time. */
function isPage(): boolean {
  return typeof document !== 'undefined' && typeof Worker !== 'undefined';
}

/** The other end of a channel instead of a worker. */
function inThisThread(runtime: Runtime): WorkerLike {
  const { port1, port2 } = new MessageChannel();
  serve(port2 as unknown as Parameters<typeof serve>[0], runtime);
  const end: WorkerLike = {
    postMessage: (message: ToWorker, transfer: Transferable[]) => port1.postMessage(message, transfer),
    terminate: () => port1.close(),
    onmessage: null,
  };
  port1.onmessage = (event: { data: FromWorker }) => end.onmessage?.(event);
  return end;
}

function checkFunctions(callback: unknown, onError: unknown): void {
  if (typeof callback !== 'function')
    throw invalidArgument('callback', `must be a function, not ${describe(callback)}`);
  if (onError !== undefined && typeof onError !== 'function') {
    throw invalidArgument('onError', `must be a function, not ${describe(onError)}`);
  }
}

const closed = () => new AnnywhereError('Closed', 'the database has been closed');
