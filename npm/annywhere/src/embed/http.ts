/**
 * Embeddings over HTTP, by the protocol of OpenAI's `/v1/embeddings`, which many servers speak.
 *
 * Texts go in as few requests as the limits of count and tokens allow. A request that fails for now (429, 5xx, no
 * connection) is sent again after a pause that doubles, or as long as the server's `Retry-After` says.
 */
import { checkSignal, refuseAborted, untilAborted } from '../abort.js';
import { AnnywhereError, describe, invalidArgument, invalidOption, ioError } from '../errors.js';
import { refuseUnknown } from '../options.js';
import type { AbortSignalLike } from '../types.js';
import { type Embedder, type EmbeddingContract, type EmbedOptions, normalize } from './embedder.js';

/** What is used of `fetch`. Described by shape, so that these types need no DOM library; `signal` is an `AbortSignal`. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body: string; signal: never },
) => Promise<{
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}>;

export interface HttpEmbedderOptions {
  /** Of the embeddings endpoint. Default OpenAI's. */
  url?: string;
  /** Sent as a bearer token; never part of an error. */
  apiKey?: string;
  model: string;
  version?: string;
  /** Length of the vectors. */
  dimensions: number;
  /** Asks the server for that length; older models refuse to be asked. Default `true`. */
  sendDimensions?: boolean;
  /** Put before every document. */
  prefix?: string;
  /** Put before every query. */
  queryPrefix?: string;
  /** Texts per request. Default 2048. */
  maxTexts?: number;
  /** Tokens per request, all texts together. Default 300,000. */
  maxTokens?: number;
  /** Default: a quarter of the UTF-8 bytes, rounded up. */
  countTokens?: (text: string) => number;
  /** Further tries of a request that fails for now. Default 5. */
  retries?: number;
  /** The first pause. Default 500 ms. */
  retryMs?: number;
  /** The longest pause. Default 30 s. */
  maxRetryMs?: number;
  /** For one try. Default 60 s. */
  timeoutMs?: number;
  headers?: Readonly<Record<string, string>>;
  fetch?: Fetch;
}

const OPTIONS = [
  ...[
    'url',
    'apiKey',
    'model',
    'version',
    'dimensions',
    'sendDimensions',
    'prefix',
    'queryPrefix',
    'maxTexts',
  ],
  ...['maxTokens', 'countTokens', 'retries', 'retryMs', 'maxRetryMs', 'timeoutMs', 'headers', 'fetch'],
] as const;
const OPENAI = 'https://api.openai.com/v1/embeddings';
const BYTES_PER_TOKEN = 4;
/** Of what a server says, in a message. */
const LONGEST_REASON = 200;
/** Pauses differ by up to a quarter, so that clients that failed together do not come back together. */
const JITTER = 0.25;

export function httpEmbedder(options: HttpEmbedderOptions): Embedder {
  return new HttpEmbedder(options);
}

/** A failure that may be over at the next try. */
class ForNow extends Error {
  readonly afterMs: number | undefined;

  constructor(message: string, afterMs?: number, cause?: unknown) {
    super(message, { cause });
    this.afterMs = afterMs;
  }
}

class HttpEmbedder implements Embedder {
  readonly contract: EmbeddingContract;
  readonly #options: HttpEmbedderOptions;
  readonly #limits: { texts: number; tokens: number; retries: number; retryMs: number; maxRetryMs: number };

