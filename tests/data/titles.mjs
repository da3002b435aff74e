// Films and series for tests and the demo, written for this project: `year|genres|minutes|title|synopsis` per line.
//
// Genres are TMDB's ids; the ids of the titles are not TMDB's but line numbers. Ratings, votes and release dates of
// films come from vega-datasets where it has them, which states no licence for them: they are joined when a test
// runs and never stored here. The others are made up by a fixed rule and marked `synthetic: true`.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export const queries = JSON.parse(readFileSync(new URL('queries.json', import.meta.url), 'utf8'));

/** All titles as content for `annywhere/media`, in a fixed order. */
export function titles() {
  const known = knownFilms();
  return [...read('films.txt', 'movie', known), ...read('series.txt', 'tv', new Map())];
}

function read(file, contentType, known) {
  const lines = readFileSync(new URL(file, import.meta.url), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line, index) => {
    const [year, genres, runtime, title, overview] = line.split('|');
    const film = known.get(`${fold(title)} ${year}`);
    return {
      contentId: index + 1,
      contentType,
      title,
      overview,
      genreIds: genres.split(',').map(Number),
      releaseDate: film?.releaseDate ?? `${year}-07-01`,
      runtime: Number(runtime),
      ...(film ? film.opinions : madeUp(title)),
    };
  });
}

/** The package exports its code only: the data lies beside it. */
function fromVega(path) {
  const code = createRequire(import.meta.url).resolve('vega-datasets');
  return `${code.slice(0, code.lastIndexOf('vega-datasets'))}vega-datasets/${path}`;
}

/** Films of vega-datasets that have votes, by title and year. */
function knownFilms() {
  const films = JSON.parse(readFileSync(fromVega('data/movies.json'), 'utf8'));
  const known = new Map();
  for (const film of films) {
    const date = new Date(`${film['Release Date']} UTC`);
    if (Number.isNaN(date.getTime()) || !film['IMDB Votes']) continue;
    const year = date.getUTCFullYear();
    const opinions = { voteAverage: film['IMDB Rating'], voteCount: film['IMDB Votes'], synthetic: false };
    known.set(`${fold(String(film.Title))} ${year}`, {
      releaseDate: date.toISOString().slice(0, 10),
      opinions: { ...opinions, popularity: Math.sqrt(film['IMDB Votes']) },
    });
  }
  return known;
}

/** Plausible figures that depend on the title alone. */
function madeUp(title) {
  let hash = 2166136261;
  for (const char of title) hash = Math.imul(hash ^ char.codePointAt(0), 16777619) >>> 0;
  const voteCount = 2000 + (hash % 200_000);
  return {
    voteAverage: 6.5 + ((hash >>> 8) % 26) / 10,
    voteCount,
    popularity: Math.sqrt(voteCount),
    synthetic: true,
  };
}

const fold = (title) =>
  title
    .normalize('NFD')
    .replace(/[^a-z0-9]/gi, '')
    .toLowerCase();
