// Starts the endpoint in workerd, as `worker/wrangler.jsonc` would deploy it, and asks it over HTTP.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const root = resolve(import.meta.dirname, '../..');
const worker = join(root, 'worker');
const { Miniflare } = await import(
  pathToFileURL(createRequire(join(worker, 'package.json')).resolve('miniflare'))
);

export const KEY = 'anw_the-key-of-the-tests';
export const SECOND_KEY = 'anw_another-key-of-the-tests';
export const sha256 = (data) => createHash('sha256').update(data).digest('hex');

export const BINDINGS = {
  API_KEY_HASHES: `${sha256(KEY)}, ${sha256(SECOND_KEY)}`,
  ALLOWED_ORIGINS: 'https://app.example https://other.example:8443',
};

const LOG_WITHIN_MS = 5000;
const LOG_POLL_MS = 20;

/** Everything that must never be in a reply. */
const SECRETS = [
  KEY,
  SECOND_KEY,
  sha256(KEY),
  sha256(SECOND_KEY),
  root,
  'node_modules',
  '.annw',
  '.ts:',
  '.js:',
  '    at ',
];

/** Builds what is missing or has changed. */
export function buildWorker() {
  for (const script of ['build-index', 'build']) {
    execFileSync('npm', ['run', '--silent', script, '-w', 'worker'], { cwd: root, stdio: 'inherit' });
  }
}

const deployed = () =>
  JSON.parse(readFileSync(join(worker, 'wrangler.jsonc'), 'utf8').replace(/^\s*\/\/.*$/gm, ''));

export const assetFolder = () => join(worker, deployed().assets.directory);
export const asset = (name) => readFileSync(join(assetFolder(), name));
export const manifest = () => JSON.parse(asset('manifest.json'));

/** The binding to the real files, with the worker in front of them. */
export function assets() {
  const { directory, binding, run_worker_first } = deployed().assets;
  const routerConfig = { has_user_worker: true, invoke_user_worker_ahead_of_assets: run_worker_first };
  return { assets: { directory: join(worker, directory), binding, routerConfig } };
}

/** Miniflare options for one worker; `folder` holds the bundled script. */
export function workerOptions(name, options = {}, folder = join(worker, 'dist/script')) {
  return {
    name,
    // The first worker gets what no route names. Miniflare does not look for assets on the way along a route.
    ...(name !== 'main' && { routes: [`${name}.test/*`] }),
    modulesRoot: folder,
    modules: [
      { type: 'ESModule', path: join(folder, 'index.js') },
      { type: 'CompiledWasm', path: join(folder, 'annywhere.wasm') },
    ],
    compatibilityDate: deployed().compatibility_date,
    bindings: BINDINGS,
    ...options,
  };
}

/** Runs workers; `ask` sends a request and notes the reply for `leaks()`. */
export class Edge {
  #replies = [];
  /** What the workers logged. */
  log = '';

  /** An option that is no worker's, such as `r2Persist`, is in an object without a `name`. */
  constructor(...given) {
    const workers = given.filter(({ name }) => name !== undefined);
    this.miniflare = new Miniflare({
      ...Object.assign({}, ...given.filter(({ name }) => name === undefined)),
      workers,
      handleRuntimeStdio: (stdout, stderr) => {
        for (const stream of [stdout, stderr]) stream.on('data', (text) => (this.log += text));
      },
    });
  }

  get ready() {
    return this.miniflare.ready;
  }

  /** `path` may name a worker: `//name.test/search`. */
  async ask(path, { key = KEY, ...init } = {}) {
    const headers = new Headers(init.headers);
    if (key !== undefined && key !== null) headers.set('authorization', `Bearer ${key}`);
    // Plain objects: Miniflare brings its own Headers class.
    const options = { ...init, headers: Object.fromEntries(headers) };
    const response = await this.miniflare.dispatchFetch(new URL(path, 'https://main.test').href, options);
    const text = await response.text();
    this.#replies.push(`${response.status} ${JSON.stringify([...response.headers])} ${text}`);
    const isJson = text !== '' && /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
  }

  /** `POST /search` with a value as JSON. */
  search(value, init = {}, path = '/search') {
    const headers = { 'content-type': 'application/json', ...init.headers };
    return this.ask(path, { method: 'POST', body: JSON.stringify(value), ...init, headers });
  }

  /**
   * `POST /search` with a body in chunks of unstated length, through a connection of its own. With `end: false` the
   * body never ends, and the reply must come all the same.
   */
  async searchInChunks(chunks, { end = true } = {}) {
    const request = httpRequest(new URL('/search', await this.ready), {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      agent: false,
    });
    const replied = once(request, 'response');
    // Nothing may be written after the chunk that brings a refusal: the connection is closed then, and what meets a
    // closed connection takes the reply along.
    for (const chunk of chunks.slice(0, -1)) request.write(chunk);
    if (end) request.end(chunks.at(-1));
    else request.write(chunks.at(-1));
    const [response] = await replied;
    const text = Buffer.concat(await response.toArray()).toString();
    request.destroy();
    this.#replies.push(`${response.statusCode} ${JSON.stringify(response.headers)} ${text}`);
    return {
      status: response.statusCode,
      headers: new Headers(response.headers),
      text,
      body: JSON.parse(text),
    };
  }

  /** Resolves when the log matches, which may be a little after the reply; rejects if it never does. */
  async logged(pattern) {
    for (
      const deadline = Date.now() + LOG_WITHIN_MS;
      !pattern.test(this.log);
      await setTimeout(LOG_POLL_MS)
    ) {
      if (Date.now() > deadline) throw new Error(`${pattern} is not in the log: ${this.log}`);
    }
  }

  /** Replies so far that hold a key, a hash of one, a path or a stack. */
  leaks() {
    return this.#replies.filter((reply) => SECRETS.some((secret) => reply.includes(secret)));
  }

  get replies() {
    return this.#replies.length;
  }

  dispose() {
    return this.miniflare.dispose();
  }
}
