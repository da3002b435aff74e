// A process that remembers is killed again and again: what it had acknowledged is there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AgentMemory } from 'annywhere/memory';
import { onEveryEngine } from './engines.mjs';

const ROUNDS = process.env.ANNYWHERE_FULL ? 25 : 3;
const writer = fileURLToPath(new URL('memory-writer.mjs', import.meta.url));

/** Lets the writer store memories, kills it after some of them, and resolves with the ids that it had acknowledged. */
function killedWriter(folder, backend, round) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ANNYWHERE_BACKEND: backend };
    const child = spawn(process.execPath, [writer, folder, String(round)], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    let complaint = '';
    child.stdout.on('data', (part) => {
      said += part;
      if (said.split('\n').length > 20 + 15 * (round % 4)) child.kill('SIGKILL');
    });
    child.stderr.on('data', (part) => {
      complaint += part;
    });
    child.on('exit', (code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the writer ended with ${code}: ${complaint}`));
      else resolve(said.split('\n').slice(0, -1));
    });
  });
}

onEveryEngine('agent memory', ({ VectorDb, name }) => {
  it('loses nothing acknowledged when its process is killed', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'annywhere-kill-'));
    try {
      const acknowledged = new Set();
      for (let round = 0; round < ROUNDS; round++) {
        for (const id of await killedWriter(path.join(folder, 'memory'), name, round)) acknowledged.add(id);
        const db = new VectorDb({ dimensions: 8, storagePath: path.join(folder, 'memory') });
        const memory = new AgentMemory({ db, agent: 'ada' });
        for (const id of acknowledged) assert.equal((await memory.get(id))?.content, `content of ${id}`, id);
        const { length } = await memory.recall({ vector: new Float32Array(8).fill(1), k: 10_000 });
        assert.ok(length >= acknowledged.size);
        await db.close();
      }
      assert.ok(acknowledged.size >= 20 * ROUNDS);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
