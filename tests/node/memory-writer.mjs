// Stores memories for ever and prints the id of each one that is acknowledged: `memory-writer.mjs FOLDER ROUND`.
import { writeSync } from 'node:fs';
import { VectorDb } from 'annywhere';
import { AgentMemory } from 'annywhere/memory';

const [folder, round] = process.argv.slice(2);
const db = new VectorDb({ dimensions: 8, storagePath: folder });
const memory = new AgentMemory({ db, agent: 'ada' });
for (let i = 0; ; i++) {
  const id = `r${round}-${i}`;
  const vector = Float32Array.from({ length: 8 }, (_, at) => 1 + ((i * (at + 3)) % 7));
  await memory.store({ id, content: `content of ${id}`, vector });
  writeSync(1, `${id}\n`);
}
