/** Rows as JSON objects, one a line or in one array, with the names that common exports use. */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import type { Entry, Metadata } from '../../types.js';
import { badRow, idOf, type RowSource } from './source.js';

const ID = ['id', '_id', 'key', 'uuid'];
const VECTOR = ['vector', 'embedding', 'values', 'embeddings'];
const METADATA = ['metadata', 'payload', 'properties'];

export interface Names {
  readonly id: string | undefined;
  readonly vector: string | undefined;
}

/** JSON Lines, also compressed by gzip. */
export function jsonLines(path: string, names: Names): RowSource {
  return {
    async *rows() {
      const file = createReadStream(path);
      const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
      // A pipe hands on no errors of its source.
      file.on('error', (error) => input.destroy(error));
      let row = 0;
      for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (line.trim() === '') continue;
        let value: unknown;
        try {
          value = JSON.parse(line);
        } catch (error) {
          throw badRow(path, row, `it is not JSON: ${(error as Error).message}`);
        }
        yield entryOf(value, path, row, names);
        row++;
      }
    },
  };
}

/** One JSON text: an array of rows, an object with such an array, or the columns of an export. */
export async function jsonDump(path: string, names: Names): Promise<RowSource> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}`);
  }
  const rows = rowsIn(value);
  if (!rows) throw new Error(`${path} has no array of rows, and no columns ids and embeddings`);
  return {
    total: rows.length,
    async *rows() {
      for (const [row, each] of rows.entries()) yield entryOf(each, path, row, names);
    },
  };
}

function rowsIn(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const dump = value as Record<string, unknown>;
  const { ids, embeddings, metadatas, documents } = dump as Record<string, unknown[] | undefined>;
  if (Array.isArray(ids) && Array.isArray(embeddings)) {
    return ids.map((id, row) => ({
      id,
      vector: embeddings[row],
      metadata: {
        ...(metadatas?.[row] as object | undefined),
        ...(documents?.[row] !== undefined && { document: documents[row] }),
      },
    }));
  }
  for (const name of ['items', 'vectors', 'rows', 'data', 'points', 'matches', 'entries']) {
    if (Array.isArray(dump[name])) return dump[name];
  }
  return undefined;
}

/** A row of any of the known shapes: what is neither id nor vector is metadata. */
export function entryOf(value: unknown, path: string, row: number, names: Names): Entry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRow(path, row, 'it is not an object');
  }
  const given = value as Record<string, unknown>;
  const find = (chosen: string | undefined, usual: readonly string[]) =>
    chosen ?? usual.find((name) => given[name] !== undefined && given[name] !== null);
  const idName = find(names.id, ID);
  const vectorName = find(names.vector, VECTOR);
  const vector = vectorName === undefined ? undefined : given[vectorName];
  if (vectorName === undefined || !isVector(vector)) {
    const wanted = names.vector ?? VECTOR.join(', ');
    throw badRow(path, row, `it has no array of numbers named ${wanted}; --vector-field says another name`);
  }
  const metadataName = METADATA.find((name) => typeof given[name] === 'object' && given[name] !== null);
  const { [vectorName]: _, ...rest } = given;
  if (idName !== undefined) delete rest[idName];
  const nested = metadataName === undefined ? {} : (rest[metadataName] as Metadata);
  if (metadataName !== undefined) delete rest[metadataName];
  const metadata = { ...rest, ...nested };
  return {
    id: idOf(idName === undefined ? undefined : given[idName], row),
    vector,
    metadata: Object.keys(metadata).length > 0 ? metadata : null,
  };
}

function isVector(value: unknown): value is number[] | Float32Array {
  return value instanceof Float32Array || (Array.isArray(value) && typeof value[0] === 'number');
}
