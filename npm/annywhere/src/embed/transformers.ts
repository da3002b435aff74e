/**
 * Sentence models by transformers.js, in Node and in browsers. The library is not loaded from here: whoever uses it
 * makes a pipeline with it, so that bundlers and this package need not know it.
 */
import { refuseAborted } from '../abort.js';
import { AnnywhereError, describe, invalidOption } from '../errors.js';
import { refuseUnknown } from '../options.js';
import { type Embedder, type EmbeddingContract, type EmbedOptions, normalize } from './embedder.js';
import { checkTexts } from './http.js';

/** What is used of `pipeline('feature-extraction', ..)` of `@huggingface/transformers`. */
export type Extractor = (
  texts: string[],
  options: { pooling: 'mean' | 'cls'; normalize: boolean },
) => Promise<{ readonly data: ArrayLike<number>; readonly dims: readonly number[]; dispose?(): void }>;

export interface TransformersOptions {
  extractor: Extractor | Promise<Extractor>;
  /** The model's name, for the contract. */
  model: string;
  version?: string;
  dimensions: number;
  /** Default `mean`. */
  pooling?: 'mean' | 'cls';
  prefix?: string;
  queryPrefix?: string;
  /** Texts at a time. Default 16. */
  batchSize?: number;
}

const OPTIONS = [
  ...['extractor', 'model', 'version', 'dimensions', 'pooling', 'prefix', 'queryPrefix', 'batchSize'],
] as const;
const BATCH = 16;

export function transformersEmbedder(options: TransformersOptions): Embedder {
  refuseUnknown(options, OPTIONS as readonly string[], invalidOption);
  const { extractor, model, version, dimensions, pooling = 'mean', prefix, queryPrefix } = options;
  const { batchSize = BATCH } = options;
  if (typeof extractor !== 'function' && typeof (extractor as PromiseLike<unknown>)?.then !== 'function') {
    throw invalidOption('extractor', `must be a feature-extraction pipeline, not ${describe(extractor)}`);
  }
  if (!(Number.isInteger(dimensions) && dimensions > 0)) {
    throw invalidOption('dimensions', `must be a positive integer, not ${String(dimensions)}`);
  }
  if (!(Number.isInteger(batchSize) && batchSize > 0)) {
    throw invalidOption('batchSize', `must be a positive integer, not ${String(batchSize)}`);
  }
  const contract: EmbeddingContract = {
    model,
    ...(version !== undefined && { version }),
    dimensions,
    normalized: true,
    ...(prefix !== undefined && { prefix }),
  };
  return {
    contract,
    async embed(texts: readonly string[], { purpose, signal }: EmbedOptions = {}) {
      checkTexts(texts);
      const before = (purpose === 'query' ? queryPrefix : prefix) ?? '';
      const extract = await extractor;
      const vectors: Float32Array[] = [];
      for (let first = 0; first < texts.length; first += batchSize) {
        refuseAborted(signal);
        const batch = texts.slice(first, first + batchSize).map((text) => before + text);
        const output = await extract(batch, { pooling, normalize: true });
        const received = output.dims[output.dims.length - 1] as number;
        if (received !== dimensions) {
          const sentence = `the model gives ${received} dimensions; expected ${dimensions}`;
          throw new AnnywhereError('WrongDimension', sentence, { expected: dimensions, received });
        }
        const numbers = Float32Array.from(output.data);
        output.dispose?.();
        for (let at = 0; at < batch.length; at++) {
          vectors.push(normalize(numbers.slice(at * dimensions, (at + 1) * dimensions)));
        }
      }
      return vectors;
    },
  };
}