  constructor(options: HttpEmbedderOptions) {
    if (typeof options !== 'object' || options === null) {
      throw invalidOption('options', `must be { model, dimensions, .. }, not ${describe(options)}`);
    }
    refuseUnknown(options, OPTIONS, invalidOption);
    const { model, version, prefix } = options;
    if (typeof model !== 'string' || model === '') throw invalidOption('model', 'must be a name');
    const dimensions = whole('dimensions', options.dimensions, 1);
    this.#options = options;
    this.#limits = {
      texts: whole('maxTexts', options.maxTexts ?? 2048, 1),
      tokens: whole('maxTokens', options.maxTokens ?? 300_000, 1),
      retries: whole('retries', options.retries ?? 5, 0),
      retryMs: whole('retryMs', options.retryMs ?? 500, 0),
      maxRetryMs: whole('maxRetryMs', options.maxRetryMs ?? 30_000, 0),
    };
    this.contract = {
      model,
      ...(version !== undefined && { version }),
      dimensions,
      normalized: true,
      ...(prefix !== undefined && { prefix }),
    };
  }

  async embed(texts: readonly string[], { purpose, signal }: EmbedOptions = {}): Promise<Float32Array[]> {
    checkSignal(signal);
    checkTexts(texts);
    const prefix = (purpose === 'query' ? this.#options.queryPrefix : this.#options.prefix) ?? '';
    const vectors: Float32Array[] = [];
    for (const chunk of this.#chunks(texts.map((text) => prefix + text))) {
      vectors.push(...(await this.#tryOften(chunk, signal)));
    }
    return vectors;
  }

  *#chunks(texts: readonly string[]): Generator<string[]> {
    const count = this.#options.countTokens ?? estimateTokens;
    let chunk: string[] = [];
    let tokens = 0;
    for (const text of texts) {
      const more = count(text);
      const full = chunk.length === this.#limits.texts || tokens + more > this.#limits.tokens;
      if (full && chunk.length > 0) {
        yield chunk;
        chunk = [];
        tokens = 0;
      }
      chunk.push(text);
      tokens += more;
    }
    if (chunk.length > 0) yield chunk;
  }

  async #tryOften(texts: readonly string[], signal: AbortSignalLike | undefined): Promise<Float32Array[]> {
    for (let tries = 0; ; tries++) {
      refuseAborted(signal);
      try {
        return await this.#request(texts, signal);
      } catch (error) {
        if (!(error instanceof ForNow)) throw error;
        if (tries === this.#limits.retries) {
          throw ioError('embed', new Error(`${error.message}, after ${tries + 1} tries`, { cause: error }));
        }
        await pause(this.#pauseMs(tries, error.afterMs), signal);
      }
    }
  }

  #pauseMs(tries: number, asked: number | undefined): number {
    const { retryMs, maxRetryMs } = this.#limits;
    const doubled = retryMs * 2 ** tries * (1 + JITTER * Math.random());
    return Math.min(maxRetryMs, Math.max(asked ?? 0, doubled));
  }

  async #request(texts: readonly string[], signal: AbortSignalLike | undefined): Promise<Float32Array[]> {
    const { url = OPENAI, apiKey, model, sendDimensions = true, headers, timeoutMs = 60_000 } = this.#options;
    const { dimensions } = this.contract;
    const body = { model, input: texts, encoding_format: 'float', ...(sendDimensions && { dimensions }) };
    let response: Awaited<ReturnType<Fetch>>;
    let text: string;
    const ended = new AbortController();
    const end = () => ended.abort();
    const late = setTimeout(() => ended.abort(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    signal?.addEventListener('abort', end);
    try {
      response = await (this.#options.fetch ?? fetch)(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
          ...headers,
        },
        body: JSON.stringify(body),
        signal: ended.signal as never,
      });
      text = await response.text();
    } catch (error) {
      refuseAborted(signal);
      throw new ForNow(error instanceof Error ? error.message : String(error), undefined, error);
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', end);
    }
    if (!response.ok) {
      const reason = `status ${response.status}: ${text.slice(0, LONGEST_REASON)}`;
      if (response.status === 429 || response.status >= 500) {
        throw new ForNow(reason, retryAfterMs(response.headers.get('retry-after')));
      }
      throw ioError('embed', new Error(reason));
    }
    return readVectors(text, texts.length, dimensions);
  }
}

/** Vectors in the order of the texts, whatever the order of the answer; each of length 1. */
function readVectors(text: string, count: number, dimensions: number): Float32Array[] {
  const fail = (reason: string) => ioError('embed', new Error(`the server's answer ${reason}`));
  let data: unknown;
  try {
    data = (JSON.parse(text) as { data?: unknown }).data;
  } catch {
    throw fail('is not JSON');
  }
  if (!Array.isArray(data)) throw fail('has no data');
  if (data.length !== count) throw fail(`has ${data.length} vectors for ${count} texts`);
  const vectors = new Array<Float32Array | undefined>(count);
  for (const [at, item] of (data as { index?: number; embedding?: unknown }[]).entries()) {
    const index = item?.index ?? at;
    const numbers = item?.embedding;
    if (!Number.isInteger(index) || index < 0 || index >= count || vectors[index] !== undefined) {
      throw fail(`has the index ${String(index)} twice or out of range`);
    }
    if (!Array.isArray(numbers)) throw fail(`has no numbers at index ${index}`);
    if (numbers.length !== dimensions) {
      const details = { expected: dimensions, received: numbers.length };
      const sentence = `the server gives ${numbers.length} dimensions; expected ${dimensions}`;
      throw new AnnywhereError('WrongDimension', sentence, details);
    }
    if (!numbers.every((value) => Number.isFinite(value))) throw fail(`is not finite at index ${index}`);
    vectors[index] = normalize(Float32Array.from(numbers as number[]));
  }
  return vectors as Float32Array[];
}

/** `Retry-After` as seconds or as a date. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function estimateTokens(text: string): number {
  return Math.ceil(new TextEncoder().encode(text).length / BYTES_PER_TOKEN);
}

/** Rejects with `Aborted` when the caller gives up. */
async function pause(ms: number, signal: AbortSignalLike | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await untilAborted(signal, over);
  } finally {
    clearTimeout(timer);
  }
}

/** Refuses what is no list of texts. */
export function checkTexts(texts: readonly string[]): void {
  if (!Array.isArray(texts)) {
    throw invalidArgument('texts', `must be an array of strings, not ${describe(texts)}`);
  }
  const at = texts.findIndex((text) => typeof text !== 'string');
  if (at >= 0) throw invalidArgument(`texts[${at}]`, `must be a string, not ${describe(texts[at])}`);
}

function whole(option: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw invalidOption(option, `must be an integer of at least ${least}, not ${String(value)}`);
}
