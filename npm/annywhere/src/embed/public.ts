/** What every `annywhere/embed` entry exports beside its `StaticEncoder`. */
export {
  type CachedEmbedder,
  type CacheOptions,
  type CacheStats,
  cachedEmbedder,
  type EmbeddingStore,
} from './cache.js';
export {
  agreeOnContract,
  type Embedder,
  type EmbeddingContract,
  type EmbedOptions,
  normalize,
} from './embedder.js';
export { type Fetch, type HttpEmbedderOptions, httpEmbedder } from './http.js';
export { indexedDbStore } from './indexed-db.js';
export {
  type Encoder,
  pairedEmbedder,
  projectedEmbedder,
  type StaticOptions,
  staticEmbedder,
} from './static.js';
export { type Extractor, type TransformersOptions, transformersEmbedder } from './transformers.js';
