/**
 * Scores multiplied by what the metadata says: recency, popularity, trending.
 *
 * A factor is 1 + weight × value with a value from 0 to 1, so a weight of 0.2 raises a score by 20 % at most. What is
 * missing has the value 0: it is neither raised nor turned into `NaN`.
 */
import { invalidArgument } from '../errors.js';
import type { Candidate, Stage } from './pipeline.js';

/** One factor of a score. */
export interface Boost<Meta extends object> {
  readonly kind: string;
  readonly weight: number;
  /** From 0 to 1. */
  value(candidate: Candidate<Meta>): number;
}

export interface RecencyOptions {
  /** Field with an ISO date, a time in milliseconds or a `Date`. Default `releaseDate`. */
  field?: string;
  /** After this many days the value has halved. Default 180. */
  halfLifeDays?: number;
  /** The value falls to 1/e instead of 1/2 in that time. Default `halfLife`. */
  decay?: 'halfLife' | 'tau';
  weight?: number;
  /** The time it is, in milliseconds. Default `Date.now`. */
  now?: () => number;
}

export interface PopularityOptions {
  /** Default `popularity`. */
  field?: string;
  /** The number that counts as 1. Default 1000. */
  full?: number;
  weight?: number;
}

export interface TrendingOptions extends RecencyOptions {
  popularity?: PopularityOptions;
  /** Both values must reach this. Default 0.5. */
  least?: number;
}

const DAY_MS = 86_400_000;
const HALF_LIFE_DAYS = 180;
const FULL_POPULARITY = 1000;
const WEIGHT = 0.1;
const LEAST_TRENDING = 0.5;

/** Multiplies scores and sorts by them, ties by id. */
export function boost<Meta extends object>(...boosts: readonly Boost<Meta>[]): Stage<Meta> {
  return {
    name: 'boost',
    prepare(request) {
      // A first guess that often saves a second round.
      request.candidates = Math.max(request.candidates, 2 * request.wanted);
    },
    reach(score) {
      const most = boosts.reduce((product, { weight }) => product * (1 + weight), 1);
      return raised(score, most);
    },
    run(candidates) {
      for (const candidate of candidates) for (const one of boosts) apply(one, candidate);
      return candidates.sort(byScore);
    },
  };
}

/** 1 now, 0.5 after one half-life; 1 for dates to come, 0 for none. */
export function recencyValue(
  time: number | undefined,
  now: number,
  halfLifeDays: number,
  decay = 'halfLife',
) {
  if (time === undefined) return 0;
  const halves = Math.max(0, now - time) / DAY_MS / halfLifeDays;
  return decay === 'tau' ? Math.exp(-halves) : 0.5 ** halves;
}

/** Newer is higher. */
export function recency<Meta extends object>(options: RecencyOptions = {}): Boost<Meta> {
  const { field = 'releaseDate', halfLifeDays = HALF_LIFE_DAYS, decay = 'halfLife' } = options;
  const { weight = WEIGHT, now = Date.now } = options;
  positive('halfLifeDays', halfLifeDays);
  checkWeight(weight);
  return {
    kind: 'recency',
    weight,
    value: ({ metadata }) => recencyValue(timeOf(read(metadata, field)), now(), halfLifeDays, decay),
  };
}

/** More popular is higher, by factors of ten. */
export function popularity<Meta extends object>(options: PopularityOptions = {}): Boost<Meta> {
  const { field = 'popularity', full = FULL_POPULARITY, weight = WEIGHT } = options;
  positive('full', full);
  checkWeight(weight);
  return {
    kind: 'popularity',
    weight,
    value({ metadata }) {
      const value = read(metadata, field);
      if (typeof value !== 'number' || !(value > 0)) return 0;
      return Math.min(1, Math.log10(1 + value) / Math.log10(1 + full));
    },
  };
}

/** Higher only for what is recent and popular, both. */
export function trending<Meta extends object>(options: TrendingOptions = {}): Boost<Meta> {
  const { popularity: popular, least = LEAST_TRENDING, ...recent } = options;
  const [isRecent, isPopular] = [recency<Meta>(recent), popularity<Meta>(popular)];
  return {
    kind: 'trending',
    weight: isRecent.weight,
    value(candidate) {
      const both = Math.min(isRecent.value(candidate), isPopular.value(candidate));
      return both >= least ? both : 0;
    },
  };
}

/** Larger scores first, then smaller ids: the same order everywhere. */
export function byScore(a: { score: number; id: string }, b: { score: number; id: string }): number {
  return b.score - a.score || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function apply<Meta extends object>(boosted: Boost<Meta>, candidate: Candidate<Meta>): void {
  const value = boosted.value(candidate);
  if (!(value > 0)) return;
  const factor = 1 + boosted.weight * Math.min(1, value);
  candidate.score = raised(candidate.score, factor);
  const text = `${boosted.kind} ${value.toFixed(2)}: score × ${factor.toFixed(3)}`;
  candidate.reasons.push({ kind: boosted.kind, value: factor, text });
}

/** A factor raises a negative score by bringing it nearer to 0. */
function raised(score: number, factor: number): number {
  return score < 0 ? score / factor : score * factor;
}

/** A field of metadata by its dotted path. */
function read(metadata: object, path: string): unknown {
  let value: unknown = metadata;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function timeOf(value: unknown): number | undefined {
  const time =
    typeof value === 'string' ? Date.parse(value) : value instanceof Date ? value.getTime() : value;
  return typeof time === 'number' && Number.isFinite(time) ? time : undefined;
}

function positive(argument: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) {
    throw invalidArgument(argument, `must be a positive number, not ${String(value)}`);
  }
}

function checkWeight(weight: number): void {
  if (!(weight >= 0 && Number.isFinite(weight))) {
    throw invalidArgument('weight', `must be a number of at least 0, not ${String(weight)}`);
  }
}
