// Builds the demo and serves it on this machine: `start.mjs [--dev] [--port 5173]`.
//
// Serves the built pages, as they would be deployed; --dev serves the sources and reloads on changes.
// Without --port the next free port from 5173 on is taken. Ctrl-C ends it.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { build } from './build.mjs';
import { inRoot, npmProgram } from './lib/paths.mjs';
import { Failure, main, run } from './lib/run.mjs';
import { setup } from './setup.mjs';

const FIRST_PORT = 5173;
const PORTS_TRIED = 50;
const HOST = '127.0.0.1';
const SERVER_STARTS_WITHIN_MS = 60_000;
const POLL_MS = 100;

async function serve(dev, port) {
  const options = ['--host', HOST, '--port', String(port), '--strictPort', '--logLevel', 'warn'];
  // In our own process group, so that Ctrl-C reaches it too.
  const server = spawn(npmProgram('vite'), [...(dev ? [] : ['preview']), ...options], {
    cwd: inRoot('www'),
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.kill(signal));
  server.on('close', (code) => process.exit(code ?? 0));
  await answers(`http://${HOST}:${port}/`);
  console.log(`annywhere demo: http://${HOST}:${port}/  (Ctrl-C ends it)`);
}

/** Resolves when the server answers. */
async function answers(address) {
  const deadline = Date.now() + SERVER_STARTS_WITHIN_MS;
  while (Date.now() < deadline) {
    try {
      await fetch(address);
      return;
    } catch {
      await new Promise((resume) => setTimeout(resume, POLL_MS));
    }
  }
  throw new Failure(`The server did not answer within ${SERVER_STARTS_WITHIN_MS / 1000} s.`);
}

async function freePort() {
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS_TRIED; port += 1) {
    if (await isFree(port)) return port;
  }
  throw new Failure(`No port from ${FIRST_PORT} to ${FIRST_PORT + PORTS_TRIED - 1} is free.`);
}

const isFree = (port) =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });

await main(import.meta, async (args) => {
  const dev = args.includes('--dev');
  const at = args.indexOf('--port');
  const known = (dev ? 1 : 0) + (at < 0 ? 0 : 2);
  if (args.length !== known) throw new Failure('Usage: start.mjs [--dev] [--port 5173]');

  await setup('start');
  if (!existsSync(inRoot('www/index.html')))
    throw new Failure('www/index.html does not exist, so there is no demo.');
  await build(['wasm', 'types']);
  const { scripts = {} } = JSON.parse(readFileSync(inRoot('www/package.json'), 'utf8'));
  if (scripts['prepare-data']) await run('npm', ['run', '--silent', 'prepare-data', '-w', 'www']);
  if (!dev) await run(npmProgram('vite'), ['build', '--logLevel', 'warn'], { cwd: inRoot('www') });
  await serve(dev, at < 0 ? await freePort() : Number(args[at + 1]));
});
