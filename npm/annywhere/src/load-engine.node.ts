/**
 * The engine in Node: a native binary if one loads, else WebAssembly. `ANNYWHERE_BACKEND` decides otherwise:
 * `native` makes a missing binary an error, `wasm` tries none, `auto` is the default.
 *
 * The C library of a Linux machine is not looked up: loading the wrong binary fails cleanly and costs less than
 * asking.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import type { EngineModule } from './engine.js';
import { AnnywhereError } from './errors.js';
import { instantiate, runsRelaxedSimd } from './load-engine.wasm.js';
import type { LoadedEngine } from './runtime.js';
import { version } from './version.js';

const BACKENDS = ['auto', 'native', 'wasm'];

/** The engine that the environment asks for. */
export function loadForNode(): LoadedEngine {
  const backend = process.env.ANNYWHERE_BACKEND || 'auto';
  if (!BACKENDS.includes(backend)) {
    const reason = `ANNYWHERE_BACKEND is '${backend}'; it must be one of ${BACKENDS.join(', ')}`;
    throw new AnnywhereError('EngineUnavailable', reason, { reason });
  }
  if (backend === 'wasm') return loadPackagedWasm();
  const failures: Error[] = [];
  for (const name of nativePackages()) {
    try {
      return { module: loadNative(name), implementation: 'native', nativeErrors: [], threads: threads() };
    } catch (error) {
      failures.push(error as Error);
    }
  }
  const sentences = failures.map((failure) => failure.message.split('\n', 1)[0] as string);
  if (backend === 'auto') return loadPackagedWasm(sentences);
  const reason = `ANNYWHERE_BACKEND=native, and no native engine loads: ${sentences.join('; ')}`;
  throw new AnnywhereError(
    'EngineUnavailable',
    reason,
    { reason },
    { cause: new AggregateError(failures, reason) },
  );
}

/** The WebAssembly engine inside this package, at once. */
export function loadPackagedWasm(nativeErrors: readonly string[] = []): LoadedEngine {
  const file = runsRelaxedSimd() ? './annywhere.relaxed.wasm' : './annywhere.wasm';
  return instantiate(() => readFileSync(new URL(file, import.meta.url)), nativeErrors);
}

/** As many as the thread pool of the engine starts (rayon). */
function threads(): number {
  const asked = Number(process.env.RAYON_NUM_THREADS);
  return Number.isInteger(asked) && asked > 0 ? asked : availableParallelism();
}

function nativePackages(): string[] {
  const platform = `@annywhere/native-${process.platform}-${process.arch}`;
  return process.platform === 'linux' ? [`${platform}-gnu`, `${platform}-musl`] : [platform];
}

function loadNative(name: string): EngineModule {
  const module = createRequire(import.meta.url)(name) as EngineModule;
  const found = module.version();
  if (found !== version) throw new Error(`${name} has version ${found}, and annywhere is ${version}`);
  return module;
}
