/** What the Workers runtime passes in, as far as it is used here, and what it has beside the standard. */

/** The bindings of `wrangler.jsonc`. */
export interface Env {
  /** The files in `dist/assets`; the host in the address does not matter. */
  readonly ASSETS?: { fetch(address: string): Promise<Response> };
  readonly API_KEY_HASHES?: string;
  readonly ALLOWED_ORIGINS?: string;
}

export interface Context {
  /** Keeps the request's work alive, also when the client has gone. */
  waitUntil(promise: Promise<unknown>): void;
}

export interface Handler {
  fetch(request: Request, env: Env, context: Context): Promise<Response>;
}

declare global {
  interface SubtleCrypto {
    /** Compares in a time that depends on the length only. */
    timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean;
  }
}
