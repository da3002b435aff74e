/**
 * Hits that differ from each other: maximal marginal relevance (Carbonell & Goldstein, 1998). The next hit is the one
 * with the largest λ × score − (1 − λ) × likeness to the nearest hit chosen before it. It ranks and never leaves out,
 * so k hits come back whenever there are k; a hard limit of likeness is an option, and is filled up afterwards.
 */
import { invalidArgument } from '../errors.js';
import type { Candidate, Stage } from './pipeline.js';

export interface DiversifyOptions {
  /** 1 ranks by score alone, 0 by difference alone. Default 0.7. */
  lambda?: number;
  /**
   * `vector` compares vectors by their cosine; any other name is a field with an array, compared by the share of
   * what two have in common (Jaccard). Default `genreIds`.
   */
  by?: string;
  /** Puts hits that are more alike than this to one chosen before them at the end. Default: none. */
  above?: number;
  /** Whether those at the end fill up to k. Default `true`. */
  fill?: boolean;
  /** Among how many candidates to choose, as a multiple of the hits wanted. Default 4. */
  pool?: number;
}

const LAMBDA = 0.7;
const POOL = 4;

export function diversify<Meta extends object>(options: DiversifyOptions = {}): Stage<Meta> {
  const { lambda = LAMBDA, by = 'genreIds', above, fill = true, pool = POOL } = options;
  if (!(lambda >= 0 && lambda <= 1))
    throw invalidArgument('lambda', `must be from 0 to 1, not ${String(lambda)}`);
  if (!(pool >= 1)) throw invalidArgument('pool', `must be at least 1, not ${String(pool)}`);
  const alike = by === 'vector' ? cosine<Meta> : jaccardOf<Meta>(by);
  let wanted = 1;
  return {
    name: 'diversify',
    prepare(request) {
      wanted = request.wanted;
      request.wanted = Math.ceil(wanted * pool);
      if (by === 'vector') request.vectors = true;
    },
    run: (candidates) => mmr(candidates, { lambda, above, fill, wanted, alike }),
  };
}

/** What two lists have in common of what they have in all; 0 if both are empty: nothing is known of either. */
export function jaccard(a: readonly unknown[], b: readonly unknown[]): number {
  const [left, right] = [new Set(a), new Set(b)];
  let common = 0;
  for (const value of left) if (right.has(value)) common += 1;
  const all = left.size + right.size - common;
  return all === 0 ? 0 : common / all;
}

interface Choice<Meta extends object> {
  lambda: number;
  above: number | undefined;
  fill: boolean;
  wanted: number;
  alike: (a: Candidate<Meta>, b: Candidate<Meta>) => number;
}

function mmr<Meta extends object>(candidates: Candidate<Meta>[], choice: Choice<Meta>): Candidate<Meta>[] {
  const { lambda, above, fill, wanted, alike } = choice;
  const scores = candidates.map(({ score }) => score);
  const [top, bottom] = [Math.max(...scores), Math.min(...scores)];
  // Scores from 0 to 1, so that λ weighs them against a likeness whatever the metric is.
  const relevance = scores.map((score) => (top === bottom ? 1 : (score - bottom) / (top - bottom)));
  const nearest = new Float64Array(candidates.length);
  const left = new Set(candidates.keys());
  const chosen: Candidate<Meta>[] = [];
  while (left.size > 0 && chosen.length < wanted) {
    const next = best(
      left,
      (at) => lambda * (relevance[at] as number) - (1 - lambda) * (nearest[at] as number),
      {
        allowed: (at) => above === undefined || (nearest[at] as number) <= above,
        fill,
      },
    );
    if (next === undefined) break;
    const candidate = candidates[next] as Candidate<Meta>;
    left.delete(next);
    if (chosen.length > 0) {
      const value = nearest[next] as number;
      candidate.reasons.push({ kind: 'diversity', value, text: `${value.toFixed(2)} alike to a hit above` });
    }
    chosen.push(candidate);
    for (const at of left) {
      nearest[at] = Math.max(nearest[at] as number, alike(candidate, candidates[at] as Candidate<Meta>));
    }
  }
  return chosen;
}

/** The best of those allowed; when there is none, the best of all if `fill`. The earlier one wins a tie. */
function best(
  left: ReadonlySet<number>,
  value: (at: number) => number,
  { allowed, fill }: { allowed: (at: number) => boolean; fill: boolean },
): number | undefined {
  let found: number | undefined;
  for (const at of left) {
    if (allowed(at) && (found === undefined || value(at) > value(found))) found = at;
  }
  if (found !== undefined || !fill) return found;
  return best(left, value, { allowed: () => true, fill: false });
}

function jaccardOf<Meta extends object>(field: string) {
  const list = ({ metadata }: Candidate<Meta>): readonly unknown[] => {
    const value = (metadata as Record<string, unknown>)[field];
    return Array.isArray(value) ? value : [];
  };
  return (a: Candidate<Meta>, b: Candidate<Meta>) => jaccard(list(a), list(b));
}

function cosine<Meta extends object>({ vector: a }: Candidate<Meta>, { vector: b }: Candidate<Meta>): number {
  if (!a || !b) return 0;
  let [dot, left, right] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += (a[i] as number) * (b[i] as number);
    left += (a[i] as number) ** 2;
    right += (b[i] as number) ** 2;
  }
  return left > 0 && right > 0 ? dot / Math.sqrt(left * right) : 0;
}
