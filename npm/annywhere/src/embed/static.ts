/** The built-in static encoder as an embedder, and as the quick half of a pair with its teacher. */
import { AnnywhereError, invalidArgument, invalidOption } from '../errors.js';
import type { Embedder, EmbeddingContract } from './embedder.js';
import { normalize } from './embedder.js';
import { checkTexts } from './http.js';

/** What is used of `StaticEncoder`. */
export interface Encoder {
  readonly dimensions: number;
  encode(text: string): Float32Array;
}

export interface StaticOptions {
  encoder: Encoder;
  /** The table's name, for the contract. Default `annywhere-encoder-en`. */
  model?: string;
  version?: string;
}

const MODEL = 'annywhere-encoder-en';

/** Microseconds per text. A text of which no word is known has the zero vector. */
export function staticEmbedder({ encoder, model = MODEL, version }: StaticOptions): Embedder {
  const { dimensions } = encoder;
  const contract = { model, ...(version !== undefined && { version }), dimensions, normalized: true };
  return {
    contract,
    async embed(texts) {
      checkTexts(texts);
      return texts.map((text) => encoder.encode(text));
    },
  };
}

/**
 * Documents by one embedder, queries by another one of the same space: good vectors made once, and queries in
 * microseconds. The contract is that of the documents.
 */
export function pairedEmbedder(documents: Embedder, queries: Embedder): Embedder {
  const [expected, received] = [documents.contract.dimensions, queries.contract.dimensions];
  if (expected !== received) {
    const sentence = `queries have ${received} dimensions, documents ${expected}`;
    throw new AnnywhereError('WrongDimension', sentence, { expected, received });
  }
  return {
    contract: documents.contract,
    embed: (texts, options) => (options?.purpose === 'query' ? queries : documents).embed(texts, options),
  };
}

const MAGIC = [0x89, 0x41, 0x4e, 0x4e, 0x45, 0x0d, 0x0a, 0x1a];
const HEADER_BYTES = 128;
const FIELD = { tokens: 12, dimensions: 16, teacher: 24, vocabulary: 28, length: 32 };
const PANEL_WIDTH = 64;

/**
 * Vectors of the table's teacher, brought into the table's space: `unit((unit(v) − m) U)`, cut to `dimensions`.
 * The full table has what that takes; a table that was cut has not. Its bytes are checked where an encoder loads them.
 */
export function projectedEmbedder(teacher: Embedder, table: Uint8Array, dimensions?: number): Embedder {
  const { mean, axes, columns } = readProjection(table);
  const kept = dimensions ?? columns;
  if (!(Number.isInteger(kept) && kept > 0 && kept <= columns)) {
    throw invalidOption('dimensions', `must be an integer from 1 to ${columns}, not ${String(kept)}`);
  }
  if (teacher.contract.dimensions !== mean.length) {
    const [expected, received] = [mean.length, teacher.contract.dimensions];
    const sentence = `the table's teacher has ${expected} dimensions, not ${received}`;
    throw new AnnywhereError('WrongDimension', sentence, { expected, received });
  }
  const contract: EmbeddingContract = {
    ...teacher.contract,
    model: `${teacher.contract.model}+${MODEL}`,
    dimensions: kept,
    normalized: true,
  };
  return {
    contract,
    async embed(texts, options) {
      const vectors = await teacher.embed(texts, options);
      return vectors.map((vector) => {
        const unit = normalize(Float32Array.from(vector));
        const projected = new Float32Array(kept);
        for (let row = 0; row < mean.length; row++) {
          const value = (unit[row] as number) - (mean[row] as number);
          for (let column = 0; column < kept; column++) {
            projected[column] =
              (projected[column] as number) + value * (axes[row * columns + column] as number);
          }
        }
        return normalize(projected);
      });
    },
  };
}

/** The mean and the axes at the end of a full table; the layout is in crates/annywhere-encoder/FORMAT.md. */
function readProjection(table: Uint8Array): { mean: Float32Array; axes: Float32Array; columns: number } {
  if (
    !(table instanceof Uint8Array) ||
    table.length < HEADER_BYTES ||
    MAGIC.some((byte, at) => table[at] !== byte)
  ) {
    throw invalidArgument('table', 'must be the bytes of an encoder table');
  }
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const [tokens, columns, teacher, vocabulary] = [
    FIELD.tokens,
    FIELD.dimensions,
    FIELD.teacher,
    FIELD.vocabulary,
  ].map((at) => view.getUint32(at, true)) as [number, number, number, number];
  const start = HEADER_BYTES + vocabulary + 4 * tokens + tokens * columns;
  const end = start + 4 * teacher * (1 + columns);
  const length = Number(view.getBigUint64(FIELD.length, true));
  if (teacher === 0 || columns % PANEL_WIDTH !== 0 || end !== length || length !== table.length) {
    throw invalidArgument(
      'table',
      `must be a full table of ${length} bytes with a projection, not ${table.length} bytes`,
    );
  }
  const floats = (at: number, count: number) =>
    Float32Array.from({ length: count }, (_, i) => view.getFloat32(at + 4 * i, true));
  return { mean: floats(start, teacher), axes: floats(start + 4 * teacher, teacher * columns), columns };
}
