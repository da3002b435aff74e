/** Ids: non-empty, well-formed strings that fit the file's 16-bit length. */
import { AnnywhereError, describe } from './errors.js';

const MAX_BYTES = 65_535;
/** A UTF-16 unit takes at most three bytes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;

export function checkId(id: unknown, row?: number): string {
  const fail = (reason: string) =>
    new AnnywhereError('InvalidId', `${row === undefined ? 'the id' : `the id of row ${row}`} ${reason}`, {
      reason,
      ...(row !== undefined && { row }),
    });
  if (typeof id === 'number' || typeof id === 'bigint') {
    throw fail(`is the number ${id}; ids are strings, so pass '${id}'`);
  }
  if (typeof id !== 'string') throw fail(`must be a string, not ${describe(id)}`);
  if (id === '') throw fail('is empty');
  if (loneSurrogate.test(id)) throw fail('is not well-formed: it contains half of a surrogate pair');
  if (id.length * MAX_BYTES_PER_UNIT > MAX_BYTES) {
    const bytes = new TextEncoder().encode(id).length;
    if (bytes > MAX_BYTES) throw fail(`takes ${bytes} bytes in UTF-8; at most ${MAX_BYTES} fit`);
  }
  return id;
}

/** With the `u` flag a surrogate matches only when it stands alone. */
export const loneSurrogate = /\p{Surrogate}/u;
