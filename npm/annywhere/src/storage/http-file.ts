/**
 * A file at a URL of which parts are asked for. Whether that can be is found out by the first request: it asks for the
 * beginning, and a server without ranges answers with the whole file. A server is believed only where its headers and its
 * bytes agree; that the bytes are right is for the checksums of the file.
 */
import { AnnywhereError, ioError } from '../errors.js';

/** What is known of a file after the first requests. It can be sent to a worker. */
export interface FileStart {
  readonly url: string;
  readonly length: number;
  /** A strong ETag, if the server tells one. */
  readonly tag: string | undefined;
  /** Its beginning and its end, or all of it. */
  readonly parts: readonly FilePart[];
}

export interface FilePart {
  readonly at: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Most of the first request: header, state and the first ids. */
const HEAD_BYTES = 64 * 1024;
/** The directory of a file of half a gigabyte. */
const TAIL_BYTES = 64 * 1024;
/** A part that has not arrived by then will not; parts have a few megabytes at most. */
const PATIENCE_MS = 60_000;

/** Asks for the beginning and the end of a file, or for all of it where there are no ranges. */
export async function beginFile(url: string): Promise<FileStart> {
  return translated(async () => {
    const begun = (await again(() => beginning(url))) ?? (await whole(url, await fetch(url)));
    const [{ bytes: head }] = begun.parts as [FilePart];
    if (head.length === begun.length) return begun;
    const from = Math.max(head.length, begun.length - TAIL_BYTES);
    const tail = await fetchPart(begun, from, begun.length);
    return { ...begun, parts: tail.at === 0 ? [tail] : [...begun.parts, tail] };
  });
}

/** Nothing if what the server says of the range cannot be relied on. */
async function beginning(url: string): Promise<FileStart | undefined> {
  const response = await ask(url, 0, HEAD_BYTES);
  // Of an empty file there is no beginning.
  if (response.status !== 206 && response.status !== 416) return whole(url, response);
  const range = rangeOf(response);
  const to = Math.min(HEAD_BYTES, range?.length ?? 0);
  if (response.status === 206 && range?.from === 0 && range.to === to) {
    try {
      const parts = [{ at: 0, bytes: await bodyOf(response, to) }];
      return { url, length: range.length, tag: tagOf(response), parts };
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
    }
  } else {
    await response.body?.cancel().catch(() => {});
  }
  return undefined;
}

async function whole(url: string, response: Response): Promise<FileStart> {
  if (!response.ok) {
    await response.body?.cancel().catch(() => {});
    throw new Answer(`${url} answered with status ${response.status}`);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { url, length: bytes.length, tag: tagOf(response), parts: [{ at: 0, bytes }] };
}

/** The bytes of a range of the file as it was when it was begun, or the whole file if the server has ranges no more. */
export async function fetchPart(file: FileStart, from: number, to: number): Promise<FilePart> {
  return translated(() => again(() => part(file, from, to)));
}

/** An answer of a server with which nothing can be begun. */
class Answer extends Error {}

/** A connection that broke is tried once more; an answer is one. */
async function again<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof Answer || error instanceof AnnywhereError || isTimeout(error)) throw error;
    return body();
  }
}

async function part(file: FileStart, from: number, to: number): Promise<FilePart> {
  const response = await ask(file.url, from, to, AbortSignal.timeout(PATIENCE_MS));
  const { status } = response;
  const range = status === 206 ? rangeOf(response) : undefined;
  try {
    if (status === 416) throw changed(file, 'it does not reach as far');
    if (status !== 206 && status !== 200) throw new Answer(`${file.url} answered with status ${status}`);
    if (tagOf(response) !== file.tag) throw changed(file, `it has the tag ${tagOf(response)}`);
    if (range && range.length !== file.length) throw changed(file, `it has ${range.length} bytes`);
    if (status === 206 && (range?.from !== from || range.to !== to)) {
      throw new Answer(`${file.url} answered with other bytes than those from ${from} to ${to}`);
    }
  } catch (error) {
    await response.body?.cancel().catch(() => {});
    throw error;
  }
  if (status === 206) return { at: from, bytes: await bodyOf(response, to - from) };
  const whole = new Uint8Array(await response.arrayBuffer());
  if (whole.length !== file.length) throw changed(file, `it has ${whole.length} bytes`);
  return { at: 0, bytes: whole };
}

/**
 * One range. Beside `Range` there is no header that a server of another origin would have to be asked about first, such as
 * `If-Range`; that the file is the same is seen from the answer.
 */
function ask(url: string, from: number, to: number, signal?: AbortSignal): Promise<Response> {
  return fetch(url, { headers: { range: `bytes=${from}-${to - 1}` }, ...(signal && { signal }) });
}

/** What a part says of itself. Servers of other origins have to expose the header. */
function rangeOf({ headers }: Response): { from: number; to: number; length: number } | undefined {
  const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get('content-range')?.trim() ?? '');
  if (!found) return undefined;
  const [from, last, length] = found.slice(1).map(Number) as [number, number, number];
  return { from, to: last + 1, length };
}

function tagOf({ headers }: Response): string | undefined {
  const tag = headers.get('etag');
  return tag?.startsWith('"') ? tag : undefined;
}

/** So many bytes of a body, and not one more. */
async function bodyOf(response: Response, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.length > length) {
      await reader.cancel().catch(() => {});
      throw new Answer(`${response.url} sent more than the ${length} bytes that it said`);
    }
    bytes.set(value, at);
    at += value.length;
  }
  if (at < length) throw new Answer(`${response.url} sent ${at} of ${length} bytes`);
  return bytes;
}

function changed({ url }: FileStart, now: string): AnnywhereError {
  const reason = `${url} is another file than when it was opened: ${now}`;
  return new AnnywhereError('Changed', `${reason}; open it anew`, { reason });
}

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError';

async function translated<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw error instanceof AnnywhereError ? error : ioError('open', error);
  }
}
