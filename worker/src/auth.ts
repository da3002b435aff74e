/** API keys. Only their hashes are known here, so that settings and memory hold nothing that opens the door. */
import { Problem } from './problem';

const BEARER = /^Bearer +([^\s]+) *$/i;

/** Passes if `Authorization: Bearer <key>` holds a key with one of these SHA-256 hashes; otherwise a 401. */
export async function authorize(request: Request, keyHashes: readonly Uint8Array[]): Promise<void> {
  const key = request.headers.get('authorization')?.match(BEARER)?.[1];
  if (key === undefined) {
    throw unauthorized('A key is needed: send Authorization: Bearer <key>.', '');
  }
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)));
  // Every known key is compared, each in constant time: how long it takes says nothing about any of them.
  const matches = keyHashes.map((known) => crypto.subtle.timingSafeEqual(known, hash));
  if (!matches.includes(true)) throw unauthorized('The key is not valid.', ', error="invalid_token"');
}

function unauthorized(detail: string, challenge: string): Problem {
  const headers = { 'www-authenticate': `Bearer realm="annywhere"${challenge}` };
  return new Problem(401, 'Unauthorized', detail, { headers });
}
