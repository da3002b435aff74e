/** Files with nothing but numbers: npy (NumPy), fvecs and bvecs (the format of the SIFT collections). */
import { type FileHandle, open } from 'node:fs/promises';
import type { Entry } from '../../types.js';
import type { RowSource } from './source.js';

/** Rows read at once. */
const CHUNK_ROWS = 1024;
/** More is no header. */
const MOST_HEADER = 1 << 20;

type Decode = (bytes: DataView, offset: number) => number;

const NPY_TYPES: Readonly<Record<string, { readonly size: number; readonly decode: Decode }>> = {
  '<f4': { size: 4, decode: (bytes, at) => bytes.getFloat32(at, true) },
  '<f8': { size: 8, decode: (bytes, at) => bytes.getFloat64(at, true) },
  '<f2': { size: 2, decode: (bytes, at) => half(bytes.getUint16(at, true)) },
  '|i1': { size: 1, decode: (bytes, at) => bytes.getInt8(at) },
  '|u1': { size: 1, decode: (bytes, at) => bytes.getUint8(at) },
};

/** A two-dimensional NumPy array. */
export async function npy(path: string): Promise<RowSource> {
  return withFile(path, async (file) => {
    const lead = await readExactly(file, path, 0, 12);
    if (lead.toString('latin1', 0, 6) !== '\x93NUMPY') throw new Error(`${path} is not a NumPy file`);
    const isShort = lead[6] === 1;
    const length = isShort ? lead.readUInt16LE(8) : lead.readUInt32LE(8);
    if (length > MOST_HEADER) throw new Error(`${path} has a header of ${length} bytes`);
    const start = isShort ? 10 : 12;
    const header = (await readExactly(file, path, start, length)).toString('latin1');
    const type = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? '';
    const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? '';
    const [rows, dimensions, more] = shape
      .split(',')
      .filter((part) => part.trim() !== '')
      .map(Number);
    const known = NPY_TYPES[type];
    if (!known) throw new Error(`${path} holds ${type}; known are ${Object.keys(NPY_TYPES).join(', ')}`);
    if (/'fortran_order':\s*True/.test(header))
      throw new Error(`${path} is in Fortran order; save it in C order`);
    if (rows === undefined || !dimensions || more !== undefined) {
      throw new Error(`${path} has the shape (${shape}); rows × dimensions are wanted`);
    }
    return fixedRows(path, { first: start + length, skip: 0, rows, dimensions, ...known });
  });
}

/** Vectors of one length, each after a 32-bit count of its numbers. */
export async function vecs(path: string, kind: 'fvecs' | 'bvecs'): Promise<RowSource> {
  const known = NPY_TYPES[kind === 'fvecs' ? '<f4' : '|u1'] as (typeof NPY_TYPES)[string];
  return withFile(path, async (file) => {
    const dimensions = (await readExactly(file, path, 0, 4)).readInt32LE(0);
    const { size } = await file.stat();
    const stride = 4 + dimensions * known.size;
    if (dimensions < 1 || size % stride !== 0) {
      throw new Error(`${path} does not consist of vectors of ${dimensions} numbers`);
    }
    return fixedRows(path, { first: 0, skip: 4, rows: size / stride, dimensions, ...known });
  });
}

interface Fixed {
  readonly first: number;
  /** Bytes before the numbers of a row. */
  readonly skip: number;
  readonly rows: number;
  readonly dimensions: number;
  readonly size: number;
  readonly decode: Decode;
}

function fixedRows(path: string, { first, skip, rows, dimensions, size, decode }: Fixed): RowSource {
  const stride = skip + dimensions * size;
  return {
    total: rows,
    async *rows(): AsyncGenerator<Entry> {
      const file = await open(path);
      try {
        for (let from = 0; from < rows; from += CHUNK_ROWS) {
          const count = Math.min(CHUNK_ROWS, rows - from);
          const bytes = await readExactly(file, path, first + from * stride, count * stride);
          const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
          for (let row = 0; row < count; row++) {
            const start = row * stride + skip;
            const vector = new Float32Array(dimensions);
            for (let at = 0; at < dimensions; at++) vector[at] = decode(view, start + at * size);
            yield { id: String(from + row), vector };
          }
        }
      } finally {
        await file.close();
      }
    },
  };
}

export async function withFile<T>(path: string, body: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path);
  try {
    return await body(file);
  } finally {
    await file.close();
  }
}

export async function readExactly(
  file: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(buffer, read, length - read, position + read);
    if (bytesRead === 0) throw new Error(`${path} ends before byte ${position + length}`);
    read += bytesRead;
  }
  return buffer;
}

/** A 16-bit float (IEEE 754): sign, 5 bits of exponent, 10 of fraction. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
}
