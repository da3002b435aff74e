/** The JSON of a request, with the media type checked and the bytes counted while they arrive. */
import { Problem } from './problem';

// A query of 100 numbers a line in full decimals is some 3 KiB, a page of text 4 KiB.
export const MAX_BODY_BYTES = 64 * 1024;

const JSON_TYPE = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i;

export async function readJson(request: Request): Promise<unknown> {
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (!JSON_TYPE.test(request.headers.get('content-type') ?? '') || encoding !== 'identity') {
    throw new Problem(
      415,
      'UnsupportedMediaType',
      'The body must be application/json in UTF-8, not compressed.',
    );
  }
  const bytes = await readBytes(request.body);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Problem(400, 'InvalidJson', 'The body is not JSON.');
  }
}

/** A stated length may be wrong or missing, so only what arrives counts. */
async function readBytes(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const whole = new Uint8Array(MAX_BODY_BYTES);
  let length = 0;
  const reader = body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) return whole.subarray(0, length);
    if (length + part.value.length > MAX_BODY_BYTES) {
      await reader?.cancel();
      throw new Problem(413, 'TooLarge', `The body is larger than ${MAX_BODY_BYTES} bytes.`, {
        details: { limit: MAX_BODY_BYTES },
      });
    }
    whole.set(part.value, length);
    length += part.value.length;
  }
}
