/** The worker's side: makes the database, or finds the tab that has it open, and answers for it. */
import type { Runtime } from '../runtime.js';
import { tell } from '../storage/noted.js';
import type { DbOptions } from '../types.js';
import { EngineBoundDb } from '../vector-db.js';
import { type FromWorker, packError, type ToWorker } from './messages.js';
import { Served } from './served.js';
import { isShareable, Tab } from './tab.js';

/** Where messages come from and go to: the scope of a dedicated worker, or a port. */
export interface Port {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  onmessage: ((event: { data: ToWorker }) => void) | null;
}

export function serve(port: Port, runtime: Runtime): void {
  let served: Served | Tab | undefined;
  const post = (message: FromWorker, transfer: Transferable[] = []) => port.postMessage(message, transfer);
  const open = async ({ options, source, noted }: ToWorker & { kind: 'open' }) => {
    const { storagePath } = options;
    if (storagePath !== undefined && runtime.storage) tell(noted, runtime.storage.normalize(storagePath));
    if (served instanceof Tab) {
      served.retry();
    } else if (isShareable(options)) {
      served = new Tab(runtime, options, source, post);
    } else {
      await runtime.init(source);
      served = new Served(new EngineBoundDb(runtime, options as DbOptions), post);
      post({ kind: 'ready', info: runtime.info });
    }
  };
  port.onmessage = ({ data }) => {
    if (data.kind !== 'open') served?.receive(data);
    else open(data).catch((error: unknown) => post({ kind: 'failed', error: packError(error) }));
  };
}
