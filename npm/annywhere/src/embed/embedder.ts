/** What turns texts into vectors, and the contract that says which vectors may be compared with each other. */
import { AnnywhereError } from '../errors.js';
import type { AbortSignalLike } from '../types.js';

/** Vectors of the same contract are of one space. A database keeps it and refuses another one. */
export interface EmbeddingContract {
  readonly model: string;
  readonly version?: string;
  readonly dimensions: number;
  /** Vectors have length 1. */
  readonly normalized: boolean;
  /** Text put before every document, as some models want it. */
  readonly prefix?: string;
}

export interface EmbedOptions {
  /** Models may treat the two differently. Default `document`. */
  readonly purpose?: 'document' | 'query';
  /** Gives up: rejects with `Aborted`. */
  readonly signal?: AbortSignalLike;
}

export interface Embedder {
  readonly contract: EmbeddingContract;
  /** One vector per text, in their order. The vectors are the caller's own. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
}

const FIELDS = ['model', 'version', 'dimensions', 'normalized', 'prefix'] as const;

/** Refuses to mix embedders: throws `Mismatch` with the first field that differs. */
export function agreeOnContract(expected: EmbeddingContract, received: EmbeddingContract): void {
  for (const field of FIELDS) {
    if (expected[field] === received[field]) continue;
    const [was, is] = [expected[field], received[field]].map((value) => String(value ?? 'none'));
    throw new AnnywhereError('Mismatch', `embedding.${field} is ${is}; these vectors were made with ${was}`, {
      option: `embedding.${field}`,
      expected: was as string,
      received: is as string,
    });
  }
}

/** Brings a vector to length 1 in place; zeros stay zeros. */
export function normalize(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  if (sum > 0) {
    const scale = 1 / Math.sqrt(sum);
    for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) * scale;
  }
  return vector;
}
