/**
 * One engine behind its guard: what it throws becomes an `AnnywhereError`, and after a panic or a trap it is never
 * called again, because its memory may be half changed.
 */
import type {
  Engine,
  EngineHits,
  EngineRow,
  EngineRows,
  MaybePromise,
  SyncFile,
  SyncFolder,
} from './engine.js';
import { AnnywhereError, coreError, engineFailed } from './errors.js';
import type { LoadedEngine } from './runtime.js';
import type { RangedFile } from './storage/ranged-file.js';
import type { ImplementationType } from './types.js';

export class GuardedEngine {
  readonly #loaded: LoadedEngine;
  readonly #engine: Engine;
  #failure: AnnywhereError | undefined;
  /** The file that the engine reads from, if parts of it may have to be got first. */
  #ranged: RangedFile | undefined;

  constructor(loaded: LoadedEngine, config: string) {
    this.#loaded = loaded;
    this.#engine = this.#guard(() => new loaded.module.Engine(config));
  }

  get implementation(): ImplementationType {
    return this.#loaded.implementation;
  }

  /** Whether parts of what it reads may have to be got first. */
  get isRanged(): boolean {
    return this.#ranged !== undefined;
  }

  get simd(): string {
    return this.#guard(() => this.#loaded.module.simd());
  }

  /** Set by the first panic or trap; a trap takes every engine of its WebAssembly instance along. */
  get failure(): AnnywhereError | undefined {
    return this.#failure ?? this.#loaded.failure;
  }

  insert(rows: string, vectors: Float32Array): Promise<void> {
    return this.#call((engine) => engine.insert(rows, vectors));
  }

  delete(ids: string[]): Promise<number> {
    return this.#call((engine) => engine.delete(ids));
  }

  search(query: Float32Array, params: string): Promise<EngineHits> {
    return this.#call((engine) => engine.search(query, params));
  }

  searchNow(query: Float32Array, params: string, out: Uint8Array): string | undefined {
    if (this.#ranged) return undefined;
    return this.#guard(() => this.#engine.searchNow(query, params, out) ?? undefined);
  }

  searchMany(queries: Float32Array, params: string): Promise<EngineHits> {
    return this.#call((engine) => engine.searchMany(queries, params));
  }

  reindex(config: string): Promise<void> {
    return this.#call((engine) => engine.reindex(config));
  }

  compact(): Promise<void> {
    return this.#call((engine) => engine.compact());
  }

  get(id: string): EngineRow | null | undefined {
    return this.#guard(() => this.#engine.get(id));
  }

  /** The same also where the row may have to be got first. */
  row(id: string): Promise<EngineRow | null | undefined> {
    return this.#call((engine) => engine.get(id));
  }

  has(id: string): boolean {
    return this.#guard(() => this.#engine.has(id));
  }

  getMany(ids: string[]): Promise<EngineRows> {
    return this.#call((engine) => engine.getMany(ids));
  }

  page(filter: string | undefined, after: string | undefined): Promise<EngineRows> {
    return this.#call((engine) => engine.page(filter, after));
  }

  count(filter: string): Promise<number> {
    return this.#call((engine) => engine.count(filter));
  }

  deleteMatching(filter: string): Promise<number> {
    return this.#call((engine) => engine.deleteMatching(filter));
  }

  update(id: string, metadata: string | undefined, vector: Float32Array | undefined): Promise<boolean> {
    return this.#call((engine) => engine.update(id, metadata, vector));
  }

  explain(query: Float32Array, params: string): Promise<string> {
    return this.#call((engine) => engine.explain(query, params, () => performance.now()));
  }

  measureRecall(samples: number, params: string): Promise<string> {
    return this.#call((engine) => engine.measureRecall(samples, params));
  }

  len(): number {
    return this.#guard(() => this.#engine.len());
  }

  stats(): string {
    return this.#guard(() => this.#engine.stats());
  }

  toBytes(): Promise<Uint8Array> {
    return this.#call((engine) => engine.toBytes());
  }

  async loadBytes(bytes: Uint8Array): Promise<void> {
    await this.#call((engine) => engine.loadBytes(bytes));
    this.#ranged = undefined;
  }

  saveFile(target: string | SyncFile): Promise<void> {
    return this.#call((engine) => engine.saveFile(target));
  }

  async openFile(source: string | SyncFile, mapped: boolean): Promise<void> {
    await this.#call((engine) => engine.openFile(source, mapped));
    this.#ranged = undefined;
  }

  /** Opens a file of which parts may have to be got first; for WebAssembly. */
  async openRanged(file: RangedFile): Promise<void> {
    await this.#call((engine) => file.run(() => engine.openFile(file, false)));
    this.#ranged = file;
  }

  async loadFile(source: string | SyncFile): Promise<void> {
    await this.#call((engine) => engine.loadFile(source));
    this.#ranged = undefined;
  }

  openStore(target: string | SyncFolder, readOnly: boolean, strict: boolean): Promise<void> {
    return this.#call((engine) => engine.openStore(target, readOnly, strict));
  }

  flush(): Promise<void> {
    return this.#call((engine) => engine.flush());
  }

  checkpoint(bytes: number): Promise<boolean> {
    return this.#call((engine) => engine.checkpoint(bytes));
  }

  verifyStore(): Promise<number> {
    return this.#call((engine) => engine.verifyStore());
  }

  storeState(): string | null | undefined {
    return this.#guard(() => this.#engine.storeState());
  }

  closeStore(): Promise<void> {
    return this.#call((engine) => engine.closeStore());
  }

  newId(): string {
    return this.#guard(() => this.#loaded.module.newId());
  }

  free(): void {
    if (!this.failure) this.#guard(() => this.#engine.free());
  }

  async #call<T>(body: (engine: Engine) => MaybePromise<T>): Promise<T> {
    if (this.failure) throw this.failure;
    try {
      const ranged = this.#ranged;
      return await (ranged ? ranged.run(() => body(this.#engine)) : body(this.#engine));
    } catch (thrown) {
      throw this.#translate(thrown);
    }
  }

  #guard<T>(body: () => T): T {
    if (this.failure) throw this.failure;
    try {
      return body();
    } catch (thrown) {
      throw this.#translate(thrown);
    }
  }

  #translate(thrown: unknown): AnnywhereError {
    // Of a file whose parts could not be got.
    if (thrown instanceof AnnywhereError) return thrown;
    const known = coreError(thrown);
    if (known) return known;
    this.#failure = engineFailed(thrown);
    if (this.implementation === 'wasm') this.#loaded.failure ??= this.#failure;
    return this.#failure;
  }
}
