/**
 * The folder of a store in the origin private file system. Every file has its handle before the engine asks for it,
 * because opening one takes waiting; a handle is exclusive, so that of the superblock is the lock of the store.
 */
import type { SyncFile, SyncFolder } from '../engine.js';
import { browserRoom } from './browser-room.js';
import type { OpenStore } from './store.js';

/** What browsers have and TypeScript's library does not describe. */
export interface AccessibleFile extends FileSystemFileHandle {
  createSyncAccessHandle?(): Promise<SyncFile>;
}

/** A worker that was terminated keeps its handles for about two seconds, so a held file is asked for again. */
const PATIENCE_MS = 5_000;
const FIRST_PAUSE_MS = 20;

export const SUPERBLOCK = 'superblock';
export const OURS = /^(superblock|segment-[0-9a-f]{16}\.annw|journal-[0-9a-f]{16}\.annj)$/;

export class OpfsFolder implements SyncFolder, OpenStore {
  readonly kind = 'opfs';
  readonly room = browserRoom;
  readonly #folder: FileSystemDirectoryHandle;
  readonly #handles = new Map<string, SyncFile>();
  /** Files whose entries are being removed. */
  readonly #removals = new Map<string, Promise<void>>();
  /** The file without a handle that was last to be made. */
  #missed: string | undefined;

  private constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder;
  }

  static async open(path: string, readOnly: boolean): Promise<OpfsFolder> {
    const names = path.split('/');
    const parent = await findFolder(names.slice(0, -1), !readOnly);
    const own = await parent.getDirectoryHandle(names.at(-1) as string, { create: !readOnly });
    const folder = new OpfsFolder(own);
    try {
      if (!readOnly) await folder.#add(SUPERBLOCK);
      for await (const name of (own as unknown as { keys(): AsyncIterable<string> }).keys()) {
        if (OURS.test(name) && !folder.#handles.has(name)) await folder.#add(name);
      }
      return folder;
    } catch (error) {
      await folder.close();
      throw error;
    }
  }

  /** Runs `body`; `false` if it failed for want of a file, which is there now. */
  async attempt(body: () => Promise<void>): Promise<boolean> {
    this.#missed = undefined;
    try {
      await body();
      return true;
    } catch (error) {
      if (this.#missed === undefined) throw error;
      await this.#add(this.#missed);
      return false;
    }
  }

  async prepare(generation: number): Promise<void> {
    const number = generation.toString(16).padStart(16, '0');
    for (const name of [`segment-${number}.annw`, `journal-${number}.annj`]) {
      if (!this.#handles.has(name)) await this.#add(name);
    }
  }

  async commit(): Promise<void> {
    await Promise.all(this.#removals.values());
  }

  async close(): Promise<void> {
    for (const handle of this.#handles.values()) handle.close();
    this.#handles.clear();
    await this.commit();
  }

  list(): string[] {
    return [...this.#handles.keys()];
  }

  size(name: string): number {
    return this.#handles.get(name)?.getSize() ?? -1;
  }

  read(name: string, buffer: Uint8Array, at: number): number {
    return this.#handles.get(name)?.read(buffer, { at }) ?? 0;
  }

  write(name: string, bytes: Uint8Array, at: number): number {
    return this.#get(name).write(bytes, { at });
  }

  truncate(name: string, size: number): void {
    this.#get(name).truncate(size);
  }

  flush(name: string): void {
    this.#get(name).flush();
  }

  /** The browser keeps the list of files itself. */
  flushList(): void {}

  remove(name: string): void {
    this.#handles.get(name)?.close();
    this.#handles.delete(name);
    // One that stays is found again by the next who opens the store, and removed then.
    const removal = this.#folder
      .removeEntry(name)
      .catch(() => {})
      .finally(() => this.#removals.delete(name));
    this.#removals.set(name, removal);
  }

  #get(name: string): SyncFile {
    const handle = this.#handles.get(name);
    if (handle) return handle;
    this.#missed = name;
    throw new Error(`${name} has not been opened`);
  }

  async #add(name: string): Promise<void> {
    await this.#removals.get(name);
    const file = await this.#folder.getFileHandle(name, { create: true });
    this.#handles.set(name, await patiently(() => openAccess(file)));
  }
}

export function openAccess(file: AccessibleFile): Promise<SyncFile> {
  if (!file.createSyncAccessHandle) {
    throw new Error('files can be opened in a dedicated worker only; create the database there');
  }
  return file.createSyncAccessHandle();
}

/** The folder at a path of the origin's file system. */
export async function findFolder(
  names: readonly string[],
  create: boolean,
): Promise<FileSystemDirectoryHandle> {
  const storage = globalThis.navigator?.storage;
  if (!storage?.getDirectory)
    throw new Error('this runtime has no origin private file system; use toBytes() and load(bytes)');
  let folder = await storage.getDirectory();
  for (const name of names) folder = await folder.getDirectoryHandle(name, { create });
  return folder;
}

/** Whether there is a superblock with anything in it; also if that cannot be seen. */
export async function hasSuperblock(path: string): Promise<boolean> {
  try {
    const file = await (await findFolder(path.split('/'), false)).getFileHandle(SUPERBLOCK);
    return (await file.getFile()).size > 0;
  } catch (error) {
    return !(error instanceof Error && error.name === 'NotFoundError');
  }
}

async function patiently<T>(body: () => Promise<T>): Promise<T> {
  const end = Date.now() + PATIENCE_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause *= 2) {
    try {
      return await body();
    } catch (error) {
      const isHeld = error instanceof Error && error.name === 'NoModificationAllowedError';
      if (!isHeld || Date.now() + pause > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
