/** What every entry exports beside its own functions. */

export type { EmbeddingContract } from './embed/embedder.js';
export { AnnywhereError, type ErrorCode, type ErrorDetails } from './errors.js';
export type { Filter, Operators } from './filter-types.js';
export type {
  AbortSignalLike,
  Change,
  Columns,
  DbOptions,
  DistanceMetric,
  Durability,
  EngineSource,
  Entry,
  Explanation,
  FilterLimits,
  Hit,
  HnswConfig,
  ImplementationType,
  Include,
  IndexOptions,
  IndexType,
  InsertOptions,
  InsertProgress,
  ListOptions,
  ManyQuery,
  Metadata,
  Progress,
  Quantization,
  RecallOptions,
  RecallReport,
  Row,
  RuntimeInfo,
  SearchQuery,
  Stats,
  Subscription,
  Vector,
  WatchEvent,
} from './types.js';
export { version } from './version.js';
