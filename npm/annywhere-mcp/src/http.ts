/**
 * The server over HTTP, for this machine only: it listens on 127.0.0.1, and answers only requests that name it so
 * (`Host`), that come from no web page but those allowed (`Origin`), and that carry the token. A page that a rebound
 * name leads here has the wrong `Host`, whatever address it reached.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createServer, type ServerOptions } from './server.js';

export interface ListenOptions extends ServerOptions {
  /** Default 0: a free one. */
  port?: number;
  /** Default: a random one. */
  token?: string;
  /** Origins of web pages that may ask, such as `http://localhost:5173`. Default: none. */
  allowedOrigins?: readonly string[];
}

export interface Listening {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const PATH = '/mcp';
const LARGEST_BODY = 1 << 20;
const TOKEN_BYTES = 32;
const LEAST_TOKEN = 16;

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function listen(options: ListenOptions): Promise<Listening> {
  const {
    port = 0,
    token = randomBytes(TOKEN_BYTES).toString('base64url'),
    allowedOrigins = [],
    ...server
  } = options;
  if (token.length < LEAST_TOKEN) throw new RangeError(`A token has at least ${LEAST_TOKEN} characters.`);
  const wanted = digest(`Bearer ${token}`);
  const http = createHttpServer((request, response) => {
    answer(request, response).catch((error: unknown) => refuse(response, error));
  });
  http.requestTimeout = 30_000;
  http.maxHeadersCount = 64;
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, HOST, () => {
      http.off('error', reject);
      resolve();
    });
  });
  const { port: actual } = http.address() as AddressInfo;
  const hosts = [`${HOST}:${actual}`, `localhost:${actual}`];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host, origin, authorization } = request.headers;
    if (host === undefined || !hosts.includes(host)) throw new Refusal(403, 'wrong host');
    if (origin !== undefined && !allowedOrigins.includes(origin)) throw new Refusal(403, 'wrong origin');
    if (!timingSafeEqual(digest(authorization ?? ''), wanted)) throw new Refusal(401, 'wrong token');
    if (request.url !== PATH) throw new Refusal(404, 'not found');
    if (request.method !== 'POST') throw new Refusal(405, 'only POST');
    const body = await readJson(request);
    // One server per request: nothing is kept between requests that one client could learn of another.
    const transport = new StreamableHTTPServerTransport({
      enableJsonResponse: true,
      enableDnsRebindingProtection: true,
      allowedHosts: hosts,
    });
    const one = createServer(server);
    response.on('close', () => void one.close());
    response.setHeader('cache-control', 'no-store');
    response.setHeader('x-content-type-options', 'nosniff');
    await one.connect(transport as Parameters<typeof one.connect>[0]);
    await transport.handleRequest(request, response, body);
  }

  return {
    url: `http://${HOST}:${actual}${PATH}`,
    token,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** The body, counted while it comes: what its length claims to be is not believed. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new Refusal(415, 'only application/json');
  }
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > LARGEST_BODY) throw new Refusal(413, `a body has at most ${LARGEST_BODY} bytes`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new Refusal(400, 'not JSON');
  }
}

function refuse(response: ServerResponse, error: unknown): void {
  const refusal = error instanceof Refusal ? error : new Refusal(500, 'the server failed');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(refusal.status, { 'content-type': 'application/json', connection: 'close' });
  response.end(
    JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32000, message: refusal.message } }),
  );
}

/** Of equal length for every text, so that comparing takes the same time. */
function digest(given: string): Buffer {
  return createHash('sha256').update(given).digest();
}
