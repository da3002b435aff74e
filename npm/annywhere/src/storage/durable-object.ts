/**
 * A store in the SQLite of a Durable Object: a page is a row, and a batch one transaction. The object is the only one that writes
 * to it; what it answers waits for what it has written.
 */
import type { BatchStorage, Page, StagedBatch, StoredPages } from './pages.js';

/** What is used of a `DurableObjectStorage`. */
export interface ObjectStorageLike {
  readonly sql: { exec(query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>> };
  transactionSync<T>(body: () => T): T;
  sync(): Promise<void>;
}

/** A storage for `new VectorDb({ storage })`; an object may have several stores under different names. */
export function durableObjectStorage(
  storage: ObjectStorageLike,
  { name = 'annywhere' }: { readonly name?: string } = {},
): BatchStorage {
  return new DurableObjectStorage(storage, name);
}

class DurableObjectStorage implements BatchStorage {
  readonly kind = 'durable-object';
  readonly #storage: ObjectStorageLike;
  readonly #name: string;

  constructor(storage: ObjectStorageLike, name: string) {
    this.#storage = storage;
    this.#name = name;
  }

  async read(): Promise<StoredPages | undefined> {
    const { sql } = this.#storage;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS annywhere_stores (name TEXT PRIMARY KEY, number INTEGER NOT NULL, sizes TEXT NOT NULL)',
    );
    sql.exec(
      `CREATE TABLE IF NOT EXISTS annywhere_pages
        (name TEXT, file TEXT, page INTEGER, bytes BLOB NOT NULL, PRIMARY KEY (name, file, page)) WITHOUT ROWID`,
    );
    const [state] = sql.exec('SELECT number, sizes FROM annywhere_stores WHERE name = ?', this.#name);
    if (!state) return undefined;
    const rows = sql.exec('SELECT file, page, bytes FROM annywhere_pages WHERE name = ?', this.#name);
    const pages = Array.from(rows, ({ file, page, bytes }): Page => {
      return { file: String(file), page: Number(page), bytes: new Uint8Array(bytes as ArrayBuffer) };
    });
    return { number: Number(state.number), sizes: JSON.parse(String(state.sizes)), pages };
  }

  async commit({ expected, removed, pages, sizes, isStrict }: StagedBatch): Promise<boolean> {
    const { sql } = this.#storage;
    const isStored = this.#storage.transactionSync(() => {
      const [state] = sql.exec('SELECT number FROM annywhere_stores WHERE name = ?', this.#name);
      if (Number(state?.number ?? 0) !== expected) return false;
      for (const file of removed)
        sql.exec('DELETE FROM annywhere_pages WHERE name = ? AND file = ?', this.#name, file);
      for (const { file, page, bytes } of pages) {
        // As much memory as the page has, and no more.
        const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
        sql.exec(
          'INSERT OR REPLACE INTO annywhere_pages VALUES (?, ?, ?, ?)',
          this.#name,
          file,
          page,
          own.buffer,
        );
      }
      const all = JSON.stringify(sizes);
      sql.exec('INSERT OR REPLACE INTO annywhere_stores VALUES (?, ?, ?)', this.#name, expected + 1, all);
      return true;
    });
    if (isStored && isStrict) await this.#storage.sync();
    return isStored;
  }
}
