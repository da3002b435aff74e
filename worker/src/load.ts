/** Opens the files that `scripts/build-index.mjs` made: the index, and the encoder that made its vectors. */
import { VectorDb } from 'annywhere';
import { StaticEncoder } from 'annywhere/embed';
import type { Env } from './runtime';

/** A WordNet synset. */
export interface Synset {
  lemmas: string[];
  partOfSpeech: string;
  definition: string;
}

/** An index that is ready to be asked. */
export interface OpenIndex {
  readonly db: VectorDb<Synset>;
  readonly encoder: StaticEncoder;
  readonly rows: number;
  /** SHA-256 of the index file: replies with the same generation come from the same index. */
  readonly generation: string;
}

interface Manifest {
  readonly rows: number;
  readonly dimensions: number;
  readonly index: FileEntry;
  readonly table: FileEntry;
}

interface FileEntry {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

type Assets = NonNullable<Env['ASSETS']>;

/** Rejects if a file is missing or is not the one that the manifest names. */
export async function openIndex(assets: Assets | undefined): Promise<OpenIndex> {
  if (!assets) throw new Error('the binding ASSETS is missing');
  const manifest = (await (await fetchAsset(assets, 'manifest.json')).json()) as Manifest;
  const { dimensions } = manifest;
  // One after the other: of each file there are copies for a moment, and an isolate has 128 MB.
  const encoder = await StaticEncoder.load(await verifiedBytes(assets, manifest.table), { dimensions });
  const db = new VectorDb<Synset>({ dimensions });
  await db.load(await verifiedBytes(assets, manifest.index));
  return { db, encoder, rows: manifest.rows, generation: manifest.index.sha256 };
}

async function verifiedBytes(assets: Assets, { name, bytes, sha256 }: FileEntry): Promise<ArrayBuffer> {
  const content = await (await fetchAsset(assets, name)).arrayBuffer();
  if (content.byteLength !== bytes) throw new Error(`${name} has ${content.byteLength} bytes, not ${bytes}`);
  const digest = hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', content)));
  if (digest !== sha256) throw new Error(`${name} has the SHA-256 ${digest}, not ${sha256}`);
  return content;
}

async function fetchAsset(assets: Assets, name: string): Promise<Response> {
  const response = await assets.fetch(`https://assets.invalid/${name}`);
  if (!response.ok) throw new Error(`the asset ${name} answers with status ${response.status}`);
  return response;
}

const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
