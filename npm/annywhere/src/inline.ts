import { entryFunctions } from './entry.js';
import { destroyStore, openDatabase } from './open.js';
import { runtime } from './platform/inline.js';
import type { DbOptions, Metadata, OpenOptions, OpenSource } from './types.js';
import { EngineBoundDb } from './vector-db.js';

export * from './public.js';
export const { init, getImplementationType, isNative, isWasm, getRuntimeInfo } =
  /* @__PURE__ */ entryFunctions(runtime);

/** {@inheritDoc EngineBoundDb} */
export class VectorDb<Meta extends object = Metadata> extends EngineBoundDb<Meta> {
  /** Checks every option and does nothing else: no file is opened. Throws `InvalidOption`. */
  constructor(options: DbOptions) {
    super(runtime, options);
  }

  /** {@inheritDoc openDatabase} */
  static open<Meta extends object = Metadata>(
    what: OpenSource | OpenOptions,
    options?: OpenOptions,
  ): Promise<VectorDb<Meta>> {
    return openDatabase((all) => new VectorDb<Meta>(all), what, options);
  }

  /** {@inheritDoc destroyStore} */
  static destroy(storagePath: string): Promise<void> {
    return destroyStore(runtime, storagePath);
  }
}
