/** The functions of an entry, bound to its engine. */
import type { Runtime } from './runtime.js';
import type { EngineSource, ImplementationType, RuntimeInfo } from './types.js';

export interface EntryFunctions {
  /**
   * Loads the engine, which the first call of a database does by itself. `source` replaces the WebAssembly module
   * of the package and must come before the first use. Rejects with `EngineUnavailable`.
   */
  readonly init: (source?: EngineSource | Promise<EngineSource>) => Promise<void>;
  /** Which engine is in use. In Node this loads it; throws `EngineUnavailable` if it cannot be loaded. */
  readonly getImplementationType: () => ImplementationType;
  /** True if the engine is machine code. */
  readonly isNative: () => boolean;
  /** True if the engine is WebAssembly. */
  readonly isWasm: () => boolean;
  /** Details about the engine; where it is loaded with waiting, throws `EngineUnavailable` until then. */
  readonly getRuntimeInfo: () => RuntimeInfo;
}

export function entryFunctions(runtime: Runtime): EntryFunctions {
  return {
    init: (source) => runtime.init(source),
    getImplementationType: () => runtime.implementation,
    isNative: () => runtime.implementation === 'native',
    isWasm: () => runtime.implementation === 'wasm',
    getRuntimeInfo: () => runtime.info,
  };
}
