/** A batch as it is given, entries or columns, checked and copied into what the engine takes. */
import { AnnywhereError, describe, invalidArgument } from './errors.js';
import { checkId } from './ids.js';
import { metadataToJson } from './metadata.js';
import { own, refuseUnknown } from './options.js';
import type { Columns, Entry } from './types.js';
import { copyVectorInto, isFloat32Array } from './vectors.js';

/** Rows of which some may still want an id; the engine makes those. */
export interface Batch {
  readonly ids: readonly (string | undefined)[];
  /** JSON text of each row's metadata. */
  readonly metadata: readonly string[];
  readonly vectors: Float32Array;
}

const ENTRY_NAMES = ['id', 'vector', 'metadata'];
const COLUMN_NAMES = ['ids', 'vectors', 'metadata'];

/** With `transfer` the numbers of columns are moved instead of copied, and the caller's array is empty afterwards. */
export function copyBatch(
  given: Iterable<Entry<object>> | Columns<object>,
  dimensions: number,
  transfer = false,
): Batch {
  if (typeof given === 'object' && given !== null) {
    if (Symbol.iterator in given) {
      if (transfer) throw invalidArgument('transfer', 'is for { ids, vectors }, whose vectors can be moved');
      return copyEntries([...given], dimensions);
    }
    if (Object.hasOwn(given, 'ids') || Object.hasOwn(given, 'vectors')) {
      return copyColumns(given, dimensions, transfer);
    }
  }
  throw invalidArgument(
    'entries',
    `must be entries in an iterable or { ids, vectors }, not ${describe(given)}`,
  );
}

/** The rows from `from` to before `to`. */
export function sliceBatch(batch: Batch, from: number, to: number, dimensions: number): Batch {
  return {
    ids: batch.ids.slice(from, to),
    metadata: batch.metadata.slice(from, to),
    vectors: batch.vectors.subarray(from * dimensions, to * dimensions),
  };
}

/** `first` is the index of the first entry, where it is not the first of its batch. */
export function copyEntries(entries: readonly Entry<object>[], dimensions: number, first = 0): Batch {
  const vectors = allocate(entries.length * dimensions);
  const ids: (string | undefined)[] = [];
  const metadata: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const row = first + index;
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
      throw invalidArgument(
        `row ${row}`,
        `must be an object { id, vector, metadata }, not ${describe(entry)}`,
      );
    }
    refuseUnknown(entry, ENTRY_NAMES, (name, reason) => invalidArgument(`${name} of row ${row}`, reason));
    const id = own(entry, 'id');
    ids.push(id === undefined ? undefined : checkId(id, row));
    copyVectorInto(vectors, index * dimensions, own(entry, 'vector'), row, dimensions);
    metadata.push(metadataToJson(own(entry, 'metadata'), row));
  }
  return { ids, metadata, vectors };
}

function copyColumns(columns: Columns<object>, dimensions: number, transfer: boolean): Batch {
  refuseUnknown(columns, COLUMN_NAMES, invalidArgument);
  const ids = own(columns, 'ids');
  const vectors = own(columns, 'vectors');
  const metadata = own(columns, 'metadata');
  if (!Array.isArray(ids)) throw invalidArgument('ids', `must be an array of strings, not ${describe(ids)}`);
  if (!isFloat32Array(vectors))
    throw invalidArgument('vectors', `must be a Float32Array, not ${describe(vectors)}`);
  if (vectors.length !== ids.length * dimensions) {
    const wanted = `${ids.length} ids × ${dimensions} dimensions need ${ids.length * dimensions}`;
    throw invalidArgument('vectors', `has ${vectors.length} numbers; ${wanted}`);
  }
  if (metadata !== undefined && (!Array.isArray(metadata) || metadata.length !== ids.length)) {
    throw invalidArgument('metadata', `must be an array with one element for each of the ${ids.length} ids`);
  }
  return {
    ids: ids.map((id, row) => checkId(id, row)),
    metadata: ids.map((_, row) => metadataToJson(metadata?.[row], row)),
    vectors: transfer ? moved(vectors) : vectors.slice(),
  };
}

function moved(vectors: Float32Array): Float32Array {
  try {
    return structuredClone(vectors, { transfer: [vectors.buffer as ArrayBuffer] });
  } catch (error) {
    throw invalidArgument('vectors', `cannot be moved: ${(error as Error).message}`);
  }
}

/** The rows as the engine takes them: `[["id",{..}],["id2",null],..]`. */
export function rowsJson(ids: readonly string[], metadata: readonly string[]): string {
  return `[${ids.map((id, row) => `[${JSON.stringify(id)},${metadata[row]}]`).join(',')}]`;
}

function allocate(length: number): Float32Array {
  try {
    return new Float32Array(length);
  } catch (cause) {
    const bytes = length * Float32Array.BYTES_PER_ELEMENT;
    throw new AnnywhereError(
      'OutOfMemory',
      `out of memory: ${bytes} bytes more were needed`,
      { bytes },
      { cause },
    );
  }
}
