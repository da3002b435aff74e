/** How long a search takes in the core, and how long a caller of `search` waits for it. */

/** Searches in a round: enough for the clock, few enough that some round goes undisturbed. */
const SEARCHES = 500;
/** Above every cosine. */
const NO_HIT = 2;

/** Microseconds per search in the core, and per awaited call. */
export async function measureCalls(VectorDb, { rows, dimensions, k, rounds, index }) {
  const random = generator(1);
  const db = new VectorDb({ dimensions, index });
  await db.insertBatch({
    ids: Array.from({ length: rows }, (_, row) => `item-${row}`),
    vectors: Float32Array.from({ length: rows * dimensions }, random),
    metadata: Array.from({ length: rows }, (_, row) => ({
      title: `A title of row ${row}`,
      year: 1950 + (row % 70),
      rating: (row % 97) / 10,
      genres: ['drama', 'comedy'],
      available: row % 2 === 0,
    })),
  });
  const vectors = Float32Array.from({ length: SEARCHES * dimensions }, random);
  const queries = Array.from({ length: SEARCHES }, (_, query) =>
    vectors.subarray(query * dimensions, (query + 1) * dimensions),
  );
  let core = Number.POSITIVE_INFINITY;
  let awaited = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    core = Math.min(core, await microseconds(() => db.searchMany({ vectors, k, threshold: NO_HIT })));
    awaited = Math.min(
      awaited,
      await microseconds(async () => {
        for (const vector of queries) await db.search({ vector, k });
      }),
    );
  }
  await db.close();
  return { core: core / SEARCHES, awaited: awaited / SEARCHES };
}

async function microseconds(work) {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) * 1000;
}

/** Numbers in [-1, 1) from a seed (Mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}
