/** What the storages of Node have in common: durable folders, and errors of the file system. */
import * as fs from 'node:fs';
import { AnnywhereError, ioError } from '../errors.js';
import { noSpace } from './files.js';

/** Windows has no handle of a folder to flush; it journals renames itself. */
export function flushFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Errors of the engine pass as they are; others come from the file system. */
export function translate(operation: string, error: unknown): AnnywhereError {
  if (error instanceof AnnywhereError) return error;
  return hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT') ? noSpace(error) : ioError(operation, error);
}

export function hasCode(error: unknown, code: string): error is Error {
  return error instanceof Error && 'code' in error && error.code === code;
}
