/** Why a hit is there: what each part of the vector added to its score, and what it has in common with the query. */
import type { Candidate, Stage } from '../pipeline/pipeline.js';
import type { Row } from '../types.js';
import type { ContentMetadata } from './content.js';
import type { MediaPart, MediaSpace } from './content-vectors.js';
import { genreName } from './genres.js';
import type { MediaQuery } from './query.js';

type Rows<Meta extends object> = { get(id: string): Promise<Row<Meta> | null> };

/** A stage for the end of a pipeline: it reads one row per hit. */
export function explainParts<Meta extends ContentMetadata>(
  db: Rows<Meta>,
  space: MediaSpace,
  vector: Float32Array,
  query: MediaQuery,
): Stage<Meta> {
  return {
    name: 'explain',
    async run(candidates) {
      const rows = await Promise.all(candidates.map(({ id }) => db.get(id)));
      rows.forEach((row, at) => {
        const candidate = candidates[at] as Candidate<Meta>;
        if (row) addParts(candidate, space.contributions(vector, row.vector));
        addGenres(candidate, query.genreIds ?? []);
      });
      return candidates;
    },
  };
}

function addParts<Meta extends object>(candidate: Candidate<Meta>, added: Record<MediaPart, number>): void {
  for (const [part, value] of Object.entries(added)) {
    if (value !== 0) {
      const share = `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
      candidate.reasons.push({ kind: part, value, text: `${part} ${share} of similarity` });
    }
  }
}

function addGenres<Meta extends ContentMetadata>(
  candidate: Candidate<Meta>,
  wanted: readonly number[],
): void {
  const common = wanted.filter((id) => candidate.metadata.genreIds?.includes(id));
  if (common.length === 0) return;
  const names = common.map((id) => genreName(id) ?? String(id)).join(', ');
  const text = `${common.length} of ${wanted.length} genres: ${names}`;
  candidate.reasons.push({ kind: 'genres', value: common.length / wanted.length, text });
}
