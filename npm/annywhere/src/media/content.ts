/** Films and series as they are given and as they are stored, and the ids of their rows. */
import { invalidArgument } from '../errors.js';
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
