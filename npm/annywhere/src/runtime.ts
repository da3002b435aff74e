/**
 * The engine of one entry: found once, at the first use, and shared by all its databases. An engine that has
 * failed is left behind; the next database gets a fresh one.
 */
import type { EngineModule, MaybePromise } from './engine.js';
import { AnnywhereError, invalidArgument } from './errors.js';
import type { FileStorage } from './storage/files.js';
import type { EngineSource, ImplementationType, RuntimeInfo } from './types.js';
import { version } from './version.js';

/** A loaded engine. `failure` is set by the first panic or trap and then answers every call. */
export interface LoadedEngine {
  readonly module: EngineModule;
  readonly implementation: ImplementationType;
  /** One sentence for each native binary that could not be loaded. */
  readonly nativeErrors: readonly string[];
  /** How many threads the engine may use. */
  readonly threads: number;
  failure?: AnnywhereError;
}

/** How an entry finds its engine: at once, or only with waiting. */
export interface EngineLoader {
  load(source?: EngineSource): MaybePromise<LoadedEngine>;
  /** The implementation, where it is certain before anything is loaded. */
  readonly implementation?: ImplementationType;
  /** Where `load` may find another: the WebAssembly engine, which reads from files that are not all there. */
  loadWasm?(): LoadedEngine;
  /** For entries whose databases may be in workers: the compiled engine, which can be sent there. */
  compile?(source?: EngineSource): Promise<EngineSource>;
  /** False when `load()` needs waiting, so that synchronous calls cannot load an engine themselves. */
  readonly immediate: boolean;
}

export class Runtime {
  readonly storage: FileStorage | undefined;
  readonly #loader: EngineLoader;
  #loaded: LoadedEngine | undefined;
  #loading: Promise<LoadedEngine> | undefined;
  #source: EngineSource | undefined;
  #compiling: Promise<EngineSource> | undefined;
  /** What the first worker that was ready runs on. */
  #workerInfo: RuntimeInfo | undefined;
  readonly #workerErrors: string[] = [];

  constructor(loader: EngineLoader, storage?: FileStorage) {
    this.#loader = loader;
    this.storage = storage;
  }

  /** Loads the engine unless it is there; all callers share one attempt, and a failed one may be repeated. */
  async engine(): Promise<LoadedEngine> {
    if (this.#present) return this.#present;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /** The WebAssembly engine. */
  async wasmEngine(): Promise<LoadedEngine> {
    return this.#loader.loadWasm?.() ?? this.engine();
  }

  /** The engine without waiting. Throws `EngineUnavailable` where loading needs waiting and has not happened. */
  engineNow(): LoadedEngine {
    if (this.#present) return this.#present;
    const loaded = this.#loader.immediate ? this.#loader.load(this.#source) : undefined;
    if (loaded !== undefined && !(loaded instanceof Promise)) {
      this.#loaded = loaded;
      return loaded;
    }
    const reason = 'the WebAssembly engine is not loaded yet: await init() or any method of a database first';
    throw new AnnywhereError('EngineUnavailable', reason, { reason });
  }

  async init(source?: EngineSource): Promise<void> {
    if (source !== undefined) this.#chooseSource(source);
    await this.engine();
  }

  get implementation(): ImplementationType {
    return this.#loader.implementation ?? this.engineNow().implementation;
  }

  /** The module that workers start their engines from: compiled once for all of them. A failure may be repeated. */
  async moduleForWorkers(): Promise<EngineSource | undefined> {
    this.#compiling ??= this.#loader.compile?.(this.#source)?.catch((error: unknown) => {
      this.#compiling = undefined;
      throw error;
    });
    return this.#compiling;
  }

  /** A worker is ready and says what it runs on. */
  workerIsReady(info: RuntimeInfo): void {
    this.#workerInfo ??= info;
  }

  /** A worker could not be started, and its database is in this thread. */
  workerFailed(reason: string): void {
    this.#workerErrors.push(reason);
  }

  get info(): RuntimeInfo {
    const workerErrors = [...this.#workerErrors];
    if (!this.#present && this.#workerInfo) return { ...this.#workerInfo, workerErrors };
    const { module, implementation, nativeErrors, threads } = this.engineNow();
    const storage = this.storage?.kind ?? 'none';
    return { implementation, simd: module.simd(), threads, storage, version, nativeErrors, workerErrors };
  }

  get #present(): LoadedEngine | undefined {
    return this.#loaded?.failure ? undefined : this.#loaded;
  }

  async #load(): Promise<LoadedEngine> {
    this.#loaded = await this.#loader.load(this.#source);
    return this.#loaded;
  }

  #chooseSource(source: EngineSource): void {
    const same = source === this.#source || (isUrl(source) && source.href === hrefOf(this.#source));
    if (!same && (this.#present || this.#loading || this.#compiling)) {
      throw invalidArgument('source', 'init(source) must come before the first use of the engine');
    }
    this.#source = source;
  }
}

function isUrl(source: EngineSource | undefined): source is { readonly href: string } {
  return typeof source === 'object' && 'href' in source && typeof source.href === 'string';
}

function hrefOf(source: EngineSource | undefined): string | undefined {
  return isUrl(source) ? source.href : undefined;
}
