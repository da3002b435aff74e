/**
 * Keeps a store in order beside the calls of a database: flushes what was changed, soon or at once, and has the engine
 * write a checkpoint when the journal has grown long.
 */
import { AnnywhereError } from './errors.js';
import type { GuardedEngine } from './guarded-engine.js';
import type { OpenStore, Room, StoreState } from './storage/store.js';
import type { Durability, SaveInfo } from './types.js';

/** Changes of `group` durability wait this long at most for their flush, and this many bytes of them. */
const FLUSH_AFTER_MS = 10;
const FLUSH_BYTES = 1 << 20;
/** What WebAssembly writes of a checkpoint before other work has its turn. */
const SLICE_BYTES = 2 << 20;

export class Keeper {
  readonly #engine: GuardedEngine;
  readonly #store: OpenStore;
  readonly #durability: Durability;
  /** Puts a checkpoint where no change disturbs it. */
  readonly #inOrder: (body: () => Promise<void>) => Promise<void>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unflushed = 0;
  #isCheckpointing = false;
  /** After a checkpoint that had no room: the journal's length that is reason for another attempt. */
  #nextAttempt = 0;
  /** What went wrong while nobody waited; the next call that does hears of it. */
  #failure: unknown;

  constructor(
    engine: GuardedEngine,
    store: OpenStore,
    durability: Durability,
    inOrder: (body: () => Promise<void>) => Promise<void>,
  ) {
    this.#engine = engine;
    this.#store = store;
    this.#durability = durability;
    this.#inOrder = inOrder;
  }

  get kind(): OpenStore['kind'] {
    return this.#store.kind;
  }

  /** `undefined` while the engine is busy with something slow. */
  get state(): StoreState | undefined {
    const state = this.#engine.storeState();
    return state ? (JSON.parse(state) as StoreState) : undefined;
  }

  /** After a change of about so many bytes; what has to be waited for before it is acknowledged. */
  changed(bytes: number): Promise<void> | undefined {
    const state = this.state;
    if (state?.needsCheckpoint && !this.#isCheckpointing && state.journalBytes > this.#nextAttempt) {
      this.#isCheckpointing = true;
      // Not waited for: the change is done.
      void this.#inOrder(() => this.#checkpointLater(state.journalBytes));
    }
    if (this.#durability === 'strict') return this.flush();
    if (this.#durability === 'group') this.#flushSoon(bytes);
    return this.#store.commit?.(this.#durability);
  }

  /** Before a change that the engine writes as a checkpoint of its own. */
  async rewriting(): Promise<void> {
    await this.#store.prepare?.((this.state as StoreState).nextGeneration);
  }

  async rewritten(): Promise<void> {
    await this.#store.commit?.('strict');
  }

  /** Makes every change so far durable. */
  async flush(): Promise<void> {
    this.#throwFailure();
    this.#stopTimer();
    this.#unflushed = 0;
    await this.#engine.flush();
    await this.#store.commit?.('strict');
  }

  /** Writes everything into a new segment, while searches go on. */
  async checkpoint(): Promise<void> {
    await this.rewriting();
    while (!(await this.#engine.checkpoint(SLICE_BYTES))) {
      // Nothing points to the new segment yet, so its parts may be written down one by one.
      if (this.#store.commit) await this.#store.commit('group');
      else await nextTurn();
    }
    await this.#store.commit?.('strict');
  }

  /** A checkpoint, and what it wrote. */
  async save(): Promise<SaveInfo> {
    await this.checkpoint();
    const { segmentBytes, generation } = this.state as StoreState;
    return { bytes: segmentBytes, generation };
  }

  /** What the storage has left, as far as it tells. */
  async room(): Promise<Room> {
    return (await this.#store.room?.()) ?? {};
  }

  /** Reads the store again and checks everything; the number of rows in it. */
  async verify(): Promise<number> {
    await this.#store.recall?.();
    return this.#engine.verifyStore();
  }

  /** Writes what is worth it, and lets go of the store; also if something fails, of which the error tells. */
  async close(): Promise<void> {
    this.#stopTimer();
    try {
      if (this.#engine.failure) return;
      if (this.state?.endsWithCheckpoint) {
        await this.checkpoint().catch((error: unknown) => {
          // Without room for a segment, the journal still has everything.
          if (!(error instanceof AnnywhereError) || error.code !== 'NoSpace') throw error;
        });
      }
      await this.flush();
    } finally {
      if (!this.#engine.failure) await this.#engine.closeStore();
      await this.#store.close();
    }
  }

  async #checkpointLater(journalBytes: number): Promise<void> {
    try {
      await this.checkpoint();
    } catch (error) {
      this.#nextAttempt = 2 * journalBytes;
      if (!(error instanceof AnnywhereError) || error.code !== 'NoSpace') this.#failure ??= error;
    } finally {
      this.#isCheckpointing = false;
    }
  }

  #flushSoon(bytes: number): void {
    this.#unflushed += bytes;
    if (this.#unflushed >= FLUSH_BYTES) this.#flushNow();
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#flushNow(), FLUSH_AFTER_MS);
      // A process that has nothing else to do need not wait: its end loses nothing.
      (this.#timer as { unref?(): void }).unref?.();
    }
  }

  #flushNow(): void {
    this.#stopTimer();
    this.#unflushed = 0;
    this.#engine.flush().catch((error: unknown) => {
      this.#failure ??= error;
    });
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
