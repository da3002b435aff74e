/** What a database holds and costs, as users get it, of what the engine and the store say. */
import { embeddingOf } from './embedding.js';
import type { EngineStats } from './engine.js';
import type { GuardedEngine } from './guarded-engine.js';
import type { Keeper } from './keeper.js';
import type { Stats } from './types.js';

export function statsOf(engine: GuardedEngine, keeper: Keeper | undefined): Stats {
  const stats = JSON.parse(engine.stats()) as EngineStats;
  const { count, deleted, dimensions, distanceMetric, index, quantization, memory, textFields } = stats;
  const { m, efConstruction, efSearch, targetRecall, originals, precision = 'f32' } = stats;
  const { total: memoryUsage, ...parts } = memory;
  const embedding = embeddingOf(stats.embedding);
  const state = keeper?.state;
  return {
    count,
    deleted,
    tombstoneRatio: deleted === 0 ? 0 : deleted / (count + deleted),
    dimensions,
    distanceMetric,
    indexType: index,
    quantization,
    precision,
    ...(textFields.length > 0 && { text: { fields: textFields } }),
    ...(index === 'hnsw' ? { hnswConfig: { m, efConstruction, efSearch } } : { targetRecall }),
    ...(embedding && { embedding }),
    memoryUsage,
    memory: parts,
    ...(keeper && { storage: keeper.kind }),
    ...(state && { diskUsage: state.segmentBytes + state.journalBytes, generation: state.generation }),
    originals,
    implementation: engine.implementation,
    simd: engine.simd,
  };
}
