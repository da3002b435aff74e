// A page of Chromium that can import what the package has in `dist`, from its root.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser } from './demo.mjs';

const dist = fileURLToPath(new URL('../../npm/annywhere/dist', import.meta.url));

export async function openPackagePage() {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://host');
    if (pathname === '/') {
      const html = '<!doctype html><link rel="icon" href="data:,">';
      return response.setHeader('content-type', 'text/html').end(html);
    }
    try {
      const type = pathname.endsWith('.js') ? 'text/javascript' : 'application/wasm';
      return response.setHeader('content-type', type).end(readFileSync(join(dist, pathname)));
    } catch {
      return response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await openBrowser();
  const page = await browser.context.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const close = async () => {
    await browser.close();
    server.close();
  };
  return { page, close };
}
