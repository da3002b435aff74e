/** A database over HTTP on this machine. */
import { type Command, integer, text, UsageError } from '../command.js';
import { serveHttp } from '../http.js';
import { openExisting } from '../open.js';

const DEFAULT_PORT = 8790;
const LEAST_KEY = 16;

export const serve: Command = {
  says: 'Serves a database over HTTP on this machine; a key is required',
  positionals: ['database'],
  options: {
    key: { type: 'string', value: 'key', says: 'what callers must send; default the variable ANNYWHERE_KEY' },
    port: { type: 'string', value: 'number', says: `default ${DEFAULT_PORT}; 0 takes any free one` },
    write: { type: 'boolean', says: 'allow upsert and delete too' },
  },
  notes:
    'Only this machine can connect (127.0.0.1). Callers send Authorization: Bearer <key>.\n' +
    '  POST /v1/search  {"vector": [..], "k": 10, "threshold": .., "targetRecall": .., "exact": .., "budget": .., "include": ..}\n' +
    '  POST /v1/get     {"id": ".."}\n' +
    '  POST /v1/upsert  {"rows": [{"id": "..", "vector": [..], "metadata": {..}}]}     with --write\n' +
    '  POST /v1/delete  {"ids": [".."]}                                              with --write\n' +
    '  GET  /v1/info    GET  /v1/health',
  async run({ positionals, values, output }) {
    const [path] = positionals as [string];
    const key = text(values, 'key') ?? process.env.ANNYWHERE_KEY;
    if (!key) throw new UsageError('A key is required: --key or the variable ANNYWHERE_KEY');
    if (key.length < LEAST_KEY)
      throw new UsageError(`The key has ${key.length} characters; at least ${LEAST_KEY} are safe`);
    const canWrite = values.write === true;
    const opened = await openExisting(path, canWrite ? 'write' : 'read');
    const server = await serveHttp(opened, {
      key,
      port: integer(values, 'port', 0, 65_535) ?? DEFAULT_PORT,
      canWrite,
    });
    output.result({ url: server.url, canWrite }, () => [`${path} at ${server.url}`]);
    await new Promise<void>((resolve) => {
      process.removeAllListeners('SIGINT');
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
    });
    await server.close();
    await opened.close();
    return 0;
  },
};
