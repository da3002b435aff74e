/** Films and series in a database: put in, looked for, explained. It puts the other files of this folder together. */
import type { EmbeddingContract } from '../embed/embedder.js';
import { AnnywhereError, invalidArgument } from '../errors.js';
import { type Boost, boost, popularity, recency, trending } from '../pipeline/boost.js';
import { type DiversifyOptions, diversify } from '../pipeline/diversify.js';
import type { Filter } from '../pipeline/filter.js';
import { type Candidate, type PipelineHits, pipeline, type Stage } from '../pipeline/pipeline.js';
import { retrieve, type SearchedDb, take } from '../pipeline/stages.js';
import type { AbortSignalLike, Entry, Row } from '../types.js';
import { type Content, type ContentMetadata, contentKey } from './content.js';
import {
  ContentVectorGenerator,
  type GeneratorOptions,
  type MediaPart,
  type MediaSpace,
} from './content-vectors.js';
import type { ContentType } from './details.js';
import { explainParts } from './explain.js';
import { buildFilter, buildQueryVector, type MediaQuery } from './query.js';

/** What the service needs of a database: `VectorDb` of every entry has it. */
export interface MediaDb extends SearchedDb<ContentMetadata> {
  insertBatch(entries: Iterable<Entry<ContentMetadata>>): Promise<string[]>;
  get(id: string): Promise<Row<ContentMetadata> | null>;
  delete(id: string): Promise<boolean>;
}

export interface ServiceOptions extends GeneratorOptions {
  /** Made with `dimensions` of the space and `distanceMetric: 'dot'`. */
  db: MediaDb;
}

export interface MediaSearch extends MediaQuery {
  /** Default 20. */
  k?: number;
  /** Least similarity; 0 is a threshold like any other. Default: none. */
  threshold?: number;
  /** Factors of the score. Default: recency and popularity with 0.05 each; `[]` for none. */
  boosts?: readonly Boost<ContentMetadata>[];
  /** Default: no reordering. `true` takes the defaults of `diversify`. */
  diversity?: DiversifyOptions | boolean;
  /** A filter beside those of the query. */
  filter?: Filter;
  /** Stages between the boosts and the end. */
  stages?: readonly Stage<ContentMetadata>[];
  signal?: AbortSignalLike;
}

export interface MediaHit {
  id: string;
  /** After the boosts. */
  score: number;
  similarity: number;
  metadata: ContentMetadata;
  /** Sentences with numbers. */
  matchReasons: string[];
  reasons: Candidate<ContentMetadata>['reasons'];
}

export interface MediaHits extends Omit<PipelineHits<ContentMetadata>, 'hits'> {
  hits: MediaHit[];
  parts: MediaPart[];
  unknownGenres: number[];
  unknownMoods: string[];
}

const DEFAULT_K = 20;
const BOOST_WEIGHT = 0.05;
const TRENDING_DAYS = 90;

export class MediaVectorService {
  readonly #db: MediaDb;
  readonly #generator: ContentVectorGenerator;
  readonly #now: () => number;

  constructor({ db, ...options }: ServiceOptions) {
    if (typeof db?.search !== 'function') throw invalidArgument('db', 'must be a VectorDb');
    this.#db = db;
    this.#generator = new ContentVectorGenerator(options);
    this.#now = options.now ?? Date.now;
  }

  get space(): MediaSpace {
    return this.#generator.space;
  }

  /** Which vectors are in the database. */
  get contract(): EmbeddingContract {
    return this.#generator.embedder.contract;
  }

