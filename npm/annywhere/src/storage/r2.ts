/**
 * A store in an R2 bucket. Pages are objects that are never changed; the object `manifest` says which count, and is replaced only
 * if it is still the one that was read: whoever has been overtaken finds out, and what it has put counts for nothing.
 *
 * R2 takes one write per second of the same key, so every change waits for its turn: insert batches, or keep a store that
 * changes all the time in a Durable Object.
 */
import type { BatchStorage, Page, StagedBatch, StoredPages } from './pages.js';

/** What is used of an `R2Bucket`. */
export interface BucketLike {
  get(key: string): Promise<ObjectLike | null>;
  put(
    key: string,
    value: string | Uint8Array,
    options?: { onlyIf: { etagMatches: string } | { etagDoesNotMatch: string } },
  ): Promise<{ readonly etag: string } | null>;
  delete(keys: string[]): Promise<void>;
  list(options: { prefix: string; cursor?: string }): Promise<{
    readonly objects: readonly { readonly key: string }[];
    readonly truncated: boolean;
    readonly cursor?: string;
  }>;
}

interface ObjectLike {
  readonly etag: string;
  arrayBuffer(): Promise<ArrayBuffer>;
  text(): Promise<string>;
}

interface Manifest {
  readonly number: number;
  /** Tells this batch from another one of the same number. */
  readonly batch: string;
  readonly files: Readonly<Record<string, { size: number; pages: Record<string, string> }>>;
}

/** Requests at a time: Workers may have six connections open. */
const AT_ONCE = 6;
/** Most keys of one removal. */
const REMOVED_AT_ONCE = 1_000;

/** A storage for `new VectorDb({ storage })`; `prefix` is where in the bucket its objects are. */
export function r2Storage(bucket: BucketLike, { prefix }: { readonly prefix: string }): BatchStorage {
  return new R2Storage(bucket, `${prefix.replace(/\/$/, '')}/`);
}

class R2Storage implements BatchStorage {
  readonly kind = 'r2';
  readonly #bucket: BucketLike;
  readonly #prefix: string;
  #manifest: Manifest = { number: 0, batch: '', files: {} };
  /** Of the manifest that was read or put last. */
  #etag: string | undefined;

  constructor(bucket: BucketLike, prefix: string) {
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  async read(): Promise<StoredPages | undefined> {
    const found = await this.#readManifest();
    if (!found) return undefined;
    const { number, files } = found;
    const wanted = Object.entries(files).flatMap(([file, { pages }]) =>
      Object.entries(pages).map(([page, key]) => ({ file, page: Number(page), key })),
    );
    const pages: Page[] = await each(wanted, async ({ file, page, key }) => {
      const object = await this.#bucket.get(this.#prefix + key);
      if (!object) throw new Error(`${this.#prefix}${key} is not there, and the manifest names it`);
      return { file, page, bytes: new Uint8Array(await object.arrayBuffer()) };
    });
    await this.#removeStrays(new Set(wanted.map(({ key }) => key)), number);
    const sizes = Object.fromEntries(Object.entries(files).map(([file, { size }]) => [file, size]));
    return { number, sizes, pages };
  }

  async commit({ expected, removed, pages, sizes }: StagedBatch): Promise<boolean> {
    if (this.#manifest.number !== expected) return false;
    const number = expected + 1;
    const batch = crypto.randomUUID();
    const files: Record<string, { size: number; pages: Record<string, string> }> = {};
    for (const [file, size] of Object.entries(sizes)) {
      const before = removed.includes(file) ? undefined : this.#manifest.files[file];
      files[file] = { size, pages: { ...before?.pages } };
    }
    const copies = pages.map(({ file, page, bytes }) => ({ file, page, bytes: bytes.slice() }));
    await each(copies, async ({ file, page, bytes }) => {
      const key = `${number}-${batch}/${file}/${page}`;
      await this.#bucket.put(this.#prefix + key, bytes);
      (files[file] as { pages: Record<string, string> }).pages[page] = key;
    });
    const manifest = { number, batch, files };
    if (!(await this.#replace(manifest))) return false;
    const used = new Set(keysOf(manifest));
    const unused = keysOf(this.#manifest).filter((key) => !used.has(key));
    this.#manifest = manifest;
    // What stays is removed when the store is opened.
    await this.#remove(unused).catch(() => {});
    return true;
  }

  async #replace(manifest: Manifest): Promise<boolean> {
    const etag = this.#etag;
    const onlyIf = etag === undefined ? { etagDoesNotMatch: '*' } : { etagMatches: etag };
    let put: { readonly etag: string } | null;
    try {
      put = await this.#bucket.put(`${this.#prefix}manifest`, JSON.stringify(manifest), { onlyIf });
    } catch (error) {
      // It may have been put all the same, and the answer lost.
      const found = await this.#readManifest();
      if (found?.batch === manifest.batch) return true;
      throw error;
    }
    if (put) this.#etag = put.etag;
    return put !== null;
  }

  async #readManifest(): Promise<Manifest | undefined> {
    const object = await this.#bucket.get(`${this.#prefix}manifest`);
    if (!object) return undefined;
    const manifest = JSON.parse(await object.text()) as Manifest;
    [this.#etag, this.#manifest] = [object.etag, manifest];
    return manifest;
  }

  /** Removes what batches have put that were overtaken or not ended. Those of later numbers may still end. */
  async #removeStrays(used: ReadonlySet<string>, number: number): Promise<void> {
    const strays: string[] = [];
    let cursor: string | undefined;
    do {
      const listed = await this.#bucket.list({ prefix: this.#prefix, ...(cursor && { cursor }) });
      for (const { key } of listed.objects) {
        const own = key.slice(this.#prefix.length);
        if (own !== 'manifest' && !used.has(own) && Number.parseInt(own, 10) <= number) strays.push(own);
      }
      cursor = listed.truncated ? listed.cursor : undefined;
    } while (cursor !== undefined);
    await this.#remove(strays).catch(() => {});
  }

  async #remove(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += REMOVED_AT_ONCE) {
      const some = keys.slice(from, from + REMOVED_AT_ONCE);
      await this.#bucket.delete(some.map((key) => this.#prefix + key));
    }
  }
}

const keysOf = ({ files }: Manifest): string[] =>
  Object.values(files).flatMap(({ pages }) => Object.values(pages));

/** The results of `body` for every item, some at a time. */
async function each<In, Out>(items: readonly In[], body: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await body(items[at] as In);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}
