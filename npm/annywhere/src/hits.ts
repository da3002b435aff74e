/** Hits as users get them, made of what the engine answers: numbers in typed arrays, ids and metadata as JSON text. */
import type { EngineHits, EngineRow } from './engine.js';
import type { GuardedEngine } from './guarded-engine.js';
import type { Hit, Hits } from './types.js';

/**
 * Id and metadata of each hit, in turns, and at the end of a search with a budget whether it was enough. The engine has checked
 * the JSON of every row, also of those from a file.
 */
type Rows = unknown[];

/** The hits of one search. */
export function hitsOf<Meta extends object>(found: EngineHits): Hits<Meta> {
  const { scores, distances, rows } = found;
  found.free?.();
  return withNumbers(JSON.parse(rows) as Rows, scores, 0, distances, 0);
}

/** The hits of many searches; their numbers stand one search after the other. */
export function manyHitsOf<Meta extends object>(found: EngineHits): Hits<Meta>[] {
  const { scores, distances, rows } = found;
  found.free?.();
  let first = 0;
  return (JSON.parse(rows) as Rows[]).map((rows) => {
    const hits = withNumbers<Meta>(rows, scores, first, distances, first);
    first += hits.length;
    return hits;
  });
}

/** The hits of a quick search: `numbers` holds the scores in its first half and the distances in its second. */
export function quickHitsOf<Meta extends object>(rows: string, numbers: Float32Array): Hits<Meta> {
  return withNumbers(JSON.parse(rows) as Rows, numbers, 0, numbers, numbers.length / 2);
}

/** What else a search wants of its hits. */
interface Wishes {
  readonly withVectors: boolean;
  readonly maxDistance: number | undefined;
}

/** The hits that are not too far, with their vectors if these are wanted; nothing has changed since the search. */
export async function finished<Meta extends object>(
  engine: GuardedEngine,
  hits: Hits<Meta>,
  wishes: Wishes,
): Promise<Hits<Meta>> {
  const near = nearEnough(hits, wishes);
  if (wishes.withVectors) for (const hit of near) addVector(hit, await engine.row(hit.id));
  return near;
}

/** The same of a search that was over at once. */
export function quicklyFinished<Meta extends object>(
  engine: GuardedEngine,
  hits: Hits<Meta>,
  wishes: Wishes,
): Hits<Meta> {
  const near = nearEnough(hits, wishes);
  if (wishes.withVectors) for (const hit of near) addVector(hit, engine.get(hit.id));
  return near;
}

function nearEnough<Meta extends object>(hits: Hits<Meta>, { maxDistance }: Wishes): Hits<Meta> {
  if (maxDistance === undefined) return hits;
  const near: Hits<Meta> = hits.filter(({ distance }) => distance <= maxDistance);
  if (hits.complete !== undefined) near.complete = hits.complete;
  return near;
}

function addVector<Meta extends object>(hit: Hit<Meta>, row: EngineRow | null | undefined): void {
  if (row) hit.vector = row.vector;
  row?.free?.();
}

function withNumbers<Meta extends object>(
  rows: Rows,
  scores: Float32Array,
  firstScore: number,
  distances: Float32Array,
  firstDistance: number,
): Hits<Meta> {
  const last = rows.at(-1);
  if (typeof last === 'boolean') {
    rows.pop();
    const hits = withNumbers<Meta>(rows, scores, firstScore, distances, firstDistance);
    hits.complete = last;
    return hits;
  }
  // Metadata is never an array, so an array in its place is what the scores are made of.
  if (Array.isArray(rows[2])) return withParts(rows, scores, firstScore, distances, firstDistance);
  const hits: Hits<Meta> = [];
  for (let rank = 0; 2 * rank < rows.length; rank++) {
    hits.push({
      id: rows[2 * rank] as string,
      score: scores[firstScore + rank] as number,
      distance: distances[firstDistance + rank] as number,
      metadata: rows[2 * rank + 1] as Meta,
    });
  }
  // What was found by words alone has no distance.
  if (Number.isNaN(hits[0]?.distance)) {
    for (const hit of hits) delete (hit as Partial<Hit<Meta>>).distance;
  }
  return hits;
}

/** The same with four numbers behind each row: score and rank by vector, score and rank by text. */
function withParts<Meta extends object>(
  rows: Rows,
  scores: Float32Array,
  firstScore: number,
  distances: Float32Array,
  firstDistance: number,
): Hits<Meta> {
  const plain = rows.filter((_, at) => at % 3 !== 2);
  const hits = withNumbers<Meta>(plain, scores, firstScore, distances, firstDistance);
  // As 32-bit floats, like all scores; rank 0 stands for none.
  const part = (score: number, rank: number) => ({ score: Math.fround(score), rank: rank || null });
  hits.forEach((hit, at) => {
    const [vector, vectorRank, text, textRank] = rows[3 * at + 2] as [number, number, number, number];
    hit.parts = { vector: part(vector, vectorRank), text: part(text, textRank) };
  });
  return hits;
}
