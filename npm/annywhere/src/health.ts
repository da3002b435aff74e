/**
 * How a database does, in numbers and sentences. Nothing stored is read again: that is `verify()`. What is searched for are
 * rows of the database itself, because their neighbours can be found by comparing.
 */
import { type AnnywhereError, describe, invalidArgument } from './errors.js';
import type { GuardedEngine } from './guarded-engine.js';
import type { Keeper } from './keeper.js';
import { refuseUnknown } from './options.js';
import type { Health, HealthOptions, HealthProblem, RecallReport, Stats, StoreHealth } from './types.js';

/** With 32 rows and 10 neighbours each, a recall of 0.9 is told from one of 0.99. */
const DEFAULT_SAMPLES = 32;
const MAX_SAMPLES = 10_000;
/** A graph has no recall that it aims at; below this its parameters or its data are worth a look. */
const LEAST_RECALL_OF_GRAPHS = 0.9;
/** Places of removed rows are used again before this, except after removals without inserts. */
const MOST_DELETED = 0.5;

/** How many rows are to be searched for, if that was said. */
export function checkHealth(options: HealthOptions): number | undefined {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidArgument('options', `must be an object, not ${describe(options)}`);
  }
  refuseUnknown(options, ['samples'], invalidArgument);
  const { samples } = options;
  if (samples === undefined) return undefined;
  if (Number.isInteger(samples) && samples >= 0 && samples <= MAX_SAMPLES) return samples;
  const given = typeof samples === 'number' ? samples : describe(samples);
  throw invalidArgument('samples', `must be an integer from 0 to ${MAX_SAMPLES}, not ${given}`);
}

/** Looks at a database that is open. */
export async function examine(
  engine: GuardedEngine,
  stats: Stats,
  keeper: Keeper | undefined,
  asked: number | undefined,
): Promise<Health> {
  // Comparing with all rows would fetch all of a file at a URL.
  const samples = asked ?? (engine.isRanged ? 0 : DEFAULT_SAMPLES);
  const recall = samples > 0 && stats.count > 0 ? await recallOf(engine, samples) : undefined;
  const store = keeper && (await storeHealth(keeper));
  const problems = [...problemsOf(stats, recall, store)];
  const failed = keeper?.state?.failed;
  if (failed) problems.push({ code: 'Poisoned', message: `nothing is written any more: ${failed}` });
  return {
    status: problems.length > 0 ? 'degraded' : 'healthy',
    problems,
    stats,
    ...(recall && { recall }),
    ...(store && { store }),
  };
}

/** A database that cannot be opened, or whose engine is dead. */
export function failed({ code, message }: AnnywhereError): Health {
  return { status: 'failed', problems: [{ code, message }] };
}

async function recallOf(engine: GuardedEngine, samples: number): Promise<RecallReport> {
  const report = await engine.measureRecall(samples, JSON.stringify({ k: 10 }));
  return JSON.parse(report) as RecallReport;
}

async function storeHealth(keeper: Keeper): Promise<StoreHealth> {
  const { state } = keeper;
  const room = await keeper.room();
  return { journalBytes: state?.journalBytes ?? 0, isFlushed: state?.isFlushed ?? false, ...room };
}

function* problemsOf(
  { indexType, targetRecall, tombstoneRatio, deleted, diskUsage }: Stats,
  recall: RecallReport | undefined,
  store: StoreHealth | undefined,
): Generator<HealthProblem> {
  const aim = indexType === 'scan' ? (targetRecall as number) : LEAST_RECALL_OF_GRAPHS;
  // Only what chance does not explain.
  if (recall && recall.high < aim) {
    const message = `searches find ${percent(recall.recall)} of the neighbours of ${recall.samples} rows, not ${percent(aim)}`;
    yield { code: 'LowRecall', message };
  }
  if (tombstoneRatio > MOST_DELETED) {
    const message = `${deleted} removed rows take ${percent(tombstoneRatio)} of the places; compact() gives them back`;
    yield { code: 'ManyDeleted', message };
  }
  // A segment is written beside the one that it replaces.
  if (store?.freeBytes !== undefined && diskUsage !== undefined && store.freeBytes < diskUsage) {
    const message = `${store.freeBytes} bytes are free, and the next segment takes about ${diskUsage}`;
    yield { code: 'LittleRoom', message };
  }
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
