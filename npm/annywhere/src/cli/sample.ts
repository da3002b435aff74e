/** Vectors to try searches with: those of a file, else of rows of the database. */
import type { VectorDb } from '../node.js';
import type { Vector } from '../types.js';
import { type CommandOption, integer, text, type Values } from './command.js';
import { openSource } from './readers/open-source.js';

const DEFAULT_SAMPLES = 200;
const MOST_SAMPLES = 1_000_000;

export const SAMPLE_OPTIONS: Readonly<Record<string, CommandOption>> = {
  queries: {
    type: 'string',
    value: 'file',
    says: 'vectors to search for, in any format that import reads; default: rows of the database',
  },
  samples: { type: 'string', value: 'number', says: `how many of them; default ${DEFAULT_SAMPLES}` },
};

export async function sampleQueries(db: VectorDb, values: Values): Promise<Vector[]> {
  const most = integer(values, 'samples', 1, MOST_SAMPLES) ?? DEFAULT_SAMPLES;
  const path = text(values, 'queries');
  const rows = path === undefined ? db.entries() : await rowsOf(path);
  const queries: Vector[] = [];
  for await (const { vector } of rows) {
    if (queries.push(vector) === most) break;
  }
  const { dimensions } = db.getStats();
  const other = queries.find((vector) => vector.length !== dimensions);
  if (other) throw new Error(`${path} has vectors of ${other.length} dimensions, the database ${dimensions}`);
  if (queries.length === 0) throw new Error(`${path ?? 'the database'} holds no vectors`);
  return queries;
}

async function rowsOf(path: string): Promise<AsyncIterable<{ vector: Vector }>> {
  return (await openSource(path, undefined, { id: undefined, vector: undefined })).rows();
}

/** The value below which `part` of the sorted values lie. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}
