/** Whether two may use one database: the options of the second have to be such as would open what the first has open. */
import { AnnywhereError } from './errors.js';
import { GuardedEngine } from './guarded-engine.js';
import { type CheckedOptions, checkOptions } from './options.js';
import type { LoadedEngine } from './runtime.js';
import type { DbOptions, Stats } from './types.js';

/** Throws `Mismatch` as an engine does for a file that contradicts its options: an engine is given one like it. */
export async function refuseOtherOptions(
  loaded: LoadedEngine,
  { dimensions, distanceMetric, indexType, hnswConfig, quantization, targetRecall, text, embedding }: Stats,
  own: CheckedOptions,
  options: DbOptions,
): Promise<void> {
  const { limit, kept, config } = checkOptions(options);
  refuseDifference('maxElements', limit, own.limit);
  refuseDifference('filterLimits', kept.filterLimits, own.kept.filterLimits);
  const like = { dimensions, distanceMetric, index: indexType, hnswConfig, quantization, targetRecall };
  const empty = new GuardedEngine(loaded, checkOptions({ ...like, text, embedding } as DbOptions).config);
  const other = new GuardedEngine(loaded, config);
  try {
    await other.loadBytes(await empty.toBytes());
  } finally {
    empty.free();
    other.free();
  }
}

function refuseDifference(option: string, given: unknown, there: unknown): void {
  const [expected, received] = [JSON.stringify(given) ?? 'none', JSON.stringify(there) ?? 'none'];
  if (expected === received) return;
  const sentence = `the database is open with another ${option}: ${received}, not ${expected}`;
  throw new AnnywhereError('Mismatch', sentence, { option, expected, received });
}
