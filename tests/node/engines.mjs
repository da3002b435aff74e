// Both engines in one process: `annywhere` is made to load the native one, `annywhere/wasm` is WebAssembly.
import assert from 'node:assert/strict';
import { describe } from 'node:test';

const HAS_NATIVE = process.platform === 'linux' && process.arch === 'x64';

// Read when the engine is first used. With `native` a binary that does not load is an error and no fallback.
process.env.ANNYWHERE_BACKEND = HAS_NATIVE ? 'native' : 'wasm';

export const native = HAS_NATIVE ? { name: 'native', ...(await import('annywhere')) } : undefined;
export const wasm = { name: 'wasm', ...(await import('annywhere/wasm')) };
export const engines = native ? [native, wasm] : [wasm];

/** Runs the same tests on every engine. `body` gets the entry's exports and `name`. */
export function onEveryEngine(title, body) {
  for (const engine of engines) describe(`${title} (${engine.name})`, () => body(engine));
}

/** Asserts that a promise rejects, or a function throws, with this code and these details; returns the error. */
export async function rejects(action, code, details = {}) {
  try {
    await (typeof action === 'function' ? action() : action);
  } catch (error) {
    assert.equal(error.name, 'AnnywhereError', String(error.stack));
    assert.equal(error.code, code, error.message);
    for (const [name, value] of Object.entries(details)) {
      if (value instanceof RegExp) assert.match(String(error.details[name]), value);
      else assert.equal(error.details[name], value, `details.${name} of: ${error.message}`);
    }
    return error;
  }
  assert.fail(`nothing was thrown, and ${code} was expected`);
}

/** What a database holds, for "nothing has changed". */
export async function contentOf(db) {
  return Buffer.from(await db.toBytes()).toString('base64');
}
