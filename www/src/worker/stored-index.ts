// The index file in the browser's private file system (OPFS). The engine reads and writes it; this file knows its name,
// whether the browser lets us store anything, and how to remove it.

/** Files that a worker can open for synchronous access; TypeScript's library for pages does not know it. */
interface WorkerFile extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<{ write(bytes: Uint8Array): number; flush(): void; close(): void }>;
}

export class StoredIndex {
  /** What the engine calls the file. */
  readonly path: string;
  /** What the names of all releases of this index begin with. */
  #prefix: string;
  #directory: FileSystemDirectoryHandle;

  private constructor(directory: FileSystemDirectoryHandle, prefix: string, release: string) {
    this.#directory = directory;
    this.#prefix = prefix;
    this.path = `${prefix}${release}.annw`;
  }

  /**
   * The place of an index; `release` tells versions of it apart. Throws when nothing can be stored: a browser may lack the
   * file system, or have it and refuse every write (private windows), so a write is tried.
   */
  static async open(name: string, release: string): Promise<StoredIndex> {
    const prefix = `${name}-`;
    const directory = await navigator.storage.getDirectory();
    const probe = `${prefix}probe-${crypto.randomUUID()}`;
    const file = (await directory.getFileHandle(probe, { create: true })) as WorkerFile;
    try {
      const handle = await file.createSyncAccessHandle();
      try {
        if (handle.write(new Uint8Array(1)) !== 1) throw new Error('a byte written was not accepted');
        handle.flush();
      } finally {
        handle.close();
      }
    } finally {
      await directory.removeEntry(probe);
    }
    return new StoredIndex(directory, prefix, release);
  }

  /** Size in bytes; 0 if there is no file. */
  async size(): Promise<number> {
    return (await this.#file())?.size ?? 0;
  }

  /** The bytes as they are now; works while another tab holds the file. */
  async bytes(): Promise<Uint8Array | undefined> {
    const buffer = await (await this.#file())?.arrayBuffer();
    return buffer && new Uint8Array(buffer);
  }

  async remove(): Promise<void> {
    try {
      await this.#directory.removeEntry(this.path);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Removes what other releases or interrupted visits left. What another tab still uses stays for the next time. */
  async removeOthers(): Promise<void> {
    for await (const name of this.#directory.keys()) {
      if (name.startsWith(this.#prefix) && name !== this.path)
        await this.#directory.removeEntry(name).catch(() => {});
    }
  }

  async #file(): Promise<File | undefined> {
    try {
      return await (await this.#directory.getFileHandle(this.path)).getFile();
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

const isNotFound = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'NotFoundError';
