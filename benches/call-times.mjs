/** How long a search takes in the core, and how long a caller of `search` waits for it. */

const SEARCHES = 500;
/** Searches that are timed together: enough for the clock, few enough that some of their turns go undisturbed. */
const PIECE = 50;
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
  const pieces = Array.from({ length: SEARCHES / PIECE }, () => {
    const vectors = Float32Array.from({ length: PIECE * dimensions }, random);
    const queries = Array.from({ length: PIECE }, (_, query) =>
      vectors.subarray(query * dimensions, (query + 1) * dimensions),
    );
    return { vectors, queries, core: Number.POSITIVE_INFINITY, awaited: Number.POSITIVE_INFINITY };
  });
  for (let round = 0; round < rounds; round++) {
    for (const piece of pieces) {
      const { vectors, queries } = piece;
      const core = await microseconds(() => db.searchMany({ vectors, k, threshold: NO_HIT }));
      const awaited = await microseconds(async () => {
        for (const vector of queries) await db.search({ vector, k });
      });
      piece.core = Math.min(piece.core, core);
      piece.awaited = Math.min(piece.awaited, awaited);
    }
  }
  await db.close();
  const mean = (name) => pieces.reduce((sum, piece) => sum + piece[name], 0) / SEARCHES;
  return { core: mean('core'), awaited: mean('awaited') };
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
