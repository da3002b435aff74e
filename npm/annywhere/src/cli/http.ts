/** The HTTP face of a database: a few routes with JSON, on the loopback interface, for callers that know the key. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AnnywhereError, type ErrorCode } from '../errors.js';
import type { Entry, SearchQuery } from '../types.js';
import type { Opened } from './open.js';

const MOST_BODY = 1 << 20;
const MOST_K = 1000;
const HOST = '127.0.0.1';

export interface HttpOptions {
  readonly key: string;
  readonly port: number;
  readonly canWrite: boolean;
}

/** An answer that is no success. */
class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

type Route = (body: Record<string, unknown>) => Promise<object>;

export async function serveHttp(
  opened: Opened,
  { key, port, canWrite }: HttpOptions,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const routes = routesOf(opened, canWrite);
  const wanted = digest(key);
  const server = createServer((request, response) => {
    answer(request, routes, wanted)
      .then((result) => send(response, 200, result))
      .catch((error: unknown) => {
        const { status, code, message } = refusalFor(error);
        send(response, status, { error: { code, message } });
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function routesOf(opened: Opened, canWrite: boolean): Readonly<Record<string, Route>> {
  const { db } = opened;
  const write = (route: Route): Route => (canWrite ? route : () => Promise.reject(readOnly()));
  return {
    'GET /v1/health': async () => ({ ok: true, rows: await db.len() }),
    'GET /v1/info': async () => ({ ...db.getStats() }),
    'POST /v1/search': async (body) => {
      if (typeof body.k === 'number' && body.k > MOST_K) {
        throw new Refusal(
          400,
          'InvalidArgument',
          `argument k: at most ${MOST_K} hits are given, not ${body.k}`,
        );
      }
      const begin = performance.now();
      const hits = await db.search(body as unknown as SearchQuery);
      const found = hits.map((hit) => (hit.vector ? { ...hit, vector: Array.from(hit.vector) } : hit));
      const { complete } = hits;
      return { hits: found, ...(complete !== undefined && { complete }), tookMs: performance.now() - begin };
    },
    'POST /v1/get': async ({ id }) => {
      const row = await db.get(id as string);
      return { row: row && { ...row, vector: Array.from(row.vector) } };
    },
    'POST /v1/upsert': write(async ({ rows }) => {
      const ids = await db.insertBatch(rows as Entry[]);
      await opened.keep();
      return { ids };
    }),
    'POST /v1/delete': write(async ({ ids }) => {
      if (!Array.isArray(ids))
        throw new Refusal(400, 'InvalidArgument', 'argument ids: must be an array of ids');
      let removed = 0;
      for (const id of ids) removed += (await db.delete(id as string)) ? 1 : 0;
      if (removed > 0) await opened.keep();
      return { removed };
    }),
  };
}

async function answer(
  request: IncomingMessage,
  routes: Readonly<Record<string, Route>>,
  wanted: Buffer,
): Promise<object> {
  // A page of another origin that gets a name to point here still sends its own name.
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (host !== HOST && host !== 'localhost')
    throw new Refusal(403, 'Forbidden', `the host ${host} is not served`);
  const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined || !timingSafeEqual(digest(given), wanted)) {
    throw new Refusal(
      401,
      'Unauthorized',
      'the header Authorization: Bearer <key> is missing or has another key',
    );
  }
  const path = new URL(request.url ?? '/', `http://${HOST}`).pathname;
  const route = routes[`${request.method} ${path}`];
  if (route) return route(request.method === 'POST' ? await bodyOf(request) : {});
  const others = Object.keys(routes).filter((name) => name.endsWith(` ${path}`));
  if (others.length > 0) throw new Refusal(405, 'MethodNotAllowed', `use ${others.join(' or ')}`);
  throw new Refusal(404, 'NotFound', `there is no ${path}; there are ${Object.keys(routes).join(', ')}`);
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MOST_BODY) throw new Refusal(413, 'TooLarge', `the body has more than ${MOST_BODY} bytes`);
    chunks.push(chunk as Buffer);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new Refusal(400, 'InvalidArgument', `the body is not JSON: ${(error as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new Refusal(400, 'InvalidArgument', 'the body must be a JSON object');
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  });
  response.end(JSON.stringify(body));
}

/** What the caller did wrong is told; what went wrong here is not. */
function refusalFor(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const isOurs: readonly ErrorCode[] = [
    'EngineFailed',
    'EngineUnavailable',
    'Io',
    'NoSpace',
    'Locked',
    'Closed',
    'Corrupt',
  ];
  if (error instanceof AnnywhereError && !isOurs.includes(error.code)) {
    return new Refusal(400, error.code, error.message);
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return new Refusal(500, 'Internal', 'the server failed; its log says why');
}

const digest = (key: string): Buffer => createHash('sha256').update(key).digest();

const readOnly = () => new Refusal(403, 'ReadOnly', 'the server was started without --write');
