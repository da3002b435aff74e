/**
 * Refusals as RFC 9457 problem details. `code` is stable and for programs, `detail` a sentence for people, `details`
 * the numbers in it. A reply never holds a stack, a path, a key, or the text that was asked for.
 */
import { AnnywhereError, type ErrorCode } from 'annywhere';

type Details = Readonly<Record<string, string | number>>;

/** The title that RFC 9457 wants beside the type `about:blank`: the phrase of the status. */
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** What the package refuses because of the query that was sent; anything else is our fault. */
const QUERY_ERRORS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'WrongDimension',
  'NotFinite',
  'ZeroVector',
  'TooLarge',
  'InvalidArgument',
]);

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: Details;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    detail: string,
    {
      details = {},
      headers = {},
      cause,
    }: { details?: Details; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(detail, { cause });
    this.status = status;
    this.code = code;
    this.details = details;
    this.headers = headers;
  }

  toResponse(): Response {
    const body = {
      type: 'about:blank',
      title: TITLES[this.status],
      status: this.status,
      code: this.code,
      detail: this.message,
      ...(Object.keys(this.details).length > 0 && { details: this.details }),
    };
    const headers = { ...this.headers, 'content-type': 'application/problem+json' };
    return new Response(JSON.stringify(body), { status: this.status, headers });
  }
}

export function invalidArgument(argument: string, reason: string): Problem {
  return new Problem(400, 'InvalidArgument', `${argument} ${reason}.`, { details: { argument, reason } });
}

/** Anything thrown, as a problem. What it was stays in `cause`, for the log. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof AnnywhereError) {
    if (QUERY_ERRORS.has(thrown.code)) {
      return new Problem(400, thrown.code, `${thrown.message}.`, { details: thrown.details });
    }
    if (thrown.code === 'EngineFailed') {
      return unavailable(
        'EngineFailed',
        'The search engine failed. The next request starts a fresh one.',
        thrown,
      );
    }
    if (thrown.code === 'OutOfMemory') {
      return unavailable('OutOfMemory', 'The memory does not suffice for this search.', thrown);
    }
  }
  return new Problem(500, 'Internal', 'The request failed for a reason that is not yours.', {
    cause: thrown,
  });
}

export function unavailable(code: string, detail: string, cause: unknown): Problem {
  return new Problem(503, code, detail, { headers: { 'retry-after': '1' }, cause });
}
