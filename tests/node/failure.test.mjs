// What happens after the engine itself has failed: a trap in WebAssembly, a panic in the native engine.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { rejects, wasm } from './engines.mjs';

const require = createRequire(import.meta.url);
const dist = path.join(path.dirname(require.resolve('annywhere/package.json')), 'dist');
const glue = await import(pathToFileURL(path.join(dist, 'annywhere_wasm.js')));

/** Runs a script in a process of its own and returns what it printed as JSON. */
function run(script) {
  const args = ['--input-type=module', '-e', script];
  const options = { cwd: import.meta.dirname, encoding: 'utf8' };
  const { stdout, stderr, status } = spawnSync(process.execPath, args, options);
  assert.deepEqual([status, stderr], [0, '']);
  return JSON.parse(stdout);
}

/** The exports of the present instance. */
const instance = () => glue.initSync({ module: new Uint8Array() });

/** Runs `body` while searches end in a real trap: an access beyond the memory. */
async function whileSearchesTrap(body) {
  const exports = instance();
  const { searchNow } = glue.Engine.prototype;
  glue.Engine.prototype.searchNow = () => exports.engine_len(0xffff_fff0);
  try {
    await body();
  } finally {
    glue.Engine.prototype.searchNow = searchNow;
  }
}

describe('a trap in WebAssembly', () => {
  it('is an error that says to reopen, and kills every database of the instance and none after it', async () => {
    const options = { dimensions: 2 };
    const db = new wasm.VectorDb(options);
    const neighbour = new wasm.VectorDb(options);
    await db.insert({ id: 'a', vector: [1, 2] });
    await neighbour.insert({ id: 'b', vector: [1, 2] });
    const bytes = await db.toBytes();
    await whileSearchesTrap(async () => {
      const error = await rejects(db.search({ vector: [1, 2] }), 'EngineFailed', { reason: /out of bounds/ });
      assert.match(error.message, /open the database anew/);
      assert.ok(error.cause instanceof WebAssembly.RuntimeError);
    });
    for (const dead of [db, neighbour]) {
      await rejects(dead.len(), 'EngineFailed');
      await rejects(dead.insert({ id: 'c', vector: [1, 2] }), 'EngineFailed');
      await rejects(() => dead.getStats(), 'EngineFailed');
      await dead.close();
      await rejects(dead.len(), 'Closed');
    }
    const trapped = instance();
    const reopened = new wasm.VectorDb(options);
    await reopened.load(bytes);
    assert.equal((await reopened.search({ vector: [1, 2] }))[0].id, 'a');
    assert.equal(reopened.getStats().count, 1);
    assert.notEqual(instance(), trapped, 'the trapped instance is in use again');
    assert.equal(wasm.getImplementationType(), 'wasm');
  });

  it('can happen again, and each time the next database works', async () => {
    for (let round = 0; round < 3; round++) {
      const db = new wasm.VectorDb({ dimensions: 2 });
      await db.insert({ id: 'a', vector: [1, 2] });
      await whileSearchesTrap(() => rejects(db.search({ vector: [1, 2] }), 'EngineFailed'));
    }
    const db = new wasm.VectorDb({ dimensions: 2 });
    await db.insert({ id: 'a', vector: [1, 2] });
    assert.equal((await db.search({ vector: [1, 2] })).length, 1);
  });

  it('leaves the way open where the module came from a caller', () => {
    const script = `
      import { readFileSync } from 'node:fs';
      import { init, getImplementationType, VectorDb } from 'annywhere';
      import * as glue from ${JSON.stringify(path.join(dist, 'annywhere_wasm.js'))};
      await init(new Response(readFileSync(${JSON.stringify(path.join(dist, 'annywhere.wasm'))})));
      const { toBytes } = glue.Engine.prototype;
      glue.Engine.prototype.toBytes = () => glue.initSync({}).engine_len(0xffff_fff0);
      const codes = [await new VectorDb({ dimensions: 1 }).toBytes().catch((error) => error.code)];
      codes.push(await new VectorDb({ dimensions: 1 }).len(), getImplementationType());
      console.log(JSON.stringify(codes));`;
    assert.deepEqual(run(script), ['EngineFailed', 0, 'wasm']);
  });

  it('takes nothing along that was in a store, and the store can be opened again', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'annywhere-trap-'));
    const db = new wasm.VectorDb({ dimensions: 2, storagePath: folder });
    await db.insert({ id: 'a', vector: [1, 2] });
    await whileSearchesTrap(() => rejects(db.search({ vector: [1, 2] }), 'EngineFailed'));
    await db.close();
    await rejects(db.len(), 'Closed');
    const again = new wasm.VectorDb({ dimensions: 2, storagePath: folder });
    assert.equal(await again.len(), 1);
    await again.close();
    fs.rmSync(folder, { recursive: true });
  });
});

describe('memory', () => {
  it('is not demanded for all of a maxElements that nothing could hold', async () => {
    const db = new wasm.VectorDb({ dimensions: 2, maxElements: 2 ** 31 - 2 });
    await db.insert({ id: 'a', vector: [1, 2] });
    assert.equal((await db.search({ vector: [1, 2] }))[0].id, 'a');
    assert.ok(db.getStats().memoryUsage < 2 ** 26);
  });

  // In a process of its own: whatever happens there, it must not be the end of this one. Natively the operating
  // system hands out more memory than there is, so only WebAssembly's limit of 4 GiB can be met on purpose.
  it('that WebAssembly cannot have for an argument is an error and no trap', () => {
    const script = `
      import { readFileSync } from 'node:fs';
      import { initSync, Engine } from ${JSON.stringify(path.join(dist, 'annywhere_wasm.js'))};
      initSync({ module: readFileSync(${JSON.stringify(path.join(dist, 'annywhere.wasm'))}) });
      const engine = new Engine('{"dimensions":2}');
      engine.insert('[["a",null]]', Float32Array.of(1, 2));
      const codes = [];
      // Never touched, so the operating system gives no memory for it either.
      for (const call of [
        () => engine.loadBytes(new Uint8Array(2 ** 32 - 1)),
        () => engine.insert('[]', new Float32Array(2 ** 30 - 1)),
      ]) {
        try { call(); } catch (error) { codes.push(JSON.parse(error.message).code); }
      }
      console.log(JSON.stringify([...codes, engine.len()]));`;
    assert.deepEqual(run(script), ['OutOfMemory', 'OutOfMemory', 1]);
  });
});
