// What the tests of the demo share: the built page on a local server, and a Chromium with a profile of its own.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'www', 'dist');

export const results = fileURLToPath(new URL('results', import.meta.url));

/** All synsets of WordNet 3.1. */
export const ALL_ROWS = 117_791;

/** Enough rows to search in, few enough to index in a moment. */
export const FEW_ROWS = 3000;

// No sandbox: tests may run as root in a container. The others keep the browser from working or calling on its own.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

// A page of this origin that is not the demo: it holds a file the way another program would.
const HOLDER = {
  '/holder.html': [
    'text/html',
    '<link rel="icon" href="data:,"><script>window.holder = new Worker("/holder.js")</script>',
  ],
  '/holder.js': [
    'text/javascript',
    `onmessage = async ({ data }) => {
      const directory = await navigator.storage.getDirectory();
      self.handle = await (await directory.getFileHandle(data)).createSyncAccessHandle();
      postMessage('held');
    };`,
  ],
};

/** Builds the demo and serves it like any static host: no special headers. */
export async function serveDemo() {
  await promisify(execFile)('npm', ['run', 'build', '-w', 'www'], { cwd: root });
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://host').pathname;
    const [type, body] = HOLDER[path] ?? readBuilt(path);
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': type }).end(body);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { port: server.address().port, close: () => server.close() };
}

function readBuilt(path) {
  const file = normalize(path.endsWith('/') ? `${path}index.html` : path);
  try {
    return [TYPES[extname(file)] ?? 'application/octet-stream', readFileSync(join(dist, file))];
  } catch {
    return ['text/plain', undefined];
  }
}

/** A browser with a fresh profile. `errors` and `requests` gather what all of its pages say and ask for. */
export async function openBrowser({ flags = [], ...options } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'annywhere-profile-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    headless: true,
    args: [...FLAGS, ...flags],
    viewport: { width: 1180, height: 900 },
    ...options,
  });
  const errors = [];
  const requests = [];
  const isProblem = (message) => ['error', 'warning'].includes(message.type());
  context.on('console', (message) => isProblem(message) && errors.push(message.text()));
  context.on('weberror', ({ error }) => errors.push(String(error())));
  context.on('request', (request) => requests.push(request.url()));
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { context, errors, requests, close };
}

/** Waits for a phase of the dictionary, as the status line shows it. */
export const phase = (page, name, timeout = 30_000) =>
  page.waitForSelector(`#status[data-phase="${name}"]`, { timeout });

/** Types a query and returns the words of its hits: an array of words per hit, best first. */
export async function ask(page, query) {
  await page.fill('#query', query);
  await page.waitForFunction((asked) => document.getElementById('hits').dataset.query === asked, query);
  return hits(page);
}

export const hits = (page) =>
  page.$$eval('#hits li:not([hidden])', (items) =>
    items.map((item) => {
      const text = (name) => item.querySelector(name).textContent;
      return `${text('.word')}${text('.others')}`.split(', ');
    }),
  );

/** The exact number behind a figure of the page. */
export const figure = (page, name) =>
  page.$eval(`[data-figure="${name}"]`, (element) => Number(element.dataset.value));

/** The text of the notice; empty if there is none. */
export const notice = (page) => page.$eval('#notice', (element) => (element.hidden ? '' : element.innerText));
