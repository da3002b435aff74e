// What a recall costs beside a plain search: `node benches/memory.mjs [items] [dimensions]`, both engines.
//
// Items of 384 dimensions in 2,000 heaps, as texts have topics; 4 types, any importance, up to a year old. One agent owns
// nine tenths of them. Queries alternate between both kinds, so that the machine's mood hits both. "found" is the part of
// the exact recall's ten memories that the recall finds.
import * as native from 'annywhere';
import { AgentMemory } from 'annywhere/memory';
import * as wasm from 'annywhere/wasm';

const [items = 100_000, dimensions = 384] = process.argv.slice(2).map(Number);
const QUERIES = 200;
const EXACT = 40;
const HEAPS = 2000;
const DAY = 86_400_000;
const NOW = Date.parse('2026-01-01');
const TYPES = ['fact', 'experience', 'conversation', 'task'];

let state = 1;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
const around = (centre, spread) =>
  Float32Array.from(
    { length: dimensions },
    (_, i) => (centre?.[i] ?? 0) + spread * (random() + random() + random() - 1.5),
  );

const heaps = Array.from({ length: HEAPS }, () => around(undefined, 1));
const pick = () => heaps[Math.floor(random() * HEAPS)];
const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)];

async function filled(VectorDb) {
  const db = new VectorDb({ dimensions });
  let time = NOW;
  const agents = ['ada', 'bob'].map((agent) => new AgentMemory({ db, agent, now: () => time }));
  const step = 2000;
  for (let first = 0; first < items; first += step) {
    time = NOW - random() * 365 * DAY;
    const memories = Array.from({ length: Math.min(step, items - first) }, (_, i) => ({
      id: `m${first + i}`,
      content: `What happened at step ${first + i}, in a sentence of a usual length for a memory of an agent.`,
      vector: around(pick(), 0.7),
      type: TYPES[Math.floor(random() * TYPES.length)],
      importance: random(),
      tags: [`topic${i % 50}`],
    }));
    const cut = Math.floor(memories.length * 0.9);
    await agents[0].storeMany(memories.slice(0, cut));
    await agents[1].storeMany(memories.slice(cut));
  }
  await db.compact();
  time = NOW;
  return { db, ada: agents[0], bob: agents[1] };
}

for (const { VectorDb, name } of [
  { ...native, name: native.getImplementationType() },
  { ...wasm, name: 'wasm' },
]) {
  const { db, ada, bob } = await filled(VectorDb);
  const queries = Array.from({ length: QUERIES }, () => around(pick(), 0.7));
  const kinds = {
    'plain search': (vector) => db.search({ vector, k: 10 }),
    recall: (vector) => ada.recall({ vector }),
    'recall by type': (vector) => ada.recall({ vector, types: ['experience'] }),
    'recall of the smaller agent': (vector) => bob.recall({ vector }),
  };
  const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  for (const vector of queries.slice(0, 20)) for (const ask of Object.values(kinds)) await ask(vector);
  for (const vector of queries) {
    for (const [kind, ask] of Object.entries(kinds)) {
      const begin = performance.now();
      await ask(vector);
      times[kind].push(performance.now() - begin);
    }
  }
  let found = 0;
  for (const vector of queries.slice(0, EXACT)) {
    const right = new Set((await ada.recall({ vector, exact: true })).map(({ id }) => id));
    found += (await ada.recall({ vector })).filter(({ id }) => right.has(id)).length / right.size;
  }
  const plain = median(times['plain search']);
  console.log(`${name}, ${items} items of ${dimensions} dimensions`);
  for (const [kind, all] of Object.entries(times)) {
    const p50 = median(all);
    console.log(`  ${kind.padEnd(28)} p50 ${p50.toFixed(3)} ms  ${(p50 / plain).toFixed(2)} × plain`);
  }
  console.log(`  found of the exact recall    ${(found / EXACT).toFixed(3)}\n`);
  await db.close();
}
