/** Vectors of a cache as files of a folder, one per key. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgument } from '../errors.js';
import type { EmbeddingStore } from './cache.js';

/** A store of `cachedEmbedder`; the folder is made at the first write. */
export function folderStore(folder: string): EmbeddingStore {
  if (typeof folder !== 'string' || folder === '') throw invalidArgument('folder', 'must be a path');
  const place = (key: string) => {
    if (!/^[0-9a-f]{64}$/.test(key)) throw invalidArgument('key', 'must be a hexadecimal SHA-256 hash');
    return join(folder, key);
  };
  let writes = 0;
  return {
    async get(key) {
      try {
        return await readFile(place(key));
      } catch (error) {
        if ((error as { code?: string }).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async set(key, bytes) {
      await mkdir(folder, { recursive: true });
      // Written beside it and renamed: a reader sees a whole file or none.
      const fresh = `${place(key)}.${process.pid}.${writes++}`;
      await writeFile(fresh, bytes);
      await rename(fresh, place(key));
    },
  };
}
