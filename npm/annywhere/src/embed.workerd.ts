import { runtime } from './platform/workerd.js';
import {
  type EncoderOptions,
  EngineBoundEncoder,
  fetchTable,
  openTable,
  type TableSource,
} from './static-encoder.js';

export * from './embed/public.js';
export { AnnywhereError } from './errors.js';
export type { EncoderOptions, TableSource };

/** {@inheritDoc EngineBoundEncoder} */
export class StaticEncoder extends EngineBoundEncoder {
  /**
   * Reads a table. Rejects with `Corrupt`, `VersionTooNew`, `InvalidOption` or `Io`.
   * @param source A URL or a string of one, a fetch `Response`, or the bytes of a table.
   */
  static async load(source: TableSource, options: EncoderOptions = {}): Promise<StaticEncoder> {
    return new StaticEncoder(...(await openTable(runtime, fetchTable, source, options)));
  }
}
