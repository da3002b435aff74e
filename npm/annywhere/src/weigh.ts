/** What rows say about themselves, in a search: checked, and as the core takes it. */
import { type AnnywhereError, describe, invalidArgument } from './errors.js';
import { own, refuseUnknown } from './options.js';
import type { Weigh } from './types.js';

const MOST_POWER = 16;
const MOST_CANDIDATES = 65_536;
const MOST_HALF_LIVES = 1_000;

type Given = Record<string, unknown>;

/** JSON of the core's `weigh`: without what is absent, and `null` for half-lives that never end. */
export function checkWeigh(weigh: Weigh<never> | undefined): Given | undefined {
  if (weigh === undefined) return undefined;
  const names = ['power', 'weight', 'fade', 'expires', 'now', 'minSimilarity', 'candidates'];
  const given = object('weigh', weigh, names);
  const fade = checkFade(own(given, 'fade'));
  const expires = path('weigh.expires', own(given, 'expires'));
  const now = own(given, 'now');
  if (now === undefined && (fade !== undefined || expires !== undefined)) {
    throw invalidArgument('weigh.now', 'is required with fade and expires: a number or a Date');
  }
  const candidates = number('weigh.candidates', own(given, 'candidates'), 1, MOST_CANDIDATES);
  if (candidates !== undefined && !Number.isInteger(candidates)) {
    throw invalidArgument('weigh.candidates', `must be an integer, not ${candidates}`);
  }
  return {
    power: number('weigh.power', own(given, 'power'), 1 / MOST_POWER, MOST_POWER),
    weight: path('weigh.weight', own(given, 'weight')),
    fade,
    expires,
    now: number('weigh.now', isDate(now) ? now.getTime() : now),
    minSimilarity: number('weigh.minSimilarity', own(given, 'minSimilarity')),
    candidates,
  };
}

function checkFade(fade: unknown): Given | undefined {
  if (fade === undefined) return undefined;
  const given = object('weigh.fade', fade, ['time', 'halfLife', 'by', 'halfLives']);
  const time = path('weigh.fade.time', own(given, 'time'));
  if (time === undefined) throw fail('weigh.fade.time', 'is required: a path into the metadata', time);
  const by = path('weigh.fade.by', own(given, 'by'));
  const halfLives = own(given, 'halfLives');
  if ((by === undefined) !== (halfLives === undefined)) {
    throw invalidArgument('weigh.fade.halfLives', 'needs `by`, and `by` needs it');
  }
  return {
    time,
    halfLife: halfLife('weigh.fade.halfLife', own(given, 'halfLife') ?? Number.POSITIVE_INFINITY),
    by,
    halfLives: halfLives === undefined ? undefined : checkHalfLives(halfLives),
  };
}

function checkHalfLives(halfLives: unknown): Given {
  const texts = Object.entries(object('weigh.fade.halfLives', halfLives));
  if (texts.length > MOST_HALF_LIVES) {
    throw invalidArgument('weigh.fade.halfLives', `has ${texts.length} texts, more than ${MOST_HALF_LIVES}`);
  }
  return Object.fromEntries(
    texts.map(([text, value]) => [text, halfLife(`weigh.fade.halfLives.${text}`, value)]),
  );
}

function isDate(value: unknown): value is { getTime(): number } {
  return typeof (value as { getTime?: unknown } | null | undefined)?.getTime === 'function';
}

/** `null`, which JSON has, for `Infinity`, which it has not. */
function halfLife(name: string, value: unknown): number | null {
  if (typeof value === 'number' && value > 0) return value === Number.POSITIVE_INFINITY ? null : value;
  throw fail(name, 'must be a positive number', value);
}

function object(name: string, value: unknown, known?: readonly string[]): Given {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fail(name, 'must be an object', value);
  }
  if (known) refuseUnknown(value, known, (key, reason) => invalidArgument(`${name}.${key}`, reason));
  return value as Given;
}

function path(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw fail(name, 'must be a path into the metadata', value);
}

function number(
  name: string,
  value: unknown,
  least = -Number.MAX_VALUE,
  most = Number.MAX_VALUE,
): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value >= least && value <= most) return value;
  const range = most === Number.MAX_VALUE ? 'a finite number' : `a number from ${least} to ${most}`;
  throw fail(name, `must be ${range}`, value);
}

function fail(name: string, reason: string, value: unknown): AnnywhereError {
  const shown = typeof value === 'number' || typeof value === 'string' ? String(value) : describe(value);
  return invalidArgument(name, value === undefined ? reason : `${reason}, not ${shown}`);
}
