/** What a search may ask beside the nearest rows: words, how they are joined with a vector, varied hits, weighed scores. */
import { type AnnywhereError, describe, invalidArgument } from './errors.js';
import { own, refuseUnknown } from './options.js';
import type { Diversify, Fusion, GroupBy, Weigh } from './types.js';
import { checkWeigh } from './weigh.js';

const MAX_K = 2 ** 31 - 1;

/** The part of a query that is read here. */
interface Given {
  text?: string;
  fusion?: Fusion;
  diversify?: Diversify<never>;
  groupBy?: GroupBy<never>;
  weigh?: Weigh<never>;
}

/** The names of a query that are read here. */
export const WISHES = ['text', 'fusion', 'diversify', 'groupBy', 'weigh'];

/** Their part of the core's `SearchParams`. */
export interface WishParams {
  readonly text: string | undefined;
  readonly rrfK: number | undefined;
  readonly alpha: number | undefined;
  readonly lambda: number | undefined;
  readonly diversifyBy: string | undefined;
  readonly groupBy: string | undefined;
  readonly groupSize: number | undefined;
  readonly weigh: Record<string, unknown> | undefined;
}

export function checkWishes(query: object, hasVector: boolean): WishParams {
  const given = query as Given;
  const text = own(given, 'text');
  if (text !== undefined && typeof text !== 'string') {
    throw invalidArgument('text', `must be a string, not ${describe(text)}`);
  }
  const fusion = own(given, 'fusion');
  if (fusion !== undefined && !(hasVector && text !== undefined)) {
    throw invalidArgument('fusion', 'is for searches with a vector and a text');
  }
  const weigh = checkWeigh(own(given, 'weigh'));
  if (weigh !== undefined && (!hasVector || text !== undefined)) {
    throw invalidArgument('weigh', 'is for searches with a vector and without a text');
  }
  return { text, ...checkFusion(fusion), ...checkDiversify(given), ...checkGroups(given), weigh };
}

function checkFusion(fusion: Fusion | undefined): { rrfK: number | undefined; alpha: number | undefined } {
  if (fusion === undefined) return { rrfK: undefined, alpha: undefined };
  const read = new Part('fusion', fusion);
  const method = read.value('method');
  if (method !== 'rrf' && method !== 'weighted') {
    throw read.fail('method', `must be 'rrf' or 'weighted', not ${show(method)}`);
  }
  if (method === 'rrf') {
    read.refuseUnknown(['method', 'k']);
    return { rrfK: read.number('k', 0, 1_000_000, true) ?? 60, alpha: undefined };
  }
  read.refuseUnknown(['method', 'alpha']);
  return { rrfK: undefined, alpha: read.number('alpha', 0, 1) ?? 0.5 };
}

function checkDiversify(given: Given): { lambda: number | undefined; diversifyBy: string | undefined } {
  const diversify = own(given, 'diversify');
  if (diversify === undefined) return { lambda: undefined, diversifyBy: undefined };
  const read = new Part('diversify', diversify);
  read.refuseUnknown(['lambda', 'by']);
  const lambda = read.number('lambda', 0, 1);
  if (lambda === undefined) throw read.fail('lambda', 'is required: a number from 0 to 1');
  return { lambda, diversifyBy: read.value('by') === undefined ? undefined : read.string('by') };
}

function checkGroups(given: Given): { groupBy: string | undefined; groupSize: number | undefined } {
  const groups = own(given, 'groupBy');
  if (groups === undefined) return { groupBy: undefined, groupSize: undefined };
  const read = new Part('groupBy', groups);
  read.refuseUnknown(['field', 'size']);
  return { groupBy: read.string('field'), groupSize: read.number('size', 1, MAX_K, true) ?? 1 };
}

/** An object inside a query. */
class Part {
  readonly #name: string;
  readonly #given: Record<string, unknown>;

  constructor(name: string, given: unknown) {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      throw invalidArgument(name, `must be an object, not ${describe(given)}`);
    }
    this.#name = name;
    this.#given = given as Record<string, unknown>;
  }

  fail(name: string, reason: string): AnnywhereError {
    return invalidArgument(`${this.#name}.${name}`, reason);
  }

  refuseUnknown(known: readonly string[]): void {
    refuseUnknown(this.#given, known, (name, reason) => this.fail(name, reason));
  }

  value(name: string): unknown {
    return own(this.#given, name);
  }

  string(name: string): string {
    const value = this.value(name);
    if (typeof value === 'string' && value !== '') return value;
    throw this.fail(name, `must be a non-empty string, not ${show(value)}`);
  }

  number(name: string, least: number, most: number, isInteger = false): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    const fits = typeof value === 'number' && value >= least && value <= most;
    if (fits && (!isInteger || Number.isInteger(value))) return value;
    const kind = isInteger ? 'an integer' : 'a number';
    throw this.fail(name, `must be ${kind} from ${least} to ${most}, not ${show(value)}`);
  }
}

function show(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : describe(value);
}
