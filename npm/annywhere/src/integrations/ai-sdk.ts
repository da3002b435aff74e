/** An embedder of an embedding model of the Vercel AI SDK, of any provider. The SDK is not loaded from here. */
import { refuseAborted, untilAborted } from '../abort.js';
import { type Embedder, type EmbeddingContract, type EmbedOptions, normalize } from '../embed/embedder.js';
import { checkTexts } from '../embed/http.js';
import { AnnywhereError, describe, invalidOption } from '../errors.js';
import { refuseUnknown } from '../options.js';

/** What is used of an embedding model, such as `openai.embedding('text-embedding-3-small')`; versions 1 to 4 have it. */
export interface AiSdkModel {
  readonly provider: string;
  readonly modelId: string;
  readonly maxEmbeddingsPerCall: number | undefined | PromiseLike<number | undefined>;
  doEmbed(options: { values: string[] }): PromiseLike<{ embeddings: readonly (readonly number[])[] }>;
}

export interface AiSdkOptions {
  model: AiSdkModel;
  dimensions: number;
  version?: string;
  prefix?: string;
  queryPrefix?: string;
}

const OPTIONS = ['model', 'dimensions', 'version', 'prefix', 'queryPrefix'];

export function aiSdkEmbedder(options: AiSdkOptions): Embedder {
  refuseUnknown(options, OPTIONS, invalidOption);
  const { model, dimensions, version, prefix, queryPrefix } = options;
  if (typeof model?.doEmbed !== 'function') {
    throw invalidOption('model', `must be an embedding model of the AI SDK, not ${describe(model)}`);
  }
  if (!(Number.isInteger(dimensions) && dimensions > 0)) {
    throw invalidOption('dimensions', `must be a positive integer, not ${String(dimensions)}`);
  }
  const contract: EmbeddingContract = {
    model: `${model.provider}/${model.modelId}`,
    ...(version !== undefined && { version }),
    dimensions,
    normalized: true,
    ...(prefix !== undefined && { prefix }),
  };
  const vectorOf = (embedding: readonly number[]): Float32Array => {
    const received = embedding.length;
    if (received === dimensions) return normalize(Float32Array.from(embedding));
    const sentence = `the model gives ${received} dimensions; expected ${dimensions}`;
    throw new AnnywhereError('WrongDimension', sentence, { expected: dimensions, received });
  };
  return {
    contract,
    async embed(texts: readonly string[], { purpose, signal }: EmbedOptions = {}) {
      checkTexts(texts);
      const before = (purpose === 'query' ? queryPrefix : prefix) ?? '';
      const most = (await model.maxEmbeddingsPerCall) ?? texts.length;
      const vectors: Float32Array[] = [];
      while (vectors.length < texts.length) {
        refuseAborted(signal);
        const values = texts.slice(vectors.length, vectors.length + most).map((text) => before + text);
        const call = Promise.resolve(model.doEmbed({ values }));
        const { embeddings } = await untilAborted(signal, call);
        if (embeddings.length !== values.length) {
          const reason = `the model gave ${embeddings.length} vectors for ${values.length} texts`;
          throw new AnnywhereError('Io', reason, { operation: 'embed', reason });
        }
        vectors.push(...embeddings.map(vectorOf));
      }
      return vectors;
    },
  };
}
