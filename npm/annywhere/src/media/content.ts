/** Films and series as they are given and as they are stored, and the ids of their rows. */
import { describe, invalidArgument } from '../errors.js';
import type { ContentType } from './details.js';
import type { Mood } from './moods.js';

/** A film or a series, in TMDB's terms. What is unknown is left out. */
export interface Content {
  /** TMDB's number; films and series are numbered apart. */
  contentId: number;
  contentType: ContentType;
  title: string;
  overview?: string;
  genreIds?: readonly number[];
  /** ISO date, of the first broadcast for series. */
  releaseDate?: string;
  /** 0 to 10. */
  voteAverage?: number;
  voteCount?: number;
  popularity?: number;
  /** Minutes, of an episode for series. */
  runtime?: number;
  numberOfSeasons?: number;
  /** Where it can be seen, such as `netflix`. */
  platforms?: readonly string[];
  originalLanguage?: string;
  posterPath?: string;
  keywords?: readonly string[];
  /** The figures above are made up. */
  synthetic?: boolean;
}

/** The metadata of a row. A field that is unknown is absent: never `NaN`, `null` or an invented default. */
export interface ContentMetadata extends Content {
  genreNames: readonly string[];
  releaseYear?: number;
  mood: Mood;
  embeddingModel: string;
  embeddingVersion?: string;
  /** ISO times. */
  createdAt: string;
  updatedAt: string;
}

/** The id of a row: `movie-123` or `tv-456`. */
export function contentKey(contentType: ContentType, contentId: number): string {
  if (contentType !== 'movie' && contentType !== 'tv') {
    throw invalidArgument('contentType', `must be 'movie' or 'tv', not ${JSON.stringify(contentType)}`);
  }
  if (!(Number.isSafeInteger(contentId) && contentId >= 0)) {
    throw invalidArgument('contentId', `must be a whole number, not ${String(contentId)}`);
  }
  return `${contentType}-${contentId}`;
}

/** What a row's id says, or `undefined` for ids of other rows. */
export function parseContentKey(id: string): { contentType: ContentType; contentId: number } | undefined {
  const match = /^(movie|tv)-(\d{1,15})$/.exec(id);
  return match ? { contentType: match[1] as ContentType, contentId: Number(match[2]) } : undefined;
}

const TEXTS = ['title', 'overview', 'releaseDate', 'originalLanguage', 'posterPath'] as const;
const NUMBERS = ['voteAverage', 'voteCount', 'popularity', 'runtime', 'numberOfSeasons'] as const;
const LISTS = { genreIds: 'number', platforms: 'string', keywords: 'string' } as const;

/** Content without the fields that are `null` or `undefined`, as TMDB gives them. Throws `InvalidArgument`. */
export function knownContent(content: Content): Content {
  const known = Object.fromEntries(
    Object.entries(content).filter(([, value]) => value !== null && value !== undefined),
  );
  const refuse = (field: string, wanted: string) => {
    const given = known[field];
    const received = Array.isArray(given) ? 'an array with other values' : describe(given);
    throw invalidArgument(field, `must be ${wanted}, not ${typeof given === 'number' ? given : received}`);
  };
  for (const field of TEXTS) {
    if (field in known && typeof known[field] !== 'string') refuse(field, 'a string');
  }
  for (const field of NUMBERS) {
    if (field in known && !Number.isFinite(known[field])) refuse(field, 'a finite number');
  }
  for (const [field, type] of Object.entries(LISTS)) {
    const list = known[field];
    const isRight = Array.isArray(list) && list.every((value) => typeof value === type);
    if (field in known && !isRight) refuse(field, `an array of ${type}s`);
  }
  return known as unknown as Content;
}

/** Milliseconds of an ISO date, or `undefined` for anything else. */
export function dateOf(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^\d{4}-\d{2}-\d{2}/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** The year of an ISO date, or `undefined`. */
export function yearOf(text: unknown): number | undefined {
  const time = dateOf(text);
  return time === undefined ? undefined : new Date(time).getUTCFullYear();
}
