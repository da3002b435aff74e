/** Bytes of a file, or of all files in a folder. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export function sizeOnDisk(path: string): number {
  const about = statSync(path);
  if (about.isFile()) return about.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOnDisk(join(path, name)), 0);
}
