/**
 * Opens what a command names: the folder of a database, or one file as `save` writes it, which is read as a whole and
 * written back as a whole. The dimensions need not be known.
 */
import { existsSync, statSync } from 'node:fs';
import { VectorDb } from '../node.js';
import type { DbOptions } from '../types.js';

/** A new database at a path with this ending is one file. */
const FILE_ENDING = '.annw';

export class Opened {
  readonly db: VectorDb;
  /** The file to write changes to; a folder has them already. */
  readonly #file: string | undefined;

  constructor(db: VectorDb, file: string | undefined) {
    this.db = db;
    this.#file = file;
  }

  /** Makes what was changed so far durable. */
  async keep(): Promise<void> {
    if (this.#file === undefined) await this.db.flush();
    else await this.db.save(this.#file);
  }

  async close(): Promise<void> {
    await this.db.close();
  }
}

/** The database at a path that must exist. To read is to leave a writer elsewhere alone. */
export async function openExisting(path: string, mode: 'read' | 'write' = 'read'): Promise<Opened> {
  if (!existsSync(path)) throw new Error(`${path} does not exist`);
  if (statSync(path).isFile()) return new Opened(await VectorDb.open(path), path);
  return new Opened(await VectorDb.open({ storagePath: path, readOnly: mode === 'read' }), undefined);
}

/** A new database: one file if the path ends so, else a folder. */
export function create(path: string, options: DbOptions): Opened {
  const isFile = path.endsWith(FILE_ENDING);
  return new Opened(
    new VectorDb(isFile ? options : { ...options, storagePath: path }),
    isFile ? path : undefined,
  );
}

/** Whether the path holds something already. */
export const exists = existsSync;
