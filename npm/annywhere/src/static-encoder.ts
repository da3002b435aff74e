/**
 * Text to vectors without a neural network: a table of word pieces, read once, then microseconds per text. The
 * entries (`embed.node.ts`, `embed.browser.ts`, ..) bind this to their engine and say how a table is fetched.
 */
import type { EngineEncoder } from './engine.js';
import { coreError, describe, engineFailed, invalidArgument, invalidOption, ioError } from './errors.js';
import { refuseUnknown } from './options.js';
import type { LoadedEngine, Runtime } from './runtime.js';

export interface EncoderOptions {
  /** Use the first columns of the table only: a multiple of 64, at most what the table has. */
  dimensions?: number;
}

/** Where a table comes from; URLs and responses are described by shape, as in `EngineSource`. */
export type TableSource =
  | string
  | { readonly href: string }
  | { readonly status: number; arrayBuffer(): Promise<ArrayBuffer> }
  | ArrayBuffer
  | Uint8Array;

/** Fetches what a string or a URL names. */
export type TableReader = (place: string) => Promise<Uint8Array>;

/** A loaded table. */
export class EngineBoundEncoder {
  /** Length of the vectors. */
  readonly dimensions: number;
  readonly #loaded: LoadedEngine;
  readonly #encoder: EngineEncoder;

  constructor(loaded: LoadedEngine, table: Uint8Array, dimensions: number | undefined) {
    this.#loaded = loaded;
    this.#encoder = this.#guard(() => new loaded.module.Encoder(table, dimensions));
    this.dimensions = this.#guard(() => this.#encoder.dimensions());
  }

  /** The text's unit vector; zeros when no word of it is known, see `pieces`. */
  encode(text: string): Float32Array {
    checkText(text, 'text');
    return this.#guard(() => this.#encoder.encode(text));
  }

  /** The vectors of many texts, row after row: `texts.length × dimensions` numbers. */
  encodeMany(texts: readonly string[]): Float32Array {
    if (!Array.isArray(texts))
      throw invalidArgument('texts', `must be an array of strings, not ${describe(texts)}`);
    const vectors = new Float32Array(texts.length * this.dimensions);
    for (const [row, text] of texts.entries()) {
      checkText(text, `texts[${row}]`);
      vectors.set(
        this.#guard(() => this.#encoder.encode(text)),
        row * this.dimensions,
      );
    }
    return vectors;
  }

  /** How many pieces of the text the table knows; 0 means that the text has no vector. */
  pieces(text: string): number {
    checkText(text, 'text');
    return this.#guard(() => this.#encoder.pieces(text));
  }

  #guard<T>(body: () => T): T {
    if (this.#loaded.failure) throw this.#loaded.failure;
    try {
      return body();
    } catch (thrown) {
      const known = coreError(thrown);
      if (known) throw known;
      const failure = engineFailed(thrown);
      if (this.#loaded.implementation === 'wasm') this.#loaded.failure ??= failure;
      throw failure;
    }
  }
}

/** What `StaticEncoder.load` of every entry does before it constructs. */
export async function openTable(
  runtime: Runtime,
  read: TableReader,
  source: TableSource,
  options: EncoderOptions,
): Promise<[LoadedEngine, Uint8Array, number | undefined]> {
  refuseUnknown(options, ['dimensions'], invalidOption);
  const { dimensions } = options;
  if (dimensions !== undefined && !(Number.isInteger(dimensions) && dimensions > 0)) {
    throw invalidOption('dimensions', `must be a positive integer, not ${String(dimensions)}`);
  }
  const table = await tableBytes(source, read);
  return [await runtime.engine(), table, dimensions];
}

/** Over the network, as in browsers and on the edge. */
export async function fetchTable(place: string): Promise<Uint8Array> {
  try {
    return await responseBytes(await fetch(place), place);
  } catch (error) {
    throw ioError('load', error);
  }
}

async function tableBytes(source: TableSource, read: TableReader): Promise<Uint8Array> {
  if (typeof source === 'string') return read(source);
  if (source instanceof Uint8Array) return source;
  if (Object.prototype.toString.call(source) === '[object ArrayBuffer]')
    return new Uint8Array(source as ArrayBuffer);
  if (typeof source === 'object' && source !== null) {
    if ('href' in source) return read(source.href);
    if ('arrayBuffer' in source) {
      return responseBytes(source as Response, (source as Response).url).catch((error: unknown) => {
        throw ioError('load', error);
      });
    }
  }
  throw invalidArgument('source', `must be a URL, a Response or bytes, not ${describe(source)}`);
}

async function responseBytes(response: Response, place: string): Promise<Uint8Array> {
  if (!response.ok) throw new Error(`${place} answered with status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function checkText(text: unknown, argument: string): void {
  if (typeof text !== 'string') throw invalidArgument(argument, `must be a string, not ${describe(text)}`);
}
