/** What `load` is asked beside its source. */
import { describe, invalidArgument } from './errors.js';
import { own, refuseUnknown } from './options.js';
import type { LoadOptions, Originals } from './types.js';

const ORIGINALS: readonly unknown[] = ['memory', 'storage', 'mapped'] satisfies Originals[];

/** Where vectors and metadata are to be. They stay only in a file, and not beside a store. */
export function checkLoadOptions(
  options: LoadOptions | undefined,
  source: unknown,
  storagePath: string | undefined,
): Originals {
  if (options === undefined) return 'memory';
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument('options', `must be an object, not ${describe(options)}`);
  }
  refuseUnknown(options, ['originals'], invalidArgument);
  const originals = checkOriginals(own(options, 'originals') ?? 'memory');
  if (originals === 'memory') return originals;
  if (typeof source !== 'string') {
    throw invalidArgument('originals', `can be '${originals}' only where the source is a path`);
  }
  if (storagePath !== undefined) {
    throw invalidArgument('originals', `cannot be '${originals}' in a database with a storagePath`);
  }
  return originals;
}

export function checkOriginals(originals: unknown): Originals {
  if (ORIGINALS.includes(originals)) return originals as Originals;
  throw invalidArgument('originals', `must be 'memory', 'storage' or 'mapped', not ${describe(originals)}`);
}
