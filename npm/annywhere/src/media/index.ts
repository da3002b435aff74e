/** Films and series: vectors made of parts, and searches made of stages. */
export { AnnywhereError } from '../errors.js';
export {
  type Boost,
  boost,
  type PopularityOptions,
  popularity,
  type RecencyOptions,
  recency,
  type TrendingOptions,
  trending,
} from '../pipeline/boost.js';
export { type DiversifyOptions, diversify, jaccard } from '../pipeline/diversify.js';
export { allOf } from '../pipeline/filter.js';
export {
  type Candidate,
  type PipelineHits,
  type PipelineOptions,
  pipeline,
  type Reason,
  type Request,
  type Run,
  type Stage,
  type StageTime,
} from '../pipeline/pipeline.js';
export { filter, type RetrieveOptions, retrieve, type SearchedDb, take, where } from '../pipeline/stages.js';
export { type Content, type ContentMetadata, contentKey, parseContentKey } from './content.js';
export {
  type ContentRow,
  ContentVectorGenerator,
  type GeneratorOptions,
  type MediaPart,
  type MediaSpace,
  mediaSpace,
  plotText,
} from './content-vectors.js';
export { type ContentType, type Details, detailParts, detailSpace, encodeNumber } from './details.js';
export { encodeGenres, genreName, MOVIE_GENRES, TV_GENRES } from './genres.js';
export {
  contentMood,
  encodeMood,
  MOOD_AXES,
  type Mood,
  type MoodAxis,
  moodRange,
  queryMood,
} from './moods.js';
export { buildFilter, buildQueryVector, type MediaQuery, type QueryVector, type Range } from './query.js';
export {
  type MediaDb,
  type MediaHit,
  type MediaHits,
  type MediaSearch,
  MediaVectorService,
  type ServiceOptions,
} from './service.js';
export { defineSpace, type Part, type PartOptions, type Parts, type QueryOptions, Space } from './space.js';
