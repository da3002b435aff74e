/**
 * Batches that go in step by step: rows that arrive over time, progress after each step, an end at the caller's wish.
 * Without `batchSize` there is one step, so that a batch is inserted whole or not at all.
 */
import { checkSignal, refuseAborted } from './abort.js';
import { type Batch, copyBatch, copyEntries, sliceBatch } from './batch.js';
import { AnnywhereError, describe, invalidArgument } from './errors.js';
import { own, refuseUnknown } from './options.js';
import type { AbortSignalLike, Columns, Entry, InsertOptions, InsertProgress } from './types.js';

const MOST_ROWS = 2 ** 31 - 2;
const NAMES = ['batchSize', 'signal', 'onProgress', 'transfer'];

/** What a database lends for it. `To` is what stores the rows: an engine, or a worker that has one. */
export interface InsertTarget<To> {
  readonly dimensions: number;
  /** Runs `body` in its place among the calls. */
  write<T>(body: (to: To) => Promise<T>): Promise<T>;
  /** Stores one step, all of it or nothing, and gives the ids. */
  store(to: To, batch: Batch): Promise<string[]>;
}

interface Steps {
  readonly batchSize: number | undefined;
  readonly signal: AbortSignalLike | undefined;
  readonly onProgress: ((progress: InsertProgress) => void) | undefined;
  readonly transfer: boolean;
}

export async function insertInSteps<To>(
  target: InsertTarget<To>,
  given: Iterable<Entry<object>> | AsyncIterable<Entry<object>> | Columns<object>,
  options: InsertOptions,
): Promise<string[]> {
  const steps = checkSteps(options);
  refuseAborted(steps.signal);
  if (typeof given === 'object' && given !== null && Symbol.asyncIterator in given) {
    return insertStream(target, given, steps);
  }
  const whole = copyBatch(given, target.dimensions, steps.transfer);
  const total = whole.ids.length;
  const size = steps.batchSize ?? Math.max(total, 1);
  return target.write(async (to) => {
    const ids: string[] = [];
    // A batch of no rows is a step too: it opens the database.
    for (let from = 0; from < total; from += size) {
      const step = size < total ? sliceBatch(whole, from, from + size, target.dimensions) : whole;
      await storeStep(steps, ids, () => target.store(to, step), total);
      if (from + size < total) await nextTask();
    }
    return ids;
  });
}

/** Every step takes its place among the calls once its rows have arrived, so that others go on meanwhile. */
async function insertStream<To>(
  target: InsertTarget<To>,
  entries: AsyncIterable<Entry<object>>,
  steps: Steps,
): Promise<string[]> {
  const ids: string[] = [];
  let waiting: Entry<object>[] = [];
  const step = async () => {
    const batch = copyEntries(waiting, target.dimensions, ids.length);
    waiting = [];
    await storeStep(steps, ids, () => target.write((to) => target.store(to, batch)));
  };
  for await (const entry of entries) {
    refuseAborted(steps.signal);
    waiting.push(entry);
    if (waiting.length === steps.batchSize) await step();
  }
  if (waiting.length > 0 || ids.length === 0) await step();
  return ids;
}

async function storeStep(
  { signal, onProgress }: Steps,
  ids: string[],
  store: () => Promise<string[]>,
  total?: number,
): Promise<void> {
  try {
    refuseAborted(signal);
    for (const id of await store()) ids.push(id);
  } catch (error) {
    throw ids.length > 0 && error instanceof AnnywhereError ? afterRows(error, ids.length) : error;
  }
  onProgress?.(total === undefined ? { rows: ids.length } : { rows: ids.length, total });
}

/** The error of a later step: earlier ones are stored. */
function afterRows(error: AnnywhereError, inserted: number): AnnywhereError {
  const { row } = error.details;
  const details = { ...error.details, inserted, ...(typeof row === 'number' && { row: row + inserted }) };
  const message = `after ${inserted} rows that are stored: ${error.message}`;
  return new AnnywhereError(error.code, message, details, { cause: error.cause });
}

function checkSteps(options: InsertOptions): Steps {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidArgument('options', `must be an object, not ${describe(options)}`);
  }
  refuseUnknown(options, NAMES, invalidArgument);
  const batchSize: unknown = own(options, 'batchSize');
  const onProgress: unknown = own(options, 'onProgress');
  const transfer: unknown = own(options, 'transfer');
  const isSize = typeof batchSize === 'number' && Number.isInteger(batchSize);
  if (batchSize !== undefined && !(isSize && batchSize >= 1 && batchSize <= MOST_ROWS)) {
    const shown = typeof batchSize === 'number' ? batchSize : describe(batchSize);
    throw invalidArgument('batchSize', `must be an integer from 1 to ${MOST_ROWS}, not ${shown}`);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidArgument('onProgress', `must be a function, not ${describe(onProgress)}`);
  }
  if (transfer !== undefined && typeof transfer !== 'boolean') {
    throw invalidArgument('transfer', `must be true or false, not ${describe(transfer)}`);
  }
  return {
    batchSize: batchSize as number | undefined,
    signal: checkSignal(own(options, 'signal')),
    onProgress: onProgress as Steps['onProgress'],
    transfer: transfer ?? false,
  };
}

/** Lets timers, input and rendering have their turn. */
function nextTask(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}
