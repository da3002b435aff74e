/** Vectors as they are given: copied at the call, so that the caller may reuse its memory. */
import { AnnywhereError, describe, invalidArgument } from './errors.js';

/** A copy as 32-bit floats. `row` is the row's index in a batch; absent for a query. */
export function copyVector(vector: unknown, dimensions: number, row?: number): Float32Array {
  const copy = new Float32Array(dimensions);
  copyVectorInto(copy, 0, vector, row);
  return copy;
}

/** Copies a vector to `target` at `offset`; `dimensions` is what one vector must have. */
export function copyVectorInto(
  target: Float32Array,
  offset: number,
  vector: unknown,
  row?: number,
  dimensions: number = target.length,
): void {
  if (isFloat32Array(vector)) {
    checkLength(vector.length, dimensions, row);
    // The engine refuses NaN and infinities: its scan is faster than one here.
    target.set(vector, offset);
  } else if (Array.isArray(vector)) {
    checkLength(vector.length, dimensions, row);
    for (let component = 0; component < dimensions; component++) {
      target[offset + component] = checkComponent(vector[component], component, row);
    }
  } else {
    const sentence = `must be a Float32Array or an array of numbers, not ${describe(vector)}`;
    const remedy = ArrayBuffer.isView(vector) ? '; convert it with Float32Array.from(..)' : '';
    throw invalidArgument(row === undefined ? 'vector' : `vector of row ${row}`, sentence + remedy);
  }
}

/** True for arrays of other realms too, such as those of a frame or a test runner. */
export function isFloat32Array(value: unknown): value is Float32Array {
  return ArrayBuffer.isView(value) && (value as Float32Array)[Symbol.toStringTag] === 'Float32Array';
}

function checkLength(received: number, expected: number, row: number | undefined): void {
  if (received === expected) return;
  throw new AnnywhereError(
    'WrongDimension',
    `${place(row)} has ${received} dimensions, this database holds vectors of ${expected}`,
    { expected, received, ...(row !== undefined && { row }) },
  );
}

function checkComponent(value: unknown, component: number, row: number | undefined): number {
  if (typeof value !== 'number') {
    const argument = row === undefined ? 'vector' : `vector of row ${row}`;
    throw invalidArgument(argument, `component ${component} must be a number, not ${describe(value)}`);
  }
  if (Number.isFinite(Math.fround(value))) return value;
  throw new AnnywhereError(
    'NotFinite',
    `${place(row)} has ${value} at component ${component}; every component must be a finite 32-bit float`,
    { component, value: String(value), ...(row !== undefined && { row }) },
  );
}

function place(row: number | undefined): string {
  return row === undefined ? 'the query' : `row ${row}`;
}
