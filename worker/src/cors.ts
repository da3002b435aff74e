/** Pages of listed origins may read the replies. Without a list no page may: keys belong on servers. */

// For how long a browser remembers the answer to its preflight request; browsers cut it at two hours or less.
const PREFLIGHT_SECONDS = '7200';

/** The headers that let a page of this request's origin read the reply; none for origins that are not listed. */
export function corsHeaders(request: Request, origins: ReadonlySet<string>): Record<string, string> {
  const origin = request.headers.get('origin');
  return origin !== null && origins.has(origin) ? { 'access-control-allow-origin': origin } : {};
}

/** The answer to a browser that asks before it sends; `undefined` if this is no such request. */
export function preflight(
  request: Request,
  allowed: string,
  cors: Record<string, string>,
): Response | undefined {
  const asks = request.method === 'OPTIONS' && request.headers.has('access-control-request-method');
  if (!asks || Object.keys(cors).length === 0) return undefined;
  const headers = {
    'access-control-allow-methods': allowed,
    'access-control-allow-headers': 'authorization, content-type',
    'access-control-max-age': PREFLIGHT_SECONDS,
  };
  return new Response(null, { status: 204, headers });
}
