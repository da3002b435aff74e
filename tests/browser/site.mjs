// A site of a test: the files of this checkout, and pages made up by the test. It is a simple server: no special headers, and
// it does not know the type of a .wasm.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' };

/**
 * Serves `made`, texts by their path, and the files of the checkout.
 *
 * @param {Record<string, string>} made
 * @param {object} [options]
 * @param {string[]} [options.hidden] ends of paths where there is nothing
 * @param {(path: string, body: Buffer | string) => Buffer | string} [options.change] what a file is served as
 * @param {(url: URL) => boolean} [options.heard] true if the request only had to be heard
 */
export async function serveSite(made, { hidden = [], change = (_, body) => body, heard = () => false } = {}) {
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://host');
    const { pathname } = url;
    if (heard(url)) return response.end();
    try {
      if (hidden.some((name) => pathname.endsWith(name))) throw new Error('hidden');
      const body = change(pathname, made[pathname] ?? readFileSync(join(root, pathname)));
      response.writeHead(200, { 'content-type': TYPES[extname(pathname)] ?? 'application/octet-stream' });
      return response.end(body);
    } catch {
      return response.writeHead(404, { 'content-type': 'text/html' }).end('not here');
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
