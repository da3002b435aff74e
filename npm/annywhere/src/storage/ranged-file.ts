/**
 * A file of which some pages are here and the others elsewhere. The engine reads at once, and getting a page takes waiting:
 * what a call missed is noted, got, and the call is made again. Calls are deterministic, so each gets farther than the one
 * before, and what it answers in the end is what it would have answered with the whole file.
 */
import type { SyncFile } from '../engine.js';
import { coreError } from '../errors.js';
import { type FilePart, type FileStart, fetchPart } from './http-file.js';

/** Sections begin at multiples of it (FORMAT.md), so their blocks are whole pages. */
const PAGE_BYTES = 4_096;
/** Bytes of pages that are kept for later calls. */
const KEPT_BYTES = 32 << 20;
/** Pages between two that are missing which are got rather than asked for apart. */
const GAP_PAGES = 4;
/** Most pages of one request, and most requests at a time: what browsers have connections for. */
const REQUEST_PAGES = 1_024;
const REQUESTS = 6;
/** A call that misses something this often reads one after the other; from then on what follows is got too. */
const PATIENT_ROUNDS = 4;
/** Pages of a block, which is what the engine compares with a checksum. */
const BLOCK_PAGES = 16;

export class RangedFile implements SyncFile {
  /** Another number once pages that were read may be got again: the engine has to check them again then. */
  version = 0;
  readonly #file: FileStart;
  /** The page that was used last is the last. */
  readonly #pages = new Map<number, Uint8Array>();
  /** The whole file, once it came whole. */
  #whole: Uint8Array | undefined;
  /** Requests under way, by the pages that they bring. */
  readonly #coming = new Map<number, Promise<void>>();
  /** The pages of each call under way, which have to be here when it is made again. */
  readonly #held = new Set<Set<number>>();
  #touched = new Set<number>();
  #missed = new Set<number>();

  constructor(file: FileStart) {
    this.#file = file;
    for (const part of file.parts) this.#take(part);
  }

