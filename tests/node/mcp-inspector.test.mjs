// The MCP server under the command line of the official inspector. Long: it fetches some forty megabytes from npm.
// The inspector itself, version 2, brings a web application with Vite, React and a key ring; its command line of version 1
// is a package of its own with the same requests, so that one is used, and it is no dependency of the workspace.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const skip = process.env.ANNYWHERE_FULL ? false : 'runs with ANNYWHERE_FULL=1';
const folder = fileURLToPath(new URL('../../target/inspector', import.meta.url));
const INSPECTOR = '@modelcontextprotocol/inspector-cli@1.0.3';

/** The path of the inspector's command. */
function prepareInspector() {
  const scope = join(folder, 'node_modules/@modelcontextprotocol');
  const command = join(scope, 'inspector-cli/build/cli.js');
  if (!existsSync(command)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-workspaces', '--loglevel=error'];
    execFileSync('npm', ['install', ...options, '--prefix', folder, INSPECTOR], { cwd: folder });
  }
  // It looks for its version where it lies inside the inspector.
  writeFileSync(
    join(scope, 'package.json'),
    '{ "name": "@modelcontextprotocol/inspector", "version": "1.0.3" }',
  );
  return command;
}

it('the inspector lists and calls the tools', { skip }, (t) => {
  const command = prepareInspector();
  const server = createRequire(import.meta.url)
    .resolve('annywhere-mcp')
    .replace(/index\.js$/, 'cli.js');
  const data = mkdtempSync(join(tmpdir(), 'annywhere-inspector-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const ask = (options, ...request) => {
    const args = [
      '--cli',
      process.execPath,
      server,
      '--data',
      data,
      '--agent',
      'ada',
      ...options,
      ...request,
    ];
    const said = execFileSync(process.execPath, [command, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return JSON.parse(said);
  };
  const call = (options, tool, ...args) => {
    const given = args.flatMap((arg) => ['--tool-arg', arg]);
    const { content } = ask(options, '--method', 'tools/call', '--tool-name', tool, ...given);
    return content[0].text;
  };
  const names = (options) =>
    ask(options, '--method', 'tools/list')
      .tools.map(({ name }) => name)
      .sort();
  const writing = ['--allow-write', '--allow-forget'];
  assert.deepEqual(names([]), ['memory_recall', 'search', 'stats']);
  assert.deepEqual(names(writing), [
    'memory_forget',
    'memory_recall',
    'memory_share',
    'memory_store',
    'search',
    'stats',
  ]);
  const { id } = JSON.parse(
    call(writing, 'memory_store', 'content=Bread rises in a warm place', 'importance=0.9'),
  );
  const { memories } = JSON.parse(call([], 'memory_recall', 'text=where does bread rise', 'k=1'));
  assert.equal(memories[0].id, id);
  assert.match(call([], 'search', 'collection=none', 'text=bread'), /there is no collection none/);
  assert.equal(JSON.parse(call(writing, 'memory_forget', `id=${id}`)).forgotten, true);
  assert.deepEqual(JSON.parse(call([], 'stats')).memories, { own: 0, shared: 0, superseded: 0 });
});
