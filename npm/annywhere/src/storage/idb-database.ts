/** IndexedDB as promises, no more than is needed. Requests of a transaction are all made before anything is awaited. */

export const FILES = 'files';
/** Pages of a store's files, under `[name, number]`. */
export const PAGES = 'pages';
/** One record: which files there are, and the number of the last transaction. */
export const STATE = 'state';

export async function openDatabase(name: string): Promise<IDBDatabase> {
  if (typeof indexedDB === 'undefined') throw new Error('this runtime has no IndexedDB');
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    for (const store of [FILES, PAGES, STATE]) opening.result.createObjectStore(store);
  };
  return request(opening);
}

export function request<T>(asked: IDBRequest<T>): Promise<T> {
  const result = new Promise<T>((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  // Who waits for the transaction hears of it there.
  result.catch(() => {});
  return result;
}

/** Settles with the transaction: only then is anything it did done. */
export function settled(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was aborted'));
    transaction.onerror = () => reject(transaction.error);
  });
}
