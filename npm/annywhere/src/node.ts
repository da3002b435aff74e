import { entryFunctions } from './entry.js';
import { destroyStore, openDatabase } from './open.js';
import { runtime } from './platform/node.js';
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

  /**
   * Makes a database and opens it, in one call. `{ storagePath, dimensions, .. }`: the store there, which is made if there is
   * none; of one that exists the dimensions need not be given. Anything else is a file as `save` and `toBytes` write it: a
   * path, a URL, bytes, a `Blob`; its content is taken into memory, or with `originals: 'storage'` read from the path. A file at
   * a URL is read by ranges where the server has them, unless `originals` is `'memory'`.
   * Rejects as the constructor, `insert` and `load` do.
   */
  static open<Meta extends object = Metadata>(
    what: OpenSource | OpenOptions,
    options?: OpenOptions,
  ): Promise<VectorDb<Meta>> {
    return openDatabase((all) => new VectorDb<Meta>(all), what, options);
  }

  /**
   * Removes the store at a path for good, and what a browser has noted of it; no error if there is none. Rejects with `Locked`
   * while a database has it open, and with `InvalidArgument` where there is no storage.
   */
  static destroy(storagePath: string): Promise<void> {
    return destroyStore(runtime, storagePath);
  }
}
