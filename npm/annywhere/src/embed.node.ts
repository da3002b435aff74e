import { runtime } from './platform/node.js';
import { readTable } from './read-table.node.js';
import { type EncoderOptions, EngineBoundEncoder, openTable, type TableSource } from './static-encoder.js';

export { folderStore } from './embed/folder.node.js';
export * from './embed/public.js';
export { AnnywhereError } from './errors.js';
export type { EncoderOptions, TableSource };

/** {@inheritDoc EngineBoundEncoder} */
export class StaticEncoder extends EngineBoundEncoder {
  /**
   * Reads a table. Rejects with `Corrupt`, `VersionTooNew`, `InvalidOption` or `Io`.
   * @param source A file path or URL, a fetch `Response`, or the bytes of a table.
   */
  static async load(source: TableSource, options: EncoderOptions = {}): Promise<StaticEncoder> {
    return new StaticEncoder(...(await openTable(runtime, readTable, source, options)));
  }
}
