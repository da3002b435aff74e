/** From a request to its reply: settings, path, method, key; and what every reply has in common. */
import { authorize } from './auth';
import { corsHeaders, preflight } from './cors';
import { invalidArgument, Problem, problemOf } from './problem';
import type { Context, Env } from './runtime';
import { search } from './search';
import { readSettings } from './settings';

interface Route {
  readonly methods: readonly string[];
  readonly needsKey: boolean;
  reply(request: Request, env: Env, context: Context): Response | Promise<Response>;
}

const ABOUT = `annywhere: vector search at the edge.

POST /search  {"text": "a person who loves books", "k": 10}  with Authorization: Bearer <key>
GET /health

The index holds definitions of WordNet 3.1, Copyright 2011 by Princeton University.
`;

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/', { methods: ['GET', 'HEAD'], needsKey: false, reply: () => new Response(ABOUT) }],
  ['/health', { methods: ['GET', 'HEAD'], needsKey: false, reply: () => Response.json({ status: 'ok' }) }],
  ['/search', { methods: ['POST'], needsKey: true, reply: search }],
]);

const EVERY_REPLY = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  vary: 'origin',
};

export async function respond(request: Request, env: Env, context: Context): Promise<Response> {
  let cors: Record<string, string> = {};
  let reply: Response;
  try {
    const { keyHashes, origins } = readSettings(env);
    cors = corsHeaders(request, origins);
    reply = await route(request, env, context, keyHashes, cors);
  } catch (thrown) {
    const problem = problemOf(thrown);
    if (problem.status >= 500) console.error(problem.code, problem.cause ?? problem.message);
    reply = problem.toResponse();
  }
  for (const [name, value] of Object.entries({ ...EVERY_REPLY, ...cors })) reply.headers.set(name, value);
  return reply;
}

async function route(
  request: Request,
  env: Env,
  context: Context,
  keyHashes: readonly Uint8Array[],
  cors: Record<string, string>,
): Promise<Response> {
  const url = new URL(request.url);
  const found = ROUTES.get(url.pathname);
  if (!found) throw new Problem(404, 'NotFound', 'There is nothing here. GET / says what there is.');
  const allowed = found.methods.join(', ');
  const asked = preflight(request, allowed, cors);
  if (asked) return asked;
  if (!found.methods.includes(request.method)) {
    throw new Problem(405, 'MethodNotAllowed', `Only ${allowed} can be used here.`, {
      headers: { allow: allowed },
    });
  }
  if (found.needsKey) await authorize(request, keyHashes);
  if (url.search !== '')
    throw invalidArgument('The query string', 'must be empty; parameters go into the body');
  return found.reply(request, env, context);
}
