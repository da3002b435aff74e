/** What every entry exports beside its own functions. */
export { AnnywhereError, type ErrorCode, type ErrorDetails } from './errors.js';
export type {
  Columns,
  DbOptions,
  DistanceMetric,
  EngineSource,
  Entry,
  Hit,
  HnswConfig,
  ImplementationType,
  IndexOptions,
  IndexType,
  ManyQuery,
  Metadata,
  Progress,
  Quantization,
  Row,
  RuntimeInfo,
  SearchQuery,
  Stats,
  Vector,
} from './types.js';
export { version } from './version.js';
