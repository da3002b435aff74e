/**
 * One vector made of parts, such as plot, genres and mood, whose dot product is a weighted mean of the parts' cosines.
 *
 * A part is brought to unit length and multiplied by the square root of its weight, so a stored vector with all its
 * parts has length one. A query carries only the parts that it says something about, each divided by the weights
 * present: a query about the plot alone scores near 1 against its own item, however small the plot's weight is. That
 * holds for the dot product; under cosine the order is the same and the scores are smaller by a factor per query.
 */
import { AnnywhereError, describe, invalidArgument, invalidOption } from '../errors.js';
import { own, refuseUnknown } from '../options.js';
import type { Vector } from '../types.js';

export interface PartOptions {
  /** Numbers of this part. */
  dimensions: number;
  /** Its share of the score, in relation to the other parts. Default 1. */
  weight?: number;
}

/** Where a part lies, and what it counts. */
export interface Part {
  readonly name: string;
  /** Index of its first number. */
  readonly offset: number;
  /** Index after its last number. */
  readonly end: number;
  readonly dimensions: number;
  /** Its share of the score when all parts are present: the shares add up to 1. */
  readonly weight: number;
}

export interface QueryOptions<Name extends string> {
  /** Other weights than those of the space, for this query. */
  weights?: Partial<Record<Name, number>>;
  /**
   * Parts that are already scaled so that their dot product with a unit part is the part's score, as the query of a
   * space inside this part is. Default: none, all are brought to unit length.
   */
  scaled?: readonly Name[];
}

export type Parts<Name extends string> = { [K in Name]?: Vector | undefined };

/** The parts of a vector, one after the other in the order given. */
export function defineSpace<Name extends string>(parts: Record<Name, number | PartOptions>): Space<Name> {
  return new Space(parts);
}

export class Space<Name extends string> {
  readonly dimensions: number;
  readonly names: readonly Name[];
  readonly parts: Readonly<Record<Name, Part>>;
  /** The metric under which scores are weighted means. */
  readonly distanceMetric = 'dot';

  constructor(parts: Record<Name, number | PartOptions>) {
    this.names = Object.keys(parts) as Name[];
    if (this.names.length === 0) throw invalidOption('parts', 'must name at least one part');
    const options = this.names.map((name) => checkPart(name, parts[name]));
    const sum = options.reduce((total, { weight }) => total + weight, 0);
    let offset = 0;
    const placed: [Name, Part][] = options.map(({ name, dimensions, weight }) => {
      const part = { name, offset, end: offset + dimensions, dimensions, weight: weight / sum };
      offset += dimensions;
      return [name as Name, part];
    });
    this.dimensions = offset;
    this.parts = Object.fromEntries(placed) as Record<Name, Part>;
  }

  /**
   * The vector to store. A part that is absent, or has no direction, stays zero and adds nothing to any score.
   * Throws `WrongDimension`, `NotFinite`, or `ZeroVector` if nothing is left.
   */
  compose(parts: Parts<Name>): Float32Array {
    const vector = new Float32Array(this.dimensions);
    for (const [part, given, length] of this.#present(parts, [])) {
      write(vector, part, given, Math.sqrt(part.weight) / length);
    }
    return vector;
  }

