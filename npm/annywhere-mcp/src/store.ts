/**
 * What the server works on: one folder with the memory of all agents and with collections to search. Names from
 * outside are words and never paths; a collection that is a link to elsewhere is refused.
 */
import { lstat, mkdir, readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { tableUrl } from '@annywhere/encoder-en';
import { AnnywhereError, VectorDb } from 'annywhere';
import { agreeOnContract, type Embedder, StaticEncoder, staticEmbedder } from 'annywhere/embed';
import { AgentMemory, type MemoryMetadata } from 'annywhere/memory';

export interface StoreOptions {
  /** Of an existing parent; made if it is not there. */
  folder: string;
  /** Who remembers. */
  agent: string;
  namespace?: string;
  /** Default: the static encoder for English. */
  embedder?: Embedder;
}

export interface Store {
  readonly memory: AgentMemory;
  /** Names of the collections that can be searched. */
  collections(): Promise<string[]>;
  search(collection: string, text: string, k: number): Promise<Found[]>;
  /** Numbers of memories, and of the rows of the collections. */
  stats(): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export interface Found {
  id: string;
  score: number;
  metadata: Record<string, unknown>;
}

const COLLECTION = /^[a-z0-9_-]{1,64}$/;
const EXTENSION = '.annw';
const MEMORY = 'memory';
/** Collections kept open at a time. */
const MOST_OPEN = 8;

export async function openStore(options: StoreOptions): Promise<Store> {
  const { agent, namespace } = options;
  await mkdir(options.folder, { recursive: true });
  const folder = await realpath(options.folder);
  const embedder =
    options.embedder ??
    staticEmbedder({ encoder: await StaticEncoder.load(new Uint8Array(await readFile(tableUrl))) });
  const { contract } = embedder;
  const db = new VectorDb<MemoryMetadata>({
    dimensions: contract.dimensions,
    embedding: contract,
    storagePath: join(folder, MEMORY),
  });
  await db.len();
  const memory = new AgentMemory({ db, agent, embedder, ...(namespace !== undefined && { namespace }) });
  const open = new Map<string, Promise<VectorDb>>();

  async function collections(): Promise<string[]> {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && entry.name.endsWith(EXTENSION))
      .map(({ name }) => name.slice(0, -EXTENSION.length))
      .filter((name) => COLLECTION.test(name))
      .sort();
  }

  async function collection(name: string): Promise<VectorDb> {
    if (!COLLECTION.test(name)) throw new Refused('a collection is 1 to 64 of a-z, 0-9, _ and -');
    const known = open.get(name);
    if (known) {
      open.delete(name);
      open.set(name, known);
      return known;
    }
    const path = join(folder, name + EXTENSION);
    const found = await lstat(path).catch(() => undefined);
    if (!found?.isFile()) throw new Refused(`there is no collection ${name}`);
    const opened = openCollection(path, contract.dimensions);
    open.set(name, opened);
    opened.catch(() => open.delete(name));
    const [oldest] = open.keys();
    if (open.size > MOST_OPEN && oldest !== undefined) {
      void (await open.get(oldest))?.close();
      open.delete(oldest);
    }
    return opened;
  }

  return {
    memory,
    collections,
    async search(name, text, k) {
      const searched = await collection(name);
      const { embedding } = searched.getStats();
      if (embedding) agreeOnContract(embedding, contract);
      const [vector] = await embedder.embed([text], { purpose: 'query' });
      const hits = await searched.search({ vector: vector as Float32Array, k });
      return hits.map(({ id, score, metadata }) => ({ id, score, metadata }));
    },
    async stats() {
      return { memories: await memory.stats(), collections: await collections(), embedding: contract };
    },
    async close() {
      await Promise.all([db.close(), ...[...open.values()].map(async (one) => (await one).close())]);
    },
  };
}

/** A sentence that may be shown to whoever asked. */
export class Refused extends Error {}

async function openCollection(path: string, dimensions: number): Promise<VectorDb> {
  const opened = new VectorDb({ dimensions });
  // Codes and ids come into memory; vectors and texts stay in the file until a search needs some of them.
  await opened.load(path, { originals: 'storage' });
  return opened;
}

/** What of an error may be shown: no paths, no stacks. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Refused) return error.message;
  if (!(error instanceof AnnywhereError)) return 'the server failed';
  const isOwn = ['InvalidArgument', 'InvalidOption', 'Mismatch', 'WrongDimension', 'ZeroVector'].includes(
    error.code,
  );
  return isOwn ? `${error.code}: ${error.message}` : error.code;
}
