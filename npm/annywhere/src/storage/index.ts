/** Storages for `new VectorDb({ storage })`, and what another one has to do. */
export { durableObjectStorage, type ObjectStorageLike } from './durable-object.js';
export type { BatchStorage, Page, StagedBatch, StoredPages } from './pages.js';
export { type BucketLike, r2Storage } from './r2.js';
