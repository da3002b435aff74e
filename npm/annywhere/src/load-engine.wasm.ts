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

/** Compiles what a caller passed to `init()`, or the default of the entry, and instantiates it. */
export async function instantiateFrom(source: EngineSource): Promise<LoadedEngine> {
  if (present) return instantiate(() => new Uint8Array());
  const module = await compile(await source);
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
