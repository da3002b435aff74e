import { entryFunctions } from './entry.js';
import { runtime } from './platform/browser.js';
import type { DbOptions, Metadata } from './types.js';
import { startWorker } from './worker/start.js';
import { WorkerDb } from './worker/worker-db.js';

export * from './public.js';
export const { init, getImplementationType, isNative, isWasm, getRuntimeInfo } =
  /* @__PURE__ */ entryFunctions(runtime);

/** {@inheritDoc EngineBoundDb} */
export class VectorDb<Meta extends object = Metadata> extends WorkerDb<Meta> {
  /** Checks every option and does nothing else: no file is opened. Throws `InvalidOption`. */
  constructor(options: DbOptions) {
    super(runtime, startWorker, options);
  }
}
