/**
 * The WebAssembly engine: instantiates the module that an entry has got hold of. The glue holds one instance per
 * JavaScript realm, therefore all entries of a realm share it.
 */
import * as glue from './annywhere_wasm.js';
import { AnnywhereError, describe, invalidArgument } from './errors.js';
import type { LoadedEngine } from './runtime.js';
import type { EngineSource } from './types.js';

let present: LoadedEngine | undefined;

/** Instantiates at once. `module` is asked for only if there is no instance yet. */
export function instantiate(
  module: () => BufferSource | WebAssembly.Module,
  nativeErrors: readonly string[] = [],
): LoadedEngine {
  if (present && !present.failure) return present;
  try {
    if (present) startAfresh();
    else glue.initSync({ module: module() });
  } catch (cause) {
    throw unavailable('the WebAssembly engine cannot be started', cause);
  }
  present = { module: glue, implementation: 'wasm', nativeErrors, threads: 1 };
  return present;
}

/** Replaces a trapped instance by a fresh one of the same module; objects of the old one refuse to work. */
function startAfresh(): void {
  glue.abandon();
  // The glue writes the arguments of a call before it changes the instance, so the first call has to have none.
  glue.version();
}

/** Compiles what a caller passed to `init()`, or calls for the default of the entry, and instantiates it. */
export async function instantiateFrom(
  source: EngineSource | (() => Promise<WebAssembly.Module>),
): Promise<LoadedEngine> {
  if (present) return instantiate(() => new Uint8Array());
  const module = typeof source === 'function' ? await source() : await compile(await source);
  return instantiate(() => module);
}

export async function compile(source: EngineSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source !== 'string' && (typeof source !== 'object' || source === null)) throw noSource(source);
  try {
    if (ArrayBuffer.isView(source) || source instanceof ArrayBuffer) {
      return await WebAssembly.compile(source as BufferSource);
    }
    if (typeof source === 'string' || 'href' in source) {
      const url = typeof source === 'string' ? source : (source.href as string);
      return await compileResponse(await fetch(url), url);
    }
    if ('arrayBuffer' in source) return await compileResponse(source as Response, (source as Response).url);
  } catch (cause) {
    throw unavailable('the WebAssembly engine cannot be loaded', cause);
  }
  throw noSource(source);
}

/** Exports a function that returns 1 if a relaxed lookup of indices below 16 gives what it must. */
const PROBE =
  'AGFzbQEAAAABBQFgAAF/AwIBAAcFAQFhAAAKQQE/AP0MDw4NDAsKCQgHBgUEAwIBAP0MAwAPBwECBAUGCAkKCwwNDv2AAv0MDA8ACA4NCwoJBwYFBAMCAf0j/WML';

let relaxed: boolean | undefined;

/**
 * Whether `annywhere.relaxed.wasm` runs here: the same engine with relaxed SIMD's lookup, which searches the scan in 0.86
 * of the time. Engines refuse a whole module for one instruction that they do not know, so there are two.
 */
export function runsRelaxedSimd(): boolean {
  relaxed ??= probe();
  return relaxed;
}

function probe(): boolean {
  try {
    const bytes = Uint8Array.from(atob(PROBE), (byte) => byte.charCodeAt(0));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    return (exports.a as () => number)() === 1;
  } catch {
    return false;
  }
}

/** Compiles the better of the two modules of this package. Where only the plain one was deployed it has to do. */
export async function compilePackaged(files: { plain: URL; relaxed: URL }): Promise<WebAssembly.Module> {
  if (runsRelaxedSimd()) {
    try {
      return await compile(files.relaxed);
    } catch {
      // The plain one's failure says what is wrong.
    }
  }
  return compile(files.plain);
}

function noSource(source: unknown): AnnywhereError {
  return invalidArgument(
    'source',
    `must be a URL, a Response, bytes or a WebAssembly.Module, not ${describe(source)}`,
  );
}

async function compileResponse(response: Response, url: string): Promise<WebAssembly.Module> {
  if (!response.ok) throw new Error(`${url} answered with status ${response.status}`);
  // Streaming compilation insists on the media type, which simple servers do not send.
  const streams = response.headers?.get('content-type')?.startsWith('application/wasm');
  if (streams && typeof WebAssembly.compileStreaming === 'function')
    return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

function unavailable(sentence: string, cause: unknown): AnnywhereError {
  const reason = `${sentence}: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new AnnywhereError('EngineUnavailable', reason, { reason }, { cause });
}
