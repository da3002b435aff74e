/**
 * Year, runtime, rating, votes, popularity and kind as one part of a vector, in which near values are near.
 *
 * A number is spread over bells along its scale: two numbers one width apart have a cosine of about 0.78, three
 * widths apart about 0.1. What is missing is left out and counts for nothing. Ranges belong into filters; this part is
 * for preferences such as "around 1990".
 */
import { invalidArgument } from '../errors.js';
import { defineSpace, type Space } from './space.js';

export type ContentType = 'movie' | 'tv';

export interface Details {
  year?: number | undefined;
  /** Minutes. */
  runtime?: number | undefined;
  /** 0 to 10. */
  rating?: number | undefined;
  votes?: number | undefined;
  popularity?: number | undefined;
  contentType?: ContentType | undefined;
}

type DetailPart = 'year' | 'runtime' | 'rating' | 'votes' | 'popularity' | 'kind';

interface Scale {
  readonly from: number;
  readonly to: number;
  readonly width: number;
  /** To the unit of the scale. */
  readonly of: (value: number) => number;
}

const plain = (value: number) => value;
/** Votes and popularity differ by factors. */
const byFactor = (value: number) => Math.log10(1 + Math.max(0, value));

const SCALES: Readonly<Record<Exclude<DetailPart, 'kind'>, Scale>> = {
  year: { from: 1890, to: 2040, width: 6, of: plain },
  runtime: { from: 0, to: 300, width: 20, of: plain },
  rating: { from: 0, to: 10, width: 1, of: plain },
  votes: { from: 0, to: 7, width: 0.6, of: byFactor },
  popularity: { from: 0, to: 4, width: 0.4, of: byFactor },
};

/** Of every 128 dimensions. */
const SHARES: Readonly<Record<DetailPart, { dimensions: number; weight: number }>> = {
  year: { dimensions: 48, weight: 0.4 },
  kind: { dimensions: 8, weight: 0.2 },
  runtime: { dimensions: 24, weight: 0.1 },
  rating: { dimensions: 16, weight: 0.1 },
  votes: { dimensions: 16, weight: 0.1 },
  popularity: { dimensions: 16, weight: 0.1 },
};
const SHARED_DIMENSIONS = 128;

/** The space inside this part. `dimensions` is a multiple of 128: fewer bells would leave gaps between years. */
export function detailSpace(dimensions = SHARED_DIMENSIONS): Space<DetailPart> {
  if (!(Number.isInteger(dimensions) && dimensions > 0 && dimensions % SHARED_DIMENSIONS === 0)) {
    throw invalidArgument(
      'dimensions',
      `must be a multiple of ${SHARED_DIMENSIONS}, not ${String(dimensions)}`,
    );
  }
  const times = dimensions / SHARED_DIMENSIONS;
  const parts = Object.entries(SHARES).map(([name, { dimensions, weight }]) => [
    name,
    { dimensions: dimensions * times, weight },
  ]);
  return defineSpace(Object.fromEntries(parts) as Record<DetailPart, { dimensions: number; weight: number }>);
}

/** A number on its scale; numbers beyond the ends count as the ends. */
export function encodeNumber(part: keyof typeof SCALES, value: number, dimensions: number): Float32Array {
  const { from, to, width, of } = SCALES[part];
  const place = Math.max(from, Math.min(to, of(value)));
  const step = (to - from) / (dimensions - 1);
  return Float32Array.from({ length: dimensions }, (_, i) =>
    Math.exp(-0.5 * ((from + i * step - place) / width) ** 2),
  );
}

/** The parts that are known; what is missing or no number is left out. */
export function detailParts(
  details: Details,
  space: Space<DetailPart>,
): Partial<Record<DetailPart, Float32Array>> {
  const parts: Partial<Record<DetailPart, Float32Array>> = {};
  for (const name of Object.keys(SCALES) as (keyof typeof SCALES)[]) {
    const value = details[name];
    if (typeof value === 'number' && Number.isFinite(value)) {
      parts[name] = encodeNumber(name, value, space.parts[name].dimensions);
    }
  }
  if (details.contentType !== undefined) {
    const { dimensions } = space.parts.kind;
    const half = dimensions / 2;
    const kind = new Float32Array(dimensions);
    parts.kind = details.contentType === 'movie' ? kind.fill(1, 0, half) : kind.fill(1, half, dimensions);
  }
  return parts;
}
