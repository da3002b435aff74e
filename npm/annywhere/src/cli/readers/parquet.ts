/** Parquet, by the package `hyparquet`, which is asked for only here. */
import { readFile } from 'node:fs/promises';
import { entryOf, type Names } from './json-rows.js';
import type { RowSource } from './source.js';

const PACKAGE = 'hyparquet';

interface Hyparquet {
  parquetMetadata(file: ArrayBuffer): { num_rows: bigint };
  parquetReadObjects(options: { file: ArrayBuffer; rowStart?: number; rowEnd?: number }): Promise<object[]>;
}

/** Rows made to objects at once. */
const CHUNK = 2048;

export async function parquet(path: string, names: Names): Promise<RowSource> {
  const reader = await load();
  const bytes = await readFile(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const total = Number(reader.parquetMetadata(file).num_rows);
  return {
    total,
    async *rows() {
      for (let rowStart = 0; rowStart < total; rowStart += CHUNK) {
        const rowEnd = Math.min(rowStart + CHUNK, total);
        const objects = await reader.parquetReadObjects({ file, rowStart, rowEnd });
        for (const [at, object] of objects.entries())
          yield entryOf(plain(object), path, rowStart + at, names);
      }
    },
  };
}

async function load(): Promise<Hyparquet> {
  try {
    return (await import(PACKAGE)) as Hyparquet;
  } catch (cause) {
    throw new Error(`Parquet needs the package ${PACKAGE}: npm install ${PACKAGE}`, { cause });
  }
}

/** What JSON has no form for: 64-bit integers become numbers where they fit, else text; typed arrays become arrays. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Float32Array) return value;
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array);
  if (Array.isArray(value)) return typeof value[0] === 'number' ? value : value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}
