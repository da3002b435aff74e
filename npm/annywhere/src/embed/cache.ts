/**
 * Vectors kept for texts that come again: the least recently used ones go first, old ones go after a while, and a
 * text that is being embedded is not embedded a second time. Keys hold everything that the vector depends on: model,
 * version, dimensions, prefix, purpose and text.
 */
import { AnnywhereError, invalidOption } from '../errors.js';
import { refuseUnknown } from '../options.js';
import type { Embedder, EmbedOptions } from './embedder.js';
import { checkTexts } from './http.js';

/** Where vectors outlive the process. Failures of a store are reported to `onError`, and the text is embedded. */
export interface EmbeddingStore {
  get(key: string): Promise<Uint8Array | undefined>;
  set(key: string, bytes: Uint8Array): Promise<void>;
}

export interface CacheOptions {
  /** Vectors in memory. Default 10,000. */
  maxEntries?: number;
  /** How long a vector is used, in milliseconds. Default: for ever. */
  ttlMs?: number;
  /** Keys are hexadecimal SHA-256 hashes. */
  store?: EmbeddingStore;
  onError?: (error: unknown) => void;
  /** The time it is, in milliseconds. Default `Date.now`. */
  now?: () => number;
}

export interface CacheStats {
  entries: number;
  hits: number;
  misses: number;
  /** Texts that waited for another call. */
  shared: number;
  /** Vectors that the store had. */
  stored: number;
}

export interface CachedEmbedder extends Embedder {
  stats(): CacheStats;
  /** Forgets what is in memory. */
  clear(): void;
}

interface Kept {
  readonly vector: Float32Array;
  readonly until: number;
}

const MAX_ENTRIES = 10_000;

export function cachedEmbedder(embedder: Embedder, options: CacheOptions = {}): CachedEmbedder {
  return new Cache(embedder, options);
}

class Cache implements CachedEmbedder {
  readonly contract: Embedder['contract'];
  readonly #embedder: Embedder;
  readonly #options: CacheOptions;
  readonly #maxEntries: number;
  readonly #ttlMs: number;
  readonly #now: () => number;
  /** In the order of their last use. */
  readonly #kept = new Map<string, Kept>();
  readonly #underWay = new Map<string, Promise<Float32Array>>();
  #counts = { hits: 0, misses: 0, shared: 0, stored: 0 };

  constructor(embedder: Embedder, options: CacheOptions) {
    refuseUnknown(options, ['maxEntries', 'ttlMs', 'store', 'onError', 'now'], invalidOption);
    const { maxEntries = MAX_ENTRIES, ttlMs = Number.POSITIVE_INFINITY, now = Date.now } = options;
    if (!(Number.isInteger(maxEntries) && maxEntries > 0)) {
      throw invalidOption('maxEntries', `must be a positive integer, not ${String(maxEntries)}`);
    }
    if (!(ttlMs > 0)) throw invalidOption('ttlMs', `must be a positive number, not ${String(ttlMs)}`);
    this.contract = embedder.contract;
    this.#embedder = embedder;
    this.#options = options;
    this.#maxEntries = maxEntries;
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    checkTexts(texts);
    const keys = texts.map((text) => this.#key(text, options.purpose ?? 'document'));
    const found = new Map<string, Float32Array | Promise<Float32Array>>();
    const missing = new Map<string, string>();
    for (const [at, key] of keys.entries()) {
      if (found.has(key) || missing.has(key)) continue;
      const known = this.#read(key) ?? this.#underWay.get(key);
      if (known === undefined) missing.set(key, texts[at] as string);
      else {
        found.set(key, known);
        if (known instanceof Promise) this.#counts.shared += 1;
        else this.#counts.hits += 1;
      }
    }
    if (missing.size > 0) for (const [key, vector] of this.#begin(missing, options)) found.set(key, vector);
    return Promise.all(keys.map(async (key) => Float32Array.from((await found.get(key)) as Float32Array)));
  }

  stats(): CacheStats {
    return { entries: this.#kept.size, ...this.#counts };
  }

  clear(): void {
    this.#kept.clear();
  }

  /** Promises of the vectors of texts that nobody is embedding yet. */
  #begin(missing: ReadonlyMap<string, string>, options: EmbedOptions): [string, Promise<Float32Array>][] {
    // Others wait for these texts too, so the signal of the first caller must not end them.
    const { signal: _, ...rest } = options;
    const all = this.#fetch([...missing.keys()], [...missing.values()], rest);
    return [...missing.keys()].map((key, at) => {
      const one = all.then((vectors) => vectors[at] as Float32Array);
      this.#underWay.set(key, one);
      const over = () => {
        this.#underWay.delete(key);
      };
      one.then(over, over);
      return [key, one];
    });
  }

  async #fetch(keys: string[], texts: string[], options: EmbedOptions): Promise<Float32Array[]> {
    const stored = await Promise.all(keys.map((key) => this.#load(key)));
    const absent = [...keys.keys()].filter((at) => stored[at] === undefined);
    this.#counts.stored += keys.length - absent.length;
    this.#counts.misses += absent.length;
    const wanted = absent.map((at) => texts[at] as string);
    const made = wanted.length > 0 ? await this.#embedder.embed(wanted, options) : [];
    if (made.length !== wanted.length) {
      const reason = `the embedder gave ${made.length} vectors for ${wanted.length} texts`;
      throw new AnnywhereError('Io', reason, { operation: 'embed', reason });
    }
    const until = this.#now() + this.#ttlMs;
    absent.forEach((at, rank) => {
      const vector = made[rank] as Float32Array;
      stored[at] = { vector, until };
      void this.#store(keys[at] as string, { vector, until });
    });
    return keys.map((key, at) => {
      const kept = stored[at] as Kept;
      this.#keep(key, kept);
      return kept.vector;
    });
  }

  #read(key: string): Float32Array | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    if (kept.until <= this.#now()) return undefined;
    this.#kept.set(key, kept);
    return kept.vector;
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    if (this.#kept.size > this.#maxEntries) this.#kept.delete(this.#kept.keys().next().value as string);
  }

  /** A vector of the store, if it is whole and not too old. */
  async #load(key: string): Promise<Kept | undefined> {
    const { store } = this.#options;
    if (!store) return undefined;
    try {
      const bytes = await store.get(await sha256(key));
      if (bytes === undefined || bytes.length !== 8 + 4 * this.contract.dimensions) return undefined;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const until = view.getFloat64(0, true);
      if (!(until > this.#now())) return undefined;
      const vector = new Float32Array(this.contract.dimensions);
      for (let i = 0; i < vector.length; i++) vector[i] = view.getFloat32(8 + 4 * i, true);
      return vector.every(Number.isFinite) ? { vector, until } : undefined;
    } catch (error) {
      this.#options.onError?.(error);
      return undefined;
    }
  }

  async #store(key: string, { vector, until }: Kept): Promise<void> {
    const { store } = this.#options;
    if (!store) return;
    try {
      const bytes = new Uint8Array(8 + 4 * vector.length);
      const view = new DataView(bytes.buffer);
      view.setFloat64(0, until, true);
      for (let i = 0; i < vector.length; i++) view.setFloat32(8 + 4 * i, vector[i] as number, true);
      await store.set(await sha256(key), bytes);
    } catch (error) {
      this.#options.onError?.(error);
    }
  }

  #key(text: string, purpose: string): string {
    const { model, version, dimensions, prefix } = this.contract;
    return JSON.stringify([model, version ?? null, dimensions, prefix ?? null, purpose, text]);
  }
}

async function sha256(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
