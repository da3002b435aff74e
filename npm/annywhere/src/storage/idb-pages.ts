/** The pages of a store in IndexedDB. A batch is one transaction, which first looks at the number of the last one. */
import { openDatabase, PAGES, request, STATE, settled } from './idb-database.js';
import { type BatchStorage, lockedBy, type Page, type StagedBatch, type StoredPages } from './pages.js';

/** The one record of `STATE`. */
interface State {
  readonly transaction: number;
  readonly sizes: Readonly<Record<string, number>>;
}

export class IdbPages implements BatchStorage {
  readonly kind = 'indexeddb';
  readonly #database: IDBDatabase;
  readonly #unlock: () => void;

  private constructor(database: IDBDatabase, unlock: () => void) {
    this.#database = database;
    this.#unlock = unlock;
  }

  static async open(name: string, readOnly: boolean): Promise<IdbPages> {
    const unlock = readOnly ? () => {} : await lock(name);
    try {
      if (readOnly && !(await indexedDB.databases()).some((other) => other.name === name)) {
        throw new Error('there is no database at this path');
      }
      return new IdbPages(await openDatabase(name), unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  async read(): Promise<StoredPages | undefined> {
    const transaction = this.#database.transaction([PAGES, STATE], 'readonly');
    const done = settled(transaction);
    const state = request(transaction.objectStore(STATE).get(0) as IDBRequest<State | undefined>);
    const pages = transaction.objectStore(PAGES);
    const [keys, values] = [request(pages.getAllKeys()), request(pages.getAll())];
    await done;
    const found = await state;
    if (!found) return undefined;
    const contents = (await values) as Uint8Array<ArrayBuffer>[];
    const all = (await keys).map((key, at): Page => {
      const [file, page] = key as [string, number];
      return { file, page, bytes: contents[at] as Uint8Array<ArrayBuffer> };
    });
    return { number: found.transaction, sizes: found.sizes, pages: all };
  }

  // Not async before the requests: a transaction without any ends by itself.
  async commit({ expected, removed, pages, sizes, isStrict }: StagedBatch): Promise<boolean> {
    const durability = isStrict ? 'strict' : 'relaxed';
    const transaction = this.#database.transaction([PAGES, STATE], 'readwrite', { durability });
    const done = settled(transaction);
    const [stored, states] = [transaction.objectStore(PAGES), transaction.objectStore(STATE)];
    let overtaken = false;
    const looking = states.get(0) as IDBRequest<State | undefined>;
    looking.onsuccess = () => {
      overtaken = (looking.result?.transaction ?? 0) !== expected;
      if (overtaken) transaction.abort();
    };
    for (const name of removed) stored.delete(IDBKeyRange.bound([name], [name, []]));
    for (const { file, page, bytes } of pages) stored.put(bytes, [file, page]);
    states.put({ transaction: expected + 1, sizes } satisfies State, 0);
    try {
      await done;
      return true;
    } catch (error) {
      if (overtaken) return false;
      throw error;
    }
  }

  close(): void {
    this.#database.close();
    this.#unlock();
  }
}

/** Holds the lock of a store until the function that it returns is called; `Locked` if another holds it. */
export async function lock(name: string): Promise<() => void> {
  const locks = globalThis.navigator?.locks;
  // Without locks, the number of the last transaction tells of another writer.
  if (!locks) return () => {};
  return new Promise((resolve, reject) => {
    const held = locks.request(name, { ifAvailable: true }, (granted) => {
      if (!granted) throw lockedBy('another tab or worker has the database open');
      return new Promise<void>((release) => resolve(release));
    });
    held.catch(reject);
  });
}
