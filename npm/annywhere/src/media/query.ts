/**
 * What somebody looks for, as a vector and a filter. Wishes ("funny", "around 1990") go into the vector and rank; what
 * must hold ("from 1980 to 1990", "rated 7 or more") goes into the filter and never into the vector: a range is no
 * point.
 */
import { describe, invalidArgument } from '../errors.js';
import { refuseUnknown } from '../options.js';
import { allOf, type Filter } from '../pipeline/filter.js';
import type { Vector } from '../types.js';
import type { MediaPart, MediaSpace } from './content-vectors.js';
import { type ContentType, detailParts, detailSpace } from './details.js';
import { encodeGenres } from './genres.js';
import { encodeMood, queryMood } from './moods.js';

export interface Range {
  from?: number;
  to?: number;
}

export interface MediaQuery {
  /** What it is about. */
  text?: string;
  /** Preferred genres, by TMDB's ids. */
  genreIds?: readonly number[];
  /** Moods, such as `funny` or `calm`. */
  moods?: readonly string[];
  /** Preferred year, runtime in minutes and rating: near ones first. */
  prefer?: { year?: number; runtime?: number; rating?: number };
  /** Other weights of the parts for this query. */
  weights?: Partial<Record<MediaPart, number>>;

  contentType?: ContentType;
  /** Of at least one of these genres. */
  requireGenreIds?: readonly number[];
  /** Both ends included. */
  yearRange?: Range;
  ratingMin?: number;
  voteCountMin?: number;
  /** Minutes, both ends included. */
  runtime?: Range;
  /** On at least one of these platforms. */
  platforms?: readonly string[];
  languages?: readonly string[];
  /** What becomes of content that lacks a field that is asked for. Default `exclude`. */
  missing?: 'exclude' | 'include';
}

const NAMES = [
  ...['text', 'genreIds', 'moods', 'prefer', 'weights', 'contentType', 'requireGenreIds', 'yearRange'],
  ...['ratingMin', 'voteCountMin', 'runtime', 'platforms', 'languages', 'missing'],
] as const;

export interface QueryVector {
  vector: Float32Array;
  /** Parts that the query says something about. */
  parts: MediaPart[];
  unknownGenres: number[];
  unknownMoods: string[];
}

/**
 * The vector of a query; `text` is the vector of its text, by the embedder of the content.
 * Throws `InvalidArgument` if it says nothing that can rank.
 */
export function buildQueryVector(space: MediaSpace, query: MediaQuery, text?: Vector): QueryVector {
  refuseUnknown(query, NAMES, invalidArgument);
  const genres = encodeGenres(query.genreIds ?? [], space.parts.genre.dimensions);
  const { mood, unknown: unknownMoods } = queryMood(query.moods ?? []);
  const given: { [K in MediaPart]?: Vector | undefined } = {
    plot: text,
    genre: genres.vector,
    mood: encodeMood(mood, space.parts.mood.dimensions),
    metadata: preferences(space, query),
  };
  const parts = (Object.keys(given) as MediaPart[]).filter((name) =>
    given[name]?.some((value) => value !== 0),
  );
  if (parts.length === 0) {
    throw invalidArgument('query', 'needs a text, a known genre, a known mood or a preference to rank by');
  }
  const present = Object.fromEntries(parts.map((name) => [name, given[name]]));
  const weights = query.weights && { weights: query.weights };
  const vector = space.query(present, { ...weights, scaled: ['metadata'] });
  return { vector, parts, unknownGenres: genres.unknown, unknownMoods };
}

function preferences(space: MediaSpace, { prefer = {} }: MediaQuery): Float32Array | undefined {
  refuseUnknown(prefer, ['year', 'runtime', 'rating'], (name, reason) =>
    invalidArgument(`prefer.${name}`, reason),
  );
  const inner = detailSpace(space.parts.metadata.dimensions);
  const parts = detailParts(prefer, inner);
  return Object.keys(parts).length === 0 ? undefined : inner.query(parts);
}

/** What must hold, as a filter of the database; `undefined` if everything may be found. */
export function buildFilter(query: MediaQuery): Filter | undefined {
  const { contentType, requireGenreIds, yearRange, ratingMin, voteCountMin, runtime } = query;
  const { platforms, languages, missing = 'exclude' } = query;
  if (missing !== 'exclude' && missing !== 'include') {
    throw invalidArgument('missing', `must be 'exclude' or 'include', not ${describe(missing)}`);
  }
  const conditions: [string, Filter | undefined][] = [
    ['contentType', contentType && { $eq: contentType }],
    ['genreIds', requireGenreIds && { $in: [...requireGenreIds] }],
    ['releaseYear', between('yearRange', yearRange)],
    ['voteAverage', between('ratingMin', ratingMin === undefined ? undefined : { from: ratingMin })],
    ['voteCount', between('voteCountMin', voteCountMin === undefined ? undefined : { from: voteCountMin })],
    ['runtime', between('runtime', runtime)],
    ['platforms', platforms && { $in: [...platforms] }],
    ['originalLanguage', languages && { $in: [...languages] }],
  ];
  const given = conditions.flatMap(([field, condition]) => {
    if (condition === undefined || Object.keys(condition).length === 0) return [];
    const asked: Filter = { [field]: condition };
    return [missing === 'include' ? { $or: [asked, { [field]: { $exists: false } }] } : asked];
  });
  return allOf(...given);
}

function between(argument: string, range: Range | undefined): Filter | undefined {
  if (range === undefined) return undefined;
  refuseUnknown(range, ['from', 'to'], (name, reason) => invalidArgument(`${argument}.${name}`, reason));
  const { from, to } = range;
  for (const end of [from, to]) {
    if (end !== undefined && !Number.isFinite(end)) {
      throw invalidArgument(argument, `must have finite ends, not ${String(end)}`);
    }
  }
  if (from !== undefined && to !== undefined && from > to) {
    throw invalidArgument(argument, `begins at ${from}, after its end at ${to}`);
  }
  return { ...(from !== undefined && { $gte: from }), ...(to !== undefined && { $lte: to }) };
}
