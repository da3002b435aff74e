/**
 * Genres as TMDB numbers them. Films and series have lists of their own, which share some ids; the combined genres of
 * series ("Sci-Fi & Fantasy") are related to those of films, so that a search for one finds the other.
 */
import { invalidArgument } from '../errors.js';

/** TMDB's genres of films. */
export const MOVIE_GENRES: ReadonlyMap<number, string> = new Map([
  [28, 'Action'],
  [12, 'Adventure'],
  [16, 'Animation'],
  [35, 'Comedy'],
  [80, 'Crime'],
  [99, 'Documentary'],
  [18, 'Drama'],
  [10751, 'Family'],
  [14, 'Fantasy'],
  [36, 'History'],
  [27, 'Horror'],
  [10402, 'Music'],
  [9648, 'Mystery'],
  [10749, 'Romance'],
  [878, 'Science Fiction'],
  [10770, 'TV Movie'],
  [53, 'Thriller'],
  [10752, 'War'],
  [37, 'Western'],
]);

/** TMDB's genres of series. */
export const TV_GENRES: ReadonlyMap<number, string> = new Map([
  [10759, 'Action & Adventure'],
  [16, 'Animation'],
  [35, 'Comedy'],
  [80, 'Crime'],
  [99, 'Documentary'],
  [18, 'Drama'],
  [10751, 'Family'],
  [10762, 'Kids'],
  [9648, 'Mystery'],
  [10763, 'News'],
  [10764, 'Reality'],
  [10765, 'Sci-Fi & Fantasy'],
  [10766, 'Soap'],
  [10767, 'Talk'],
  [10768, 'War & Politics'],
  [37, 'Western'],
]);

/** The films' genres that a genre of series stands for. */
const RELATED: ReadonlyMap<number, readonly number[]> = new Map([
  [10759, [28, 12]],
  [10765, [878, 14]],
  [10768, [10752]],
  [10762, [10751]],
]);
/** How much a related genre counts beside the genre itself. */
const RELATED_SHARE = 0.7;

/** Every genre once; its place is its dimension. */
const PLACES: ReadonlyMap<number, number> = new Map(
  [...new Set([...MOVIE_GENRES.keys(), ...TV_GENRES.keys()])].map((id, place) => [id, place]),
);

/** Dimensions that a part for genres needs at least. */
export const GENRE_DIMENSIONS = PLACES.size;

/** A genre's name, or `undefined` for an id that TMDB does not know. */
export function genreName(id: number): string | undefined {
  return MOVIE_GENRES.get(id) ?? TV_GENRES.get(id);
}

/** One number per genre; zeros for no known genre. Ids that TMDB does not know are in `unknown`. */
export function encodeGenres(
  ids: readonly number[],
  dimensions = 64,
): { vector: Float32Array; unknown: number[] } {
  if (!(Number.isInteger(dimensions) && dimensions >= GENRE_DIMENSIONS)) {
    throw invalidArgument('dimensions', `must be an integer of at least ${GENRE_DIMENSIONS}`);
  }
  const vector = new Float32Array(dimensions);
  const unknown: number[] = [];
  for (const id of new Set(ids)) {
    const place = PLACES.get(id);
    if (place === undefined) {
      unknown.push(id);
      continue;
    }
    vector[place] = 1;
    for (const related of RELATED.get(id) ?? []) {
      const at = PLACES.get(related) as number;
      vector[at] = Math.max(vector[at] as number, RELATED_SHARE);
    }
  }
  return { vector, unknown };
}