  /** Calls the engine until nothing is missing. `body` has to read at once. */
  async run<T>(body: () => T): Promise<T> {
    const touched = new Set<number>();
    const got = new Set<number>();
    this.#held.add(touched);
    try {
      for (let round = 1; ; round++) {
        touched.clear();
        const missed = new Set<number>();
        [this.#touched, this.#missed] = [touched, missed];
        try {
          return body();
        } catch (error) {
          const known = coreError(error);
          if (known?.code === 'Corrupt' && missed.size === 0) this.#drop(touched);
          if (!known || missed.size === 0) throw error;
        }
        const ahead = round < PATIENT_ROUNDS ? 0 : BLOCK_PAGES << (round - PATIENT_ROUNDS);
        await this.#get(this.#following(missed, got, Math.min(ahead, REQUEST_PAGES)));
        for (const page of missed) got.add(page);
      }
    } finally {
      this.#held.delete(touched);
      this.#forget();
    }
  }

  read(buffer: Uint8Array, { at }: { at: number }): number {
    const end = at + buffer.length;
    if (end > this.#file.length) return 0;
    if (this.#whole) {
      buffer.set(this.#whole.subarray(at, end));
      return buffer.length;
    }
    let isHere = true;
    for (let number = Math.floor(at / PAGE_BYTES); number * PAGE_BYTES < end; number++) {
      const page = this.#touch(number);
      isHere &&= page !== undefined;
      const begin = number * PAGE_BYTES;
      if (page) buffer.set(page.subarray(Math.max(0, at - begin), end - begin), Math.max(0, begin - at));
    }
    return isHere ? buffer.length : 0;
  }

  /** Notes what is about to be read; offset and length of each range. */
  want(ranges: Float64Array): void {
    if (this.#whole) return;
    for (let range = 0; range < ranges.length; range += 2) {
      const [at, length] = [ranges[range] as number, ranges[range + 1] as number];
      for (let number = Math.floor(at / PAGE_BYTES); number * PAGE_BYTES < at + length; number++) {
        this.#touch(number);
      }
    }
  }

  getSize(): number {
    return this.#file.length;
  }

  write(): never {
    throw new Error('it is read only');
  }

  truncate(): never {
    throw new Error('it is read only');
  }

  flush(): void {}

  close(): void {}

  #touch(number: number): Uint8Array | undefined {
    this.#touched.add(number);
    const page = this.#pages.get(number);
    if (page) {
      this.#pages.delete(number);
      this.#pages.set(number, page);
    } else {
      this.#missed.add(number);
    }
    return page;
  }

  /** What is missing, and so many pages behind each that follows on what the call got before. */
  #following(missed: Set<number>, got: Set<number>, ahead: number): Set<number> {
    if (ahead === 0) return missed;
    const pages = new Set(missed);
    const last = Math.ceil(this.#file.length / PAGE_BYTES) - 1;
    for (const page of missed) {
      if (!got.has(page - 1)) continue;
      for (let next = page; next <= Math.min(last, page + ahead); next++) {
        pages.add(next);
        got.add(next);
      }
    }
    return pages;
  }

  /** Gets pages, those that lie together with one request. */
  async #get(pages: Set<number>): Promise<void> {
    const waits = new Set<Promise<void>>();
    const absent: number[] = [];
    for (const page of pages) {
      const coming = this.#coming.get(page);
      if (coming) waits.add(coming);
      else if (!this.#pages.has(page)) absent.push(page);
    }
    const requests = runs(absent.sort((a, b) => a - b));
    const next = async (): Promise<void> => {
      for (let request = requests.shift(); request; request = requests.shift()) await this.#ask(request);
    };
    // All are waited for, so that none goes on unseen after the failure of another.
    const ended = await Promise.allSettled([...waits, ...Array.from({ length: REQUESTS }, next)]);
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  #ask([first, last]: readonly [number, number]): Promise<void> {
    const to = Math.min(this.#file.length, (last + 1) * PAGE_BYTES);
    const asked = fetchPart(this.#file, first * PAGE_BYTES, to)
      .then((part) => this.#take(part))
      .finally(() => {
        for (let page = first; page <= last; page++) this.#coming.delete(page);
      });
    for (let page = first; page <= last; page++) this.#coming.set(page, asked);
    return asked;
  }

  #take({ at, bytes }: FilePart): void {
    if (bytes.length === this.#file.length) {
      this.#whole = bytes;
      this.#pages.clear();
      return;
    }
    const end = at + bytes.length;
    for (let number = Math.ceil(at / PAGE_BYTES); ; number++) {
      const from = number * PAGE_BYTES;
      const to = Math.min(from + PAGE_BYTES, this.#file.length);
      if (from >= to || to > end) return;
      // A copy, so that a page holds no more memory than its own.
      this.#pages.set(number, bytes.slice(from - at, to - at));
    }
  }

  /** Damage may have come on the way: the next call gets the pages again. */
  #drop(pages: Set<number>): void {
    this.version += 1;
    for (const page of pages) this.#pages.delete(page);
  }

  /** Lets the pages go that were not used for the longest time. */
  #forget(): void {
    let surplus = this.#pages.size - KEPT_BYTES / PAGE_BYTES;
    if (surplus <= 0) return;
    this.version += 1;
    for (const number of this.#pages.keys()) {
      if ([...this.#held].some((held) => held.has(number))) continue;
      this.#pages.delete(number);
      surplus -= 1;
      if (surplus <= 0) return;
    }
  }
}

/** First and last of the pages that lie together. */
function runs(pages: readonly number[]): (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const page of pages) {
    const run = found.at(-1);
    if (run && page - run[1] <= GAP_PAGES && page - run[0] < REQUEST_PAGES) run[1] = page;
    else found.push([page, page]);
  }
  return found;
}
