/** Content to the rows of a database: the vector of its parts and the metadata that is stored with it. */
import type { Embedder, EmbedOptions } from '../embed/embedder.js';
import { AnnywhereError, describe, invalidArgument } from '../errors.js';
import { refuseUnknown } from '../options.js';
import { type Content, type ContentMetadata, contentKey, knownContent, yearOf } from './content.js';
import { detailParts, detailSpace } from './details.js';
import { encodeGenres, genreName } from './genres.js';
import { contentMood, encodeMood } from './moods.js';
import { defineSpace, type Space } from './space.js';

export type MediaPart = 'plot' | 'genre' | 'mood' | 'metadata';
export type MediaSpace = Space<MediaPart>;

/** A row, and what could not be encoded. */
export interface ContentRow {
  id: string;
  vector: Float32Array;
  metadata: ContentMetadata;
  /** Genre ids that TMDB does not know; they are kept in the metadata and add nothing to the vector. */
  unknownGenres: number[];
}

export interface GeneratorOptions {
  embedder: Embedder;
  /** Default: `mediaSpace` with the embedder's dimensions. */
  space?: MediaSpace;
  /** Milliseconds, for `createdAt` and `updatedAt`. Default `Date.now`. */
  now?: () => number;
}

const GENRE_DIMENSIONS = 64;
const MOOD_DIMENSIONS = 64;
const METADATA_DIMENSIONS = 128;
/** What the parts count: chosen by hand, before `benches/media.mjs` was first run. */
const WEIGHTS: Readonly<Record<MediaPart, number>> = { plot: 0.7, genre: 0.15, mood: 0.1, metadata: 0.05 };

/** The space of films and series: 768 dimensions with a plot of 512. */
export function mediaSpace(plot = 512, weights: Partial<Record<MediaPart, number>> = {}): MediaSpace {
  return defineSpace({
    plot: { dimensions: plot, weight: weights.plot ?? WEIGHTS.plot },
    genre: { dimensions: GENRE_DIMENSIONS, weight: weights.genre ?? WEIGHTS.genre },
    mood: { dimensions: MOOD_DIMENSIONS, weight: weights.mood ?? WEIGHTS.mood },
    metadata: { dimensions: METADATA_DIMENSIONS, weight: weights.metadata ?? WEIGHTS.metadata },
  });
}

/** Makes rows of content. The same content gives the same vector. */
export class ContentVectorGenerator {
  readonly embedder: Embedder;
  readonly space: MediaSpace;
  readonly #now: () => number;

  constructor(options: GeneratorOptions) {
    refuseUnknown(options, ['embedder', 'space', 'now'], invalidArgument);
    const { embedder, space = mediaSpace(embedder?.contract?.dimensions), now = Date.now } = options;
    if (typeof embedder?.embed !== 'function') {
      throw invalidArgument('embedder', `must be an Embedder, not ${describe(embedder)}`);
    }
    const [expected, received] = [space.parts.plot.dimensions, embedder.contract.dimensions];
    if (expected !== received) {
      const sentence = `the embedder gives ${received} dimensions; the part plot of the space has ${expected}`;
      throw new AnnywhereError('WrongDimension', sentence, { expected, received });
    }
    this.embedder = embedder;
    this.space = space;
    this.#now = now;
  }

  async generate(content: Content, options: EmbedOptions = {}): Promise<ContentRow> {
    const [row] = await this.generateMany([content], options);
    return row as ContentRow;
  }

  /** Rows in the order of the contents; the texts are embedded together. */
  async generateMany(given: readonly Content[], options: EmbedOptions = {}): Promise<ContentRow[]> {
    const contents = given.map(knownContent);
    const ids = contents.map((content) => contentKey(content.contentType, content.contentId));
    const texts = contents.map(plotText);
    const plots = await this.embedder.embed(texts, { ...options, purpose: 'document' });
    const time = new Date(this.#now()).toISOString();
    return contents.map((content, at) =>
      this.#row(content, ids[at] as string, plots[at] as Float32Array, time),
    );
  }

  #row(content: Content, id: string, plot: Float32Array, time: string): ContentRow {
    const { space, embedder } = this;
    const { genreIds = [], overview, releaseDate } = content;
    const genres = encodeGenres(genreIds, space.parts.genre.dimensions);
    const mood = contentMood(genreIds, overview);
    const vector = space.compose({
      plot,
      genre: genres.vector,
      mood: encodeMood(mood, space.parts.mood.dimensions),
      metadata: this.#details(content),
    });
    const releaseYear = yearOf(releaseDate);
    const { model, version } = embedder.contract;
    const metadata: ContentMetadata = {
      ...content,
      genreNames: genreIds.flatMap((genre) => genreName(genre) ?? []),
      ...(releaseYear !== undefined && { releaseYear }),
      mood,
      embeddingModel: model,
      ...(version !== undefined && { embeddingVersion: version }),
      createdAt: time,
      updatedAt: time,
    };
    return { id, vector, metadata, unknownGenres: genres.unknown };
  }

  #details(content: Content): Float32Array | undefined {
    const { voteAverage, voteCount, popularity, runtime, contentType, releaseDate } = content;
    const inner = detailSpace(this.space.parts.metadata.dimensions);
    const known = { year: yearOf(releaseDate), rating: voteAverage, votes: voteCount };
    const parts = detailParts({ ...known, popularity, runtime, contentType }, inner);
    return Object.keys(parts).length === 0 ? undefined : inner.compose(parts);
  }
}

/** What is embedded of content. */
export function plotText(content: Pick<Content, 'title' | 'overview'>): string {
  if (typeof content.title !== 'string' || content.title === '') {
    throw invalidArgument('title', `must be a non-empty string, not ${describe(content.title)}`);
  }
  return content.overview ? `${content.title}: ${content.overview}` : content.title;
}
