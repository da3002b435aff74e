/** What agents remember, and a queue of writes. */
export { AnnywhereError } from '../errors.js';
export {
  AgentMemory,
  type AgentMemoryOptions,
  HALF_LIFE_DAYS,
  type MemoryDb,
  type MemoryEvent,
  type MemoryWatch,
  type Recall,
} from './agent-memory.js';
export { LiveQueue, type LiveQueueOptions, type QueueStore } from './live-queue.js';
export type { Memory, MemoryMetadata, NewMemory, RecalledMemory, Share } from './memory.js';
