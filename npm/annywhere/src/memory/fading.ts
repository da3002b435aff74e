/** What memories are worth: similarity^power × importance × 0.5^(age / half-life of the type), computed by the search. */
import type { Hit, Weigh } from '../types.js';
import { type MemoryMetadata, memoryOf, type RecalledMemory } from './memory.js';

const DAY_MS = 86_400_000;

export interface Fading {
  now: number;
  power: number;
  /** Days after which a memory of a type is worth half; `Infinity` for never. */
  halfLives: Readonly<Record<string, number>>;
  /** For other types. */
  halfLife: number;
}

export function weighBy({ now, power, halfLives, halfLife }: Fading): Weigh<MemoryMetadata> {
  const days = Object.entries(halfLives).map(([type, days]) => [type, days * DAY_MS]);
  return {
    power,
    weight: 'importance',
    fade: { time: 'createdAt', halfLife: halfLife * DAY_MS, by: 'type', halfLives: Object.fromEntries(days) },
    expires: 'expiresAt',
    now,
  };
}

/** A hit as a memory, with what its score was made of. */
export function recalled(
  { metadata, score }: Hit<MemoryMetadata>,
  similarity: number,
  { now, halfLives, halfLife }: Fading,
  isFading = true,
): RecalledMemory {
  const { importance, type, createdAt } = metadata;
  const ageDays = Math.max(0, now - createdAt) / DAY_MS;
  const own = Object.hasOwn(halfLives, type) ? (halfLives[type] as number) : halfLife;
  const recency = isFading ? 0.5 ** (ageDays / own) : 1;
  return { ...memoryOf(metadata), score, similarity, reasons: { similarity, importance, recency, ageDays } };
}
