/** A database that is kept in a store: every change is written down before it is made. What every storage has in common. */
import type { SyncFolder } from '../engine.js';
import type { Durability, ImplementationType } from '../types.js';

export interface StoreOptions {
  readonly durability: Durability;
  readonly readOnly: boolean;
  /** Browsers: whether it is asked to keep the storage when room gets scarce. */
  readonly persist: boolean;
}

/** What of an engine a storage needs for a store. A native engine takes a path, a WebAssembly engine a folder. */
export interface StoreEngine {
  readonly implementation: ImplementationType;
  openStore(target: string | SyncFolder, readOnly: boolean, strict: boolean): Promise<void>;
}

/** What a storage has left. */
export interface Room {
  readonly freeBytes?: number;
  /** Browsers: whether it is kept when room gets scarce. */
  readonly isPersisted?: boolean;
}

/** A store that an engine has opened. */
export interface OpenStore {
  /** Where it is, for users. */
  readonly kind: string;
  /** Has the files of the next generation ready to be written. */
  prepare?(generation: number): Promise<void>;
  /** Writes down what the engine has written since, where that cannot be done at once. */
  commit?(durability: Durability): Promise<void>;
  /** What is left to write to. */
  room?(): Promise<Room>;
  /** Has everything ready to be read again. */
  recall?(): Promise<void>;
  /** Lets go of files and locks. The engine has let go of them before. */
  close(): Promise<void>;
}

/** What `storeState()` of an engine says. */
export interface StoreState {
  generation: number;
  /** The generation of the next checkpoint. */
  nextGeneration: number;
  segmentBytes: number;
  journalBytes: number;
  isFlushed: boolean;
  needsCheckpoint: boolean;
  endsWithCheckpoint: boolean;
  failed: string | null;
}
