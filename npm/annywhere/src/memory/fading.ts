/**
 * Memories ranked by what they are worth now: similarity^power × importance × 0.5^(age / half-life of the type).
 *
 * No factor is more than 1, so a memory that the index did not give is worth at most its similarity^power: the stage
 * tells when the ranking is certain, and the pipeline asks for more candidates until it is.
 */
import { byScore } from '../pipeline/boost.js';
import type { Candidate, Stage } from '../pipeline/pipeline.js';
import type { MemoryMetadata } from './memory.js';

const DAY_MS = 86_400_000;
export interface Fading {
  now: number;
  power: number;
  /** Days after which a memory of this type is worth half; `Infinity` for never. */
  halfLifeDays: (type: string) => number;
  /** How many of the most similar memories are ranked at least. */
  candidates: number;
}

/** 1 when it was made, 0.5 after one half-life; 1 for times to come. */
export function fadingOf(metadata: MemoryMetadata, { now, halfLifeDays }: Fading): number {
  const days = Math.max(0, now - metadata.createdAt) / DAY_MS;
  return 0.5 ** (days / halfLifeDays(metadata.type));
}

export function fade(fading: Fading): Stage<MemoryMetadata> {
  const { now, power } = fading;
  return {
    name: 'fade',
    prepare(request) {
      request.candidates = Math.max(request.candidates, fading.candidates);
    },
    reach: (similarity) => worth(similarity, power),
    run(candidates) {
      // Those beyond their time are gone, whether they have been swept away or not.
      const alive = candidates.filter(
        ({ metadata: { expiresAt } }) => expiresAt === undefined || expiresAt > now,
      );
      for (const candidate of alive) {
        const { importance } = candidate.metadata;
        candidate.score =
          worth(candidate.similarity, power) * importance * fadingOf(candidate.metadata, fading);
      }
      return alive.sort(byScore);
    },
  };
}

/** What a recalled memory's score was made of. */
export function reasonsOf({ similarity, metadata }: Candidate<MemoryMetadata>, fading: Fading) {
  const ageDays = Math.max(0, fading.now - metadata.createdAt) / DAY_MS;
  return { similarity, importance: metadata.importance, recency: fadingOf(metadata, fading), ageDays };
}

function worth(similarity: number, power: number): number {
  return Math.max(0, similarity) ** power;
}
