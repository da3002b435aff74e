/** Files with rows, as asynchronous iterables of entries; how far they are read is told along the way. */
import type { Entry } from '../../types.js';

export interface RowSource {
  /** Rows in order. The same file gives the same rows, so that an import can go on where it ended. */
  rows(): AsyncIterable<Entry>;
  /** Rows in all, where the file says so. */
  readonly total?: number;
}

/** A row cannot be used. */
export function badRow(path: string, row: number, reason: string): Error {
  return new Error(`${path}, row ${row + 1}: ${reason}`);
}

/** An id made of what is given, else of the row's number. */
export function idOf(value: unknown, row: number): string {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return String(row);
}
