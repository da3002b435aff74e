/** Puts the rows of a source into a database, in batches, and can go on where an earlier run ended. */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DbOptions, Entry } from '../types.js';
import { type CommandOption, decimal, integer, oneOf, type Values } from './command.js';
import { create, type Opened, openExisting } from './open.js';
import type { Output } from './output.js';
import type { RowSource } from './readers/source.js';

const DEFAULT_BATCH = 1000;
const MOST_BATCH = 1_000_000;
/** How much work a run that is broken off may lose. */
const SAVE_EVERY_MS = 30_000;

export const INDEX_OPTIONS: Readonly<Record<string, CommandOption>> = {
  metric: {
    type: 'string',
    value: 'name',
    says: 'cosine (default), euclidean, dot or manhattan, for a new file',
  },
  index: { type: 'string', value: 'name', says: 'auto (default), scan or hnsw, for a new file' },
  recall: {
    type: 'string',
    value: 'part',
    says: 'part of the true neighbours a scan aims to find, for a new file',
  },
  batch: { type: 'string', value: 'rows', says: `rows per batch; default ${DEFAULT_BATCH}` },
  limit: { type: 'string', value: 'rows', says: 'stop after so many rows' },
};

export interface Filled {
  readonly rows: number;
  /** Rows that an earlier run had stored. */
  readonly skipped: number;
  readonly dimensions: number;
  readonly seconds: number;
}

interface Fill {
  readonly source: RowSource;
  /** The file that the source reads. */
  readonly input: string;
  readonly target: string;
  readonly values: Values;
  readonly output: Output;
  /** Whether to go on where an earlier run ended. */
  readonly resume: boolean;
}

export async function fill({ source, input, target, values, output, resume }: Fill): Promise<Filled> {
  const begin = performance.now();
  const size = integer(values, 'batch', 1, MOST_BATCH) ?? DEFAULT_BATCH;
  const limit = integer(values, 'limit', 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY;
  const mark = new Mark(target, input);
  const skipped = resume ? mark.read() : 0;
  const total = source.total === undefined ? undefined : Math.min(source.total, limit);
  let opened: Opened | undefined;
  let dimensions = 0;
  let rows = skipped;
  let saved = Date.now();
  let batch: Entry[] = [];
  const store = async () => {
    const [first] = batch;
    if (!first) return;
    if (!opened) {
      dimensions = first.vector.length;
      opened = existsSync(target)
        ? await openExisting(target, 'write')
        : create(target, optionsFor(values, dimensions));
    }
    try {
      await opened.db.insertBatch(latest(batch));
    } catch (error) {
      throw new Error(`${input}, in the rows from ${rows + 1} on: ${(error as Error).message}`, {
        cause: error,
      });
    }
    rows += batch.length;
    batch = [];
    output.progress('rows', rows, total);
    if (Date.now() - saved > SAVE_EVERY_MS) {
      await opened.keep();
      mark.write(rows);
      saved = Date.now();
    }
  };
  let at = 0;
  for await (const entry of source.rows()) {
    if (at >= limit) break;
    if (at++ < skipped) continue;
    batch.push(entry);
    if (batch.length === size) await store();
  }
  await store();
  if (!opened && at === 0) throw new Error(`${input} holds no rows`);
  await opened?.keep();
  await opened?.close();
  mark.remove();
  return { rows: rows - skipped, skipped, dimensions, seconds: (performance.now() - begin) / 1000 };
}

/** Of rows with one id the last, as if they had come one by one. */
function latest(entries: readonly Entry[]): Entry[] {
  return [...new Map(entries.map((entry) => [entry.id, entry])).values()];
}

function optionsFor(values: Values, dimensions: number): DbOptions {
  const distanceMetric = oneOf(values, 'metric', ['cosine', 'euclidean', 'dot', 'manhattan']);
  const index = oneOf(values, 'index', ['auto', 'scan', 'hnsw']);
  const targetRecall = decimal(values, 'recall');
  return {
    dimensions,
    ...(distanceMetric && { distanceMetric }),
    ...(index && { index }),
    ...(targetRecall !== undefined && { targetRecall }),
  };
}

/** How many rows of a file are stored, beside the database until all are. */
class Mark {
  readonly #path: string;
  readonly #of: { input: string; size: number; modified: number };

  constructor(target: string, input: string) {
    const { size, mtimeMs } = statSync(input);
    this.#path = `${target}.import`;
    this.#of = { input: resolve(input), size, modified: mtimeMs };
  }

  /** 0 if there is no mark, or if it is of another file. */
  read(): number {
    if (!existsSync(this.#path)) return 0;
    const { rows, ...of } = JSON.parse(readFileSync(this.#path, 'utf8')) as { rows: number };
    return JSON.stringify(of) === JSON.stringify(this.#of) ? rows : 0;
  }

  write(rows: number): void {
    writeFileSync(this.#path, JSON.stringify({ ...this.#of, rows }));
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }
}
