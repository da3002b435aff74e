/** Settings from the environment, strictly read: the endpoint serves nothing until they are right. */
import { Problem } from './problem';
import type { Env } from './runtime';

export interface Settings {
  /** SHA-256 of each key that may search. */
  readonly keyHashes: readonly Uint8Array[];
  /** Origins whose pages may read the replies. */
  readonly origins: ReadonlySet<string>;
}

const SHA256_HEX = /^[0-9a-f]{64}$/i;

export function readSettings(env: Env): Settings {
  return { keyHashes: readKeyHashes(env.API_KEY_HASHES), origins: readOrigins(env.ALLOWED_ORIGINS) };
}

function readKeyHashes(setting: unknown): Uint8Array[] {
  const hashes = list(setting, 'API_KEY_HASHES');
  if (hashes.length === 0)
    throw notConfigured('API_KEY_HASHES is not set; it lists the SHA-256 of each key.');
  if (!hashes.every((hash) => SHA256_HEX.test(hash))) {
    throw notConfigured('API_KEY_HASHES must list SHA-256 hashes of 64 hexadecimal digits, not keys.');
  }
  return hashes.map(bytesOfHex);
}

function readOrigins(setting: unknown): Set<string> {
  const origins = list(setting, 'ALLOWED_ORIGINS');
  if (!origins.every(isOrigin)) {
    throw notConfigured('ALLOWED_ORIGINS must list origins such as https://example.com, without paths or *.');
  }
  return new Set(origins);
}

/** Parts separated by commas or white space. */
function list(setting: unknown, name: string): string[] {
  if (setting === undefined) return [];
  if (typeof setting !== 'string') throw notConfigured(`${name} must be a text.`);
  return setting.split(/[\s,]+/).filter((part) => part !== '');
}

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

const bytesOfHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const notConfigured = (detail: string): Problem => new Problem(500, 'NotConfigured', detail);
