/** The folder of a store as the WebAssembly engine uses it in Node. The same as `crates/annywhere-node/src/folder.rs`. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { SyncFolder } from '../engine.js';
import { flushFolder, hasCode } from './node-files.js';

export class NodeFolder implements SyncFolder {
  readonly #path: string;
  readonly #readOnly: boolean;
  readonly #descriptors = new Map<string, number>();

  constructor(path: string, readOnly: boolean) {
    this.#path = path;
    this.#readOnly = readOnly;
  }

  list(): string[] {
    try {
      return fs.readdirSync(this.#path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    }
  }

  size(name: string): number {
    const descriptor = this.#find(name);
    return descriptor === undefined ? -1 : fs.fstatSync(descriptor).size;
  }

  // Both go on until all is done: the operating system may do less than it was asked for in one call.
  read(name: string, buffer: Uint8Array, at: number): number {
    const descriptor = this.#find(name);
    let done = 0;
    while (descriptor !== undefined && done < buffer.length) {
      const read = fs.readSync(descriptor, buffer, done, buffer.length - done, at + done);
      if (read === 0) break;
      done += read;
    }
    return done;
  }

  write(name: string, bytes: Uint8Array, at: number): number {
    const descriptor = this.#make(name);
    let done = 0;
    while (done < bytes.length) {
      done += fs.writeSync(descriptor, bytes, done, bytes.length - done, at + done);
    }
    return done;
  }

  truncate(name: string, size: number): void {
    fs.ftruncateSync(this.#make(name), size);
  }

  flush(name: string): void {
    fs.fdatasyncSync(this.#make(name));
  }

  flushList(): void {
    flushFolder(this.#path);
  }

  remove(name: string): void {
    const descriptor = this.#descriptors.get(name);
    this.#descriptors.delete(name);
    // Windows removes no file that is open.
    if (descriptor !== undefined) fs.closeSync(descriptor);
    fs.rmSync(join(this.#path, name), { force: true });
  }

  close(): void {
    for (const descriptor of this.#descriptors.values()) fs.closeSync(descriptor);
    this.#descriptors.clear();
  }

  #find(name: string): number | undefined {
    if (this.#descriptors.has(name)) return this.#descriptors.get(name);
    try {
      return this.#open(name, this.#readOnly ? fs.constants.O_RDONLY : fs.constants.O_RDWR);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  #make(name: string): number {
    return this.#descriptors.get(name) ?? this.#open(name, fs.constants.O_RDWR | fs.constants.O_CREAT);
  }

  #open(name: string, flags: number): number {
    const descriptor = fs.openSync(join(this.#path, name), flags);
    this.#descriptors.set(name, descriptor);
    return descriptor;
  }
}

/** Makes a folder and those above it, so that they are there after a loss of power. */
export function createDurably(path: string): void {
  const made: string[] = [];
  for (let folder = path; !fs.existsSync(folder); folder = dirname(folder)) made.push(folder);
  fs.mkdirSync(path, { recursive: true });
  for (const folder of made.reverse()) flushFolder(dirname(folder));
}
