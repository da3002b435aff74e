/**
 * A search as stages, run one after the other and timed: retrieve → boost → diversify → take.
 *
 * Before it runs, every stage says, from the last to the first, what it needs: `take` how many hits, `diversify` and
 * `boost` how many more candidates, `filter` what the index must leave out. The first stage then asks the index once.
 * If too few hits are left, or a boost could still bring up a row that was not asked for, it runs again with more
 * candidates: k hits come back whenever k rows match.
 */
import { refuseAborted } from '../abort.js';
import { invalidArgument } from '../errors.js';
import type { AbortSignalLike } from '../types.js';
import type { Filter } from './filter.js';

/** A hit on its way through the stages. */
export interface Candidate<Meta extends object> {
  id: string;
  /** What it is ranked by; starts as the similarity. */
  score: number;
  /** The score that the index gave. */
  readonly similarity: number;
  metadata: Meta;
  vector?: Float32Array;
  /** Why it is here, with the numbers. */
  reasons: Reason[];
}

export interface Reason {
  /** Such as `similarity`, `recency`, `genre`. */
  kind: string;
  /** What it did: a share of the score, or the factor that the score was multiplied by. */
  value: number;
  text: string;
}

/** What the stages want from those before them. */
export interface Request {
  /** Hits wanted by the stages that follow. */
  wanted: number;
  /** Candidates to ask the index for. */
  candidates: number;
  filter: Filter | undefined;
  vectors: boolean;
}

/** What a run knows beside the candidates. */
export interface Run {
  readonly request: Readonly<Request>;
  readonly signal: AbortSignalLike | undefined;
  /** Similarity of the last row that the index gave, if there may be more rows. */
  cutoff: number | undefined;
}

export interface Stage<Meta extends object> {
  readonly name: string;
  prepare?(request: Request): void;
  /** Of a stage that changes scores: the largest score that it can make of one. It sorts by the new ones. */
  reach?(score: number): number;
  run(candidates: Candidate<Meta>[], run: Run): Candidate<Meta>[] | Promise<Candidate<Meta>[]>;
}

export interface StageTime {
  name: string;
  ms: number;
  /** Candidates that came out of the stage. */
  candidates: number;
}

export interface PipelineHits<Meta extends object> {
  hits: Candidate<Meta>[];
  stages: StageTime[];
  /** Candidates of the index in the last round, and the number of rounds. */
  candidates: number;
  rounds: number;
  /** `false` if boosts could change the ranking among more candidates than `maxCandidates`. */
  complete: boolean;
}

export interface PipelineOptions {
  signal?: AbortSignalLike;
  /** The most candidates asked for, unless fewer than k hits are left of them. Default 2000. */
  maxCandidates?: number;
}

const MAX_CANDIDATES = 2000;
/** Each round asks for this many times the candidates of the one before. */
const GROWTH = 4;

export function pipeline<Meta extends object>(stages: readonly Stage<Meta>[]) {
  if (!Array.isArray(stages) || stages.length === 0) throw invalidArgument('stages', 'must be stages');
  return {
    async run(options: PipelineOptions = {}): Promise<PipelineHits<Meta>> {
      const { signal, maxCandidates = MAX_CANDIDATES } = options;
      const request: Request = { wanted: 1, candidates: 1, filter: undefined, vectors: false };
      const wantedAfter = new Map<Stage<Meta>, number>();
      for (const stage of [...stages].reverse()) {
        wantedAfter.set(stage, request.wanted);
        stage.prepare?.(request);
        request.candidates = Math.max(request.candidates, request.wanted);
      }
      const wanted = takenBy(stages);
      for (let rounds = 1; ; rounds++) {
        refuseAborted(signal);
        const run: Run = { request, signal, cutoff: undefined };
        const times: StageTime[] = [];
        let candidates: Candidate<Meta>[] = [];
        let settled = true;
        let reachable: number | undefined;
        for (const stage of stages) {
          const begin = performance.now();
          candidates = await stage.run(candidates, run);
          times.push({ name: stage.name, ms: performance.now() - begin, candidates: candidates.length });
          reachable ??= run.cutoff;
          if (stage.reach && reachable !== undefined) {
            const most: number = stage.reach(reachable);
            settled = standAbove(candidates, most, wantedAfter.get(stage) as number);
            reachable = most;
          }
        }
        const more = run.cutoff !== undefined;
        const tooFew = more && candidates.length < wanted;
        const mayGrow = request.candidates < maxCandidates;
        if (!tooFew && (settled || !more || !mayGrow)) {
          const complete = settled || !more;
          return { hits: candidates, stages: times, candidates: request.candidates, rounds, complete };
        }
        request.candidates *= GROWTH;
        if (!tooFew) request.candidates = Math.min(request.candidates, maxCandidates);
      }
    },
  };
}

/** Hits that the last stages give at most. */
function takenBy<Meta extends object>(stages: readonly Stage<Meta>[]): number {
  const request: Request = { wanted: 1, candidates: 1, filter: undefined, vectors: false };
  for (const stage of stages) if (stage.name === 'take') stage.prepare?.(request);
  return request.wanted;
}

/** No row that the index did not give can come to stand among the first `wanted`. */
function standAbove(candidates: readonly { score: number }[], reachable: number, wanted: number): boolean {
  let above = 0;
  for (const { score } of candidates) if (score >= reachable) above += 1;
  return above >= wanted;
}