  /** Adds or replaces content, all of it or nothing; resolves with the ids and the genres that are unknown. */
  async add(contents: readonly Content[]): Promise<{ ids: string[]; unknownGenres: number[] }> {
    const rows = await this.#generator.generateMany(contents);
    const ids = await this.#db.insertBatch(
      rows.map(({ id, vector, metadata }) => ({ id, vector, metadata })),
    );
    return { ids, unknownGenres: [...new Set(rows.flatMap(({ unknownGenres }) => unknownGenres))] };
  }

  async get(contentType: ContentType, contentId: number): Promise<ContentMetadata | null> {
    return (await this.#db.get(contentKey(contentType, contentId)))?.metadata ?? null;
  }

  async remove(contentType: ContentType, contentId: number): Promise<boolean> {
    return this.#db.delete(contentKey(contentType, contentId));
  }

  /** The hits of `advancedSearch`. */
  async search(search: MediaSearch): Promise<MediaHit[]> {
    return (await this.advancedSearch(search)).hits;
  }

  /** Looks for content, with the times of the stages and what of the query could not be understood. */
  async advancedSearch(search: MediaSearch): Promise<MediaHits> {
    const { k, threshold, boosts, diversity, filter, stages, signal, ...query } = search;
    const text = query.text?.trim() ? await this.#textVector(query.text, signal) : undefined;
    const { vector, ...said } = buildQueryVector(this.space, query, text);
    const ranked = await this.#run(vector, query, search);
    return { ...ranked, hits: ranked.hits.map(asHit), ...said };
  }

  /** What is like a title in these parts, without the title itself. */
  async similar(
    contentType: ContentType,
    contentId: number,
    search: Omit<MediaSearch, 'text' | 'genreIds' | 'moods' | 'prefer'> & {
      parts?: readonly MediaPart[];
    } = {},
  ): Promise<MediaHit[]> {
    const id = contentKey(contentType, contentId);
    const row = await this.#db.get(id);
    if (!row) throw invalidArgument('contentId', `there is no ${id}`);
    const { parts, ...rest } = search;
    const vector = this.space.mask(row.vector, parts, rest.weights && { weights: rest.weights });
    const { k, threshold, boosts, diversity, filter, stages, signal, ...query } = rest;
    const others: Stage<ContentMetadata> = {
      name: 'others',
      run: (candidates) => candidates.filter((candidate) => candidate.id !== id),
    };
    const ranked = await this.#run(vector, query, { ...rest, stages: [others, ...(stages ?? [])] });
    return ranked.hits.map(asHit);
  }

  /** Boosts for a page of what many people see now. */
  trending(): Boost<ContentMetadata>[] {
    return [trending<ContentMetadata>({ halfLifeDays: TRENDING_DAYS, weight: 0.5, now: this.#now })];
  }

  async #textVector(text: string, signal: AbortSignalLike | undefined): Promise<Float32Array> {
    const [vector] = await this.#generator.embedder.embed([text], {
      purpose: 'query',
      ...(signal && { signal }),
    });
    if (!vector) throw new AnnywhereError('Io', 'the embedder gave no vector', { operation: 'embed' });
    return vector;
  }

  async #run(
    vector: Float32Array,
    query: MediaQuery,
    search: Omit<MediaSearch, keyof MediaQuery>,
  ): Promise<PipelineHits<ContentMetadata>> {
    const { k = DEFAULT_K, threshold, diversity, filter: more, signal } = search;
    const boosts = search.boosts ?? [
      recency<ContentMetadata>({ weight: BOOST_WEIGHT, now: this.#now }),
      popularity<ContentMetadata>({ weight: BOOST_WEIGHT }),
    ];
    const asked = [buildFilter(query), more].filter((condition) => condition !== undefined);
    const filter = asked.length < 2 ? asked[0] : { $and: asked };
    return pipeline<ContentMetadata>([
      retrieve(this.#db, { vector, filter, threshold }),
      ...(boosts.length > 0 ? [boost(...boosts)] : []),
      ...(search.stages ?? []),
      ...(diversity ? [diversify<ContentMetadata>(diversity === true ? {} : diversity)] : []),
      take(k),
      explainParts(this.#db, this.space, vector, query),
    ]).run(signal && { signal });
  }
}

function asHit({ id, score, similarity, metadata, reasons }: Candidate<ContentMetadata>): MediaHit {
  return { id, score, similarity, metadata, matchReasons: reasons.map(({ text }) => text), reasons };
}
