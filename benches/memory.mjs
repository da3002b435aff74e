// What a recall costs beside a plain search: `npm run bench -- memory`.
//
// 100,000 WordNet definitions as memories of two agents, one of which owns nine tenths; 4 types, any importance, up to
// a year old; queries are usage examples. Kinds of queries alternate, so that the machine's mood hits all of them.
// "found" is the part of the exact recall's ten memories that a recall finds.
import * as native from 'annywhere';
import { AgentMemory } from 'annywhere/memory';
import * as wasm from 'annywhere/wasm';
import { loadGlosses } from './glosses.mjs';

const ITEMS = 100_000;
const QUERIES = 200;
const EXACT = 30;
const DAY = 86_400_000;
const NOW = Date.parse('2026-01-01');
const STEP = 2000;
const TYPES = ['fact', 'experience', 'conversation', 'task'];
const CANDIDATES = [32, 64, 128, 256];

const data = await loadGlosses({ dimensions: 256, queries: QUERIES });
// Questions between those that two kinds ask in turn.
const APART = 137;
const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)];

async function filled(VectorDb) {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const { dimensions, vectors, ids } = data;
  const db = new VectorDb({ dimensions });
  let time = NOW;
  const [ada, bob] = ['ada', 'bob'].map((agent) => new AgentMemory({ db, agent, now: () => time }));
  for (let first = 0; first < ITEMS; first += STEP) {
    time = NOW - random() * 365 * DAY;
    const memories = Array.from({ length: STEP }, (_, i) => ({
      id: `m${first + i}`,
      content: `What ${ids[first + i]} means, in a sentence of a usual length for a memory of an agent.`,
      vector: vectors.subarray((first + i) * dimensions, (first + i + 1) * dimensions),
      type: TYPES[Math.floor(random() * TYPES.length)],
      importance: random(),
      tags: [`topic${i % 50}`],
    }));
    await ada.storeMany(memories.slice(0, STEP * 0.9));
    await bob.storeMany(memories.slice(STEP * 0.9));
  }
  await db.compact();
  time = NOW;
  return { db, ada, bob };
}

for (const { VectorDb, name } of [
  { ...native, name: native.getImplementationType() },
  { ...wasm, name: 'wasm' },
]) {
  const { db, ada, bob } = await filled(VectorDb);
  const kinds = {
    'plain search': (vector) => db.search({ vector, k: 10 }),
    ...Object.fromEntries(
      CANDIDATES.map((candidates) => [
        `recall, ${candidates} candidates`,
        (vector) => ada.recall({ vector, candidates }),
      ]),
    ),
    'recall by type': (vector) => ada.recall({ vector, types: ['experience'] }),
    'recall of the smaller agent': (vector) => bob.recall({ vector }),
  };
  const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  for (const vector of data.queries.slice(0, 20)) for (const ask of Object.values(kinds)) await ask(vector);
  for (const place of data.queries.keys()) {
    // Every kind asks another question at a time: what the one before left in the caches helps none.
    for (const [at, [kind, ask]] of Object.entries(kinds).entries()) {
      const vector = data.queries[(place + at * APART) % data.queries.length];
      const begin = performance.now();
      await ask(vector);
      times[kind].push(performance.now() - begin);
    }
  }
  const found = Object.fromEntries(CANDIDATES.map((candidates) => [candidates, 0]));
  for (const vector of data.queries.slice(0, EXACT)) {
    const right = new Set((await ada.recall({ vector, exact: true })).map(({ id }) => id));
    for (const candidates of CANDIDATES) {
      const ids = (await ada.recall({ vector, candidates })).map(({ id }) => id);
      found[candidates] += ids.filter((id) => right.has(id)).length / right.size / EXACT;
    }
  }
  const plain = median(times['plain search']);
  console.log(`${name}, ${ITEMS} memories of ${data.dimensions} dimensions`);
  for (const [kind, all] of Object.entries(times)) {
    const p50 = median(all);
    const part = found[kind.match(/\d+/)?.[0]];
    const quality = part === undefined ? '' : `  found ${part.toFixed(3)}`;
    console.log(
      `  ${kind.padEnd(28)} p50 ${p50.toFixed(3)} ms  ${(p50 / plain).toFixed(2)} × plain${quality}`,
    );
  }
  await db.close();
}
