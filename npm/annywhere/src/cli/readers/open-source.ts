/** Which reader a file wants: what the user says, else what its name ends in. */
import { existsSync } from 'node:fs';
import { UsageError } from '../command.js';
import { npy, vecs } from './binary.js';
import { csv } from './csv.js';
import { hnswlib } from './hnswlib.js';
import { jsonDump, jsonLines, type Names } from './json-rows.js';
import { parquet } from './parquet.js';
import type { RowSource } from './source.js';

export const FORMATS = [
  'jsonl',
  'json',
  'csv',
  'tsv',
  'npy',
  'fvecs',
  'bvecs',
  'parquet',
  'hnswlib',
] as const;
export type Format = (typeof FORMATS)[number];

const ENDINGS: readonly (readonly [RegExp, Format])[] = [
  [/\.(jsonl|ndjson)(\.gz)?$/i, 'jsonl'],
  [/\.json$/i, 'json'],
  [/\.csv$/i, 'csv'],
  [/\.tsv$/i, 'tsv'],
  [/\.npy$/i, 'npy'],
  [/\.fvecs$/i, 'fvecs'],
  [/\.bvecs$/i, 'bvecs'],
  [/\.parquet$/i, 'parquet'],
  [/\.(hnsw|hnswlib|bin|dat)$/i, 'hnswlib'],
];

export async function openSource(path: string, format: Format | undefined, names: Names): Promise<RowSource> {
  if (!existsSync(path)) throw new Error(`${path} does not exist`);
  const chosen = format ?? ENDINGS.find(([ending]) => ending.test(path))?.[1];
  switch (chosen) {
    case 'jsonl':
      return jsonLines(path, names);
    case 'json':
      return jsonDump(path, names);
    case 'csv':
      return csv(path, names);
    case 'tsv':
      return csv(path, names, '\t');
    case 'npy':
      return npy(path);
    case 'fvecs':
    case 'bvecs':
      return vecs(path, chosen);
    case 'parquet':
      return parquet(path, names);
    case 'hnswlib':
      return hnswlib(path);
    default:
      throw new UsageError(
        `What ${path} holds cannot be told from its name; --format is one of ${FORMATS.join(', ')}`,
      );
  }
}
