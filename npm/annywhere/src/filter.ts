/**
 * Filters as JSON text. The engine knows the language; here is only seen to it that JSON changes nothing silently, so that a
 * filter never asks for more rows than it says.
 */
import { AnnywhereError, describe } from './errors.js';
import { loneSurrogate } from './ids.js';

/** The engine allows fewer levels; this keeps the text within what it can read. */
const MAX_DEPTH = 100;

/** JSON text of a filter. Dates become ISO strings. */
export function filterToJson(filter: unknown): string {
  if (!isObject(filter)) throw fail('', `must be an object, not ${describe(filter)}`);
  check(filter, '', 0);
  return JSON.stringify(filter);
}

function check(value: unknown, path: string, depth: number): void {
  switch (typeof value) {
    case 'boolean':
      return;
    case 'string':
      if (loneSurrogate.test(value)) throw fail(path, 'is not well-formed: it has half of a surrogate pair');
      return;
    case 'number':
      if (!Number.isFinite(value)) throw fail(path, `is ${value}, which no field can be compared with`);
      return;
    case 'object':
      if (value !== null) checkObject(value, path, depth);
      return;
    default:
      throw fail(path, `is ${describe(value)}, which no field can be compared with`);
  }
}

function checkObject(value: object, path: string, depth: number): void {
  if (depth === MAX_DEPTH) throw fail(path, `is nested deeper than ${MAX_DEPTH} levels`);
  if (Object.prototype.toString.call(value) === '[object Date]') {
    if (Number.isNaN((value as Date).getTime())) throw fail(path, 'is an invalid Date');
    return;
  }
  if (!Array.isArray(value) && !isObject(value)) {
    throw fail(path, `is ${describe(value)}, which no field can be compared with`);
  }
  // Holes of an array are `undefined` here.
  for (const [key, inner] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    check(inner, path === '' ? String(key) : `${path}.${key}`, depth + 1);
  }
}

function isObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function fail(path: string, reason: string): AnnywhereError {
  return new AnnywhereError('InvalidFilter', `the filter ${path === '' ? '' : `at ${path} `}${reason}`, {
    path,
    reason,
  });
}
