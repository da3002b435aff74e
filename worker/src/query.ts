/** A search as it is sent: every field known and in its range, or the request is refused. */
import { invalidArgument, Problem } from './problem';

const FIELDS = ['text', 'vector', 'k', 'threshold'];
const DEFAULT_K = 10;
const MAX_K = 100;

// A field's name comes from outside and is repeated in the reply.
const NAME_SHOWN = 64;

export interface Query {
  readonly text: string | undefined;
  /** Length and components are checked by the package. */
  readonly vector: readonly number[] | undefined;
  readonly k: number;
  readonly threshold: number | undefined;
}

export function readQuery(body: unknown): Query {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalidArgument('body', 'must be an object with text or vector');
  }
  const unknown = Object.keys(body).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    const field = unknown.slice(0, NAME_SHOWN);
    throw new Problem(
      400,
      'UnknownField',
      `The field ${JSON.stringify(field)} is unknown; known are ${FIELDS.join(', ')}.`,
      {
        details: { field },
      },
    );
  }
  // Own properties only: all others have just been refused.
  const { text, vector, k = DEFAULT_K, threshold } = body as Record<string, unknown>;
  if ((text === undefined) === (vector === undefined)) {
    throw invalidArgument('body', 'must have either text or vector');
  }
  if (text !== undefined && typeof text !== 'string') throw invalidArgument('text', 'must be a string');
  if (vector !== undefined && !Array.isArray(vector)) {
    throw invalidArgument('vector', 'must be an array of numbers');
  }
  if (typeof k !== 'number' || !Number.isInteger(k) || k < 1 || k > MAX_K) {
    throw invalidArgument('k', `must be an integer from 1 to ${MAX_K}`);
  }
  if (threshold !== undefined && (typeof threshold !== 'number' || !Number.isFinite(threshold))) {
    throw invalidArgument('threshold', 'must be a finite number');
  }
  return { text, vector, k, threshold };
}