  /** The vector to search with: scores are means of the cosines of the parts given, weighted. Throws as `compose`. */
  query(parts: Parts<Name>, options: QueryOptions<Name> = {}): Float32Array {
    refuseUnknown(options, ['weights', 'scaled'], invalidArgument);
    const weights = this.#weights(own(options, 'weights'));
    const vector = new Float32Array(this.dimensions);
    const present = this.#present(parts, own(options, 'scaled') ?? []).filter(
      ([part]) => weights[part.name as Name] > 0,
    );
    const sum = present.reduce((total, [part]) => total + weights[part.name as Name], 0);
    if (sum === 0) throw nothingLeft('every part that is given has the weight 0');
    for (const [part, given, length] of present) {
      const weight = weights[part.name as Name] / sum;
      write(vector, part, given, weight / (Math.sqrt(part.weight) * length));
    }
    return vector;
  }

  /** A search for what is like a stored vector in these parts only. */
  mask(stored: Vector, names: readonly Name[] = this.names, options: QueryOptions<Name> = {}): Float32Array {
    checkNumbers(stored, this.dimensions, 'stored');
    const parts: Parts<Name> = {};
    for (const name of names) {
      this.#known(name, 'names');
      parts[name] = this.part(stored, name);
    }
    return this.query(parts, options);
  }

  /** The numbers of one part, copied. */
  part(vector: Vector, name: Name): Float32Array {
    const { offset, end } = this.#known(name, 'name');
    return Float32Array.from(vector.slice(offset, end));
  }

  /** What each part adds to the score of a query against a stored vector; together they are the score. */
  contributions(query: Vector, stored: Vector): Record<Name, number> {
    checkNumbers(query, this.dimensions, 'query');
    checkNumbers(stored, this.dimensions, 'stored');
    const added = this.names.map((name) => {
      const { offset, end } = this.parts[name];
      let sum = 0;
      for (let i = offset; i < end; i++) sum += (query[i] as number) * (stored[i] as number);
      return [name, sum];
    });
    return Object.fromEntries(added) as Record<Name, number>;
  }

  /** Parts that are there and have a direction, with their lengths. */
  #present(parts: Parts<Name>, scaled: readonly Name[]): [Part, Vector, number][] {
    refuseUnknown(parts, this.names, invalidArgument);
    const present: [Part, Vector, number][] = [];
    for (const name of this.names) {
      const given = own(parts, name) as Vector | undefined;
      if (given === undefined) continue;
      const part = this.parts[name];
      checkNumbers(given, part.dimensions, name);
      const length = lengthOf(given);
      if (length > 0) present.push([part, given, scaled.includes(name) ? 1 : length]);
    }
    if (present.length === 0) throw nothingLeft('no part is given that has a direction');
    return present;
  }

  #weights(given: Partial<Record<Name, number>> = {}): Record<Name, number> {
    refuseUnknown(given, this.names, (name, reason) => invalidArgument(`weights.${name}`, reason));
    const weights = this.names.map((name) => {
      const weight = own(given, name) ?? this.parts[name].weight;
      if (!(typeof weight === 'number' && Number.isFinite(weight) && weight >= 0)) {
        throw invalidArgument(`weights.${name}`, `must be a number of at least 0, not ${String(weight)}`);
      }
      return [name, weight];
    });
    return Object.fromEntries(weights) as Record<Name, number>;
  }

  #known(name: Name, argument: string): Part {
    if (!Object.hasOwn(this.parts, name)) {
      throw invalidArgument(argument, `'${name}' is no part; known are ${this.names.join(', ')}`);
    }
    return this.parts[name];
  }
}

function checkPart(name: string, given: number | PartOptions): { name: string } & Required<PartOptions> {
  const options = typeof given === 'number' ? { dimensions: given } : given;
  if (typeof options !== 'object' || options === null) {
    throw invalidOption(
      name,
      `must be a number of dimensions or { dimensions, weight }, not ${describe(given)}`,
    );
  }
  refuseUnknown(options, ['dimensions', 'weight'], (option, reason) =>
    invalidOption(`${name}.${option}`, reason),
  );
  const { dimensions, weight = 1 } = options;
  if (!(Number.isInteger(dimensions) && dimensions > 0)) {
    throw invalidOption(`${name}.dimensions`, `must be a positive integer, not ${String(dimensions)}`);
  }
  if (!(typeof weight === 'number' && weight > 0 && Number.isFinite(weight))) {
    throw invalidOption(`${name}.weight`, `must be a positive number, not ${String(weight)}`);
  }
  return { name, dimensions, weight };
}

function checkNumbers(given: Vector, dimensions: number, argument: string): void {
  if (!Array.isArray(given) && !(given instanceof Float32Array)) {
    throw invalidArgument(argument, `must be a Float32Array or an array of numbers, not ${describe(given)}`);
  }
  if (given.length !== dimensions) {
    const details = { expected: dimensions, received: given.length };
    throw new AnnywhereError(
      'WrongDimension',
      `${argument} has ${given.length} numbers; expected ${dimensions}`,
      details,
    );
  }
  const component = (given as readonly number[]).findIndex((value) => !Number.isFinite(value));
  if (component >= 0) {
    const value = String(given[component]);
    throw new AnnywhereError('NotFinite', `${argument}: component ${component} is ${value}`, {
      component,
      value,
    });
  }
}

function nothingLeft(reason: string): AnnywhereError {
  return new AnnywhereError('ZeroVector', `a vector of parts needs one: ${reason}`);
}

function lengthOf(vector: Vector): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (vector[i] as number) ** 2;
  return Math.sqrt(sum);
}

function write(into: Float32Array, part: Part, given: Vector, scale: number): void {
  for (let i = 0; i < part.dimensions; i++) into[part.offset + i] = (given[i] as number) * scale;
}
