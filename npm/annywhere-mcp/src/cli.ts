#!/usr/bin/env node
/** `annywhere-mcp --data FOLDER --agent NAME`: the server on standard input and output, or with `--http` on 127.0.0.1. */
import { parseArgs } from 'node:util';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { listen } from './http.js';
import { createServer } from './server.js';
import { openStore, sentenceOf } from './store.js';

const USAGE = `annywhere-mcp --data FOLDER --agent NAME [options]

  --data FOLDER       where the memory and the collections (*.annw) are
  --agent NAME        who remembers
  --namespace NAME    whose agents may share with each other (default: default)
  --allow-write       offers memory_store and memory_share
  --allow-forget      offers memory_forget
  --http              serves HTTP on 127.0.0.1 instead of standard input and output
  --port NUMBER       of HTTP (default: a free one)
  --allow-origin URL  a web page's origin that may ask; may be repeated

The token of HTTP is ANNYWHERE_MCP_TOKEN, or a random one that is printed.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      agent: { type: 'string' },
      namespace: { type: 'string' },
      'allow-write': { type: 'boolean', default: false },
      'allow-forget': { type: 'boolean', default: false },
      http: { type: 'boolean', default: false },
      port: { type: 'string' },
      'allow-origin': { type: 'string', multiple: true },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const { data, agent, namespace } = values;
  if (data === undefined || agent === undefined) throw new TypeError('--data and --agent are required');
  const port = Number(values.port ?? 0);
  if (!(Number.isInteger(port) && port >= 0 && port < 65_536))
    throw new TypeError('--port must be a port number');
  const store = await openStore({ folder: data, agent, ...(namespace !== undefined && { namespace }) });
  const options = { store, allowWrite: values['allow-write'], allowForget: values['allow-forget'] };
  let stop: () => Promise<void>;
  if (values.http) {
    const token = process.env.ANNYWHERE_MCP_TOKEN;
    const origins = values['allow-origin'] ?? [];
    const listening = await listen({ ...options, port, allowedOrigins: origins, ...(token && { token }) });
    const shown = token ? '' : `, token ${listening.token}`;
    process.stderr.write(`annywhere-mcp listens on ${listening.url}${shown}\n`);
    stop = () => listening.close();
  } else {
    const server = createServer(options);
    await server.connect(new StdioServerTransport());
    stop = () => server.close();
    // The client ends the server by closing its input.
    process.stdin.once('end', end);
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);

  function end(): void {
    stop()
      .then(() => store.close())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  }
}

main().catch((error: unknown) => {
  const said = error instanceof TypeError ? error.message : sentenceOf(error);
  process.stderr.write(`annywhere-mcp: ${said}\n\n${USAGE}`);
  process.exitCode = 2;
});
