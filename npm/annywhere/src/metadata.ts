/**
 * Metadata as JSON text. What JSON would change silently is refused with the path to it; the two changes made are
 * documented: a Date becomes its ISO string, and a property that is `undefined` is left out.
 */
import { AnnywhereError, describe } from './errors.js';
import { loneSurrogate } from './ids.js';

/** The engine's JSON parser stops at 128 levels; a row's own brackets take a few of them. */
const MAX_DEPTH = 100;

/** JSON text of an object, or `null` for none. */
export function metadataToJson(metadata: unknown, row = 0): string {
  if (metadata === undefined || metadata === null) return 'null';
  const check = new Check(row);
  if (!isPlainObject(metadata)) throw check.fail('', `must be an object, not ${describe(metadata)}`);
  check.value(metadata, '', 0);
  return JSON.stringify(metadata);
}

/** Keys such as `__proto__` become own properties: JSON.parse defines, it does not assign. */
export function metadataFromJson<Meta extends object>(text: string): Meta {
  return JSON.parse(text) as Meta;
}

class Check {
  readonly #row: number;
  /** The objects on the way down to the value at hand. */
  readonly #above: object[] = [];

  constructor(row: number) {
    this.#row = row;
  }

  value(value: unknown, path: string, depth: number): void {
    switch (typeof value) {
      case 'boolean':
        return;
      case 'string':
        if (loneSurrogate.test(value))
          throw this.fail(path, 'is not well-formed: it has half of a surrogate pair');
        return;
      case 'number':
        if (!Number.isFinite(value)) throw this.fail(path, `is ${value}, which JSON cannot hold`);
        return;
      case 'object':
        if (value !== null) this.#object(value, path, depth);
        return;
      default:
        throw this.fail(path, `is ${describe(value)}, which JSON cannot hold`);
    }
  }

  fail(path: string, reason: string): AnnywhereError {
    const sentence = path === '' ? reason : `at ${path} ${reason}`;
    return new AnnywhereError('InvalidMetadata', `the metadata of row ${this.#row} ${sentence}`, {
      row: this.#row,
      reason: sentence,
    });
  }

  #object(value: object, path: string, depth: number): void {
    if (this.#above.includes(value)) throw this.fail(path, 'contains itself');
    if (depth === MAX_DEPTH) throw this.fail(path, `is nested deeper than ${MAX_DEPTH} levels`);
    if (isDate(value)) {
      if (Number.isNaN(value.getTime())) throw this.fail(path, 'is an invalid Date');
      return;
    }
    this.#above.push(value);
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) this.value(value[i], `${path}[${i}]`, depth + 1);
    } else if (isPlainObject(value)) {
      this.#properties(value, path, depth);
    } else {
      throw this.fail(path, `is ${describe(value)}, which JSON cannot hold`);
    }
    this.#above.pop();
  }

  #properties(value: Record<string, unknown>, path: string, depth: number): void {
    for (const symbol of Object.getOwnPropertySymbols(value)) {
      throw this.fail(path, `has the key ${String(symbol)}, which JSON cannot hold`);
    }
    for (const key of Object.keys(value)) {
      const at = path === '' ? key : `${path}.${key}`;
      if (loneSurrogate.test(key)) throw this.fail(at, 'has a key with half of a surrogate pair');
      const property = value[key];
      if (property !== undefined) this.value(property, at, depth + 1);
    }
  }
}

/** Made by `{}`, by JSON, or without a prototype, in this realm or another. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isDate(value: object): value is Date {
  return Object.prototype.toString.call(value) === '[object Date]';
}
