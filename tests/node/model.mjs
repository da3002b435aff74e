// The truth: a map of rows, compared one by one in 64-bit floats.
import assert from 'node:assert/strict';

export const METRICS = ['cosine', 'euclidean', 'dot', 'manhattan'];

/** Score (larger is nearer) and distance (smaller is nearer) of two vectors. */
export function compare(metric, a, b) {
  let dot = 0;
  let squareA = 0;
  let squareB = 0;
  let squared = 0;
  let absolute = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    squareA += a[i] ** 2;
    squareB += b[i] ** 2;
    squared += (a[i] - b[i]) ** 2;
    absolute += Math.abs(a[i] - b[i]);
  }
  if (metric === 'dot') return { score: dot, distance: -dot };
  if (metric === 'cosine') {
    const cosine = dot / Math.sqrt(squareA * squareB);
    return { score: cosine, distance: 1 - cosine };
  }
  const distance = metric === 'euclidean' ? Math.sqrt(squared) : absolute;
  return { score: 1 / (1 + distance), distance };
}

export class Model {
  rows = new Map();

  constructor(metric) {
    this.metric = metric;
  }

  insert(id, vector, metadata) {
    this.rows.delete(id);
    this.rows.set(id, { vector: Float32Array.from(vector), metadata: metadata ?? {} });
  }

  delete(id) {
    return this.rows.delete(id);
  }

  /** Every row, best first. */
  rank(query) {
    const ranked = [...this.rows].map(([id, { vector }]) => ({ id, ...compare(this.metric, query, vector) }));
    return ranked.sort((a, b) => a.distance - b.distance);
  }
}

/**
 * Asserts that hits are exactly the best k rows: the right number, each with its own true score and metadata, no id
 * twice, and the scores those of the truth rank by rank. Rows of equal score may stand in any order.
 */
export function assertExact(hits, model, query, k) {
  const truth = model.rank(query).slice(0, k);
  assert.equal(hits.length, truth.length, 'number of hits');
  assert.equal(new Set(hits.map((hit) => hit.id)).size, hits.length, 'an id came back twice');
  for (const [rank, hit] of hits.entries()) {
    const row = model.rows.get(hit.id);
    assert.ok(row, `${hit.id} is not in the database`);
    const { score, distance } = compare(model.metric, query, row.vector);
    assertNear(hit.score, score, `score of ${hit.id}`);
    assertNear(hit.distance, distance, `distance of ${hit.id}`);
    assertNear(hit.score, truth[rank].score, `score at rank ${rank}`);
    assert.deepEqual(hit.metadata, row.metadata);
    if (rank > 0) assert.ok(hits[rank - 1].score >= hit.score, 'hits are not sorted');
  }
}

/** Equal but for the rounding of 32-bit floats. */
export function assertNear(found, expected, what) {
  const tolerance = 1e-5 * Math.max(1, Math.abs(expected));
  assert.ok(Math.abs(found - expected) <= tolerance, `${what}: ${found}, expected ${expected}`);
}

/** Share of the true k nearest among the hits; a hit as good as the k-th counts. */
export function recall(hits, model, query, k) {
  const truth = model.rank(query).slice(0, k);
  const worst = truth.at(-1)?.distance ?? 0;
  const tolerance = 1e-5 * Math.max(1, Math.abs(worst));
  return hits.filter((hit) => hit.distance <= worst + tolerance).length / truth.length;
}
