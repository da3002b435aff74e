#!/usr/bin/env node
/** `npx annywhere`: finds the command, reads its arguments, and turns errors into sentences and exit codes. */
import { parseArgs } from 'node:util';
import { AnnywhereError } from '../errors.js';
import { nearest } from '../nearest.js';
import { version } from '../version.js';
import type { Command, Values } from './command.js';
import { UsageError } from './command.js';
import { backup } from './commands/backup.js';
import { bench } from './commands/bench.js';
import { compact } from './commands/compact.js';
import { convert } from './commands/convert.js';
import { doctor } from './commands/doctor.js';
import { importRows } from './commands/import.js';
import { info } from './commands/info.js';
import { query } from './commands/query.js';
import { recall } from './commands/recall.js';
import { restore } from './commands/restore.js';
import { serve } from './commands/serve.js';
import { stats } from './commands/stats.js';
import { verify } from './commands/verify.js';
import { Output } from './output.js';

const COMMANDS: Readonly<Record<string, Command>> = {
  info,
  doctor,
  import: importRows,
  query,
  stats,
  verify,
  compact,
  backup,
  restore,
  recall,
  bench,
  serve,
  convert,
};

const SUCCEEDED = 0;
const FAILED = 1;
const MISUSED = 2;
/** What a shell reports for a program ended by Ctrl-C. */
const INTERRUPTED = 130;

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(overview());
    return name === undefined ? MISUSED : SUCCEEDED;
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${version}\n`);
    return SUCCEEDED;
  }
  const output = new Output(rest.includes('--json'));
  try {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) {
      const meant = nearest(name, Object.keys(COMMANDS));
      const hint = meant ? `did you mean ${meant}?` : 'annywhere help lists the commands.';
      throw new UsageError(`There is no command ${name}; ${hint}`);
    }
    if (rest.includes('--help') || rest.includes('-h')) {
      process.stdout.write(describeCommand(name, command));
      return SUCCEEDED;
    }
    const { values, positionals } = readArguments(name, command, rest);
    return await command.run({ values, positionals, output });
  } catch (error) {
    output.fail(error);
    return error instanceof UsageError ? MISUSED : FAILED;
  }
}

function readArguments(
  name: string,
  command: Command,
  args: readonly string[],
): { values: Values; positionals: string[] } {
  const options = { ...command.options, json: { type: 'boolean', says: 'JSON instead of text' } } as const;
  const known = Object.fromEntries(Object.entries(options).map(([key, { type }]) => [key, { type }]));
  let parsed: { values: Values; positionals: string[] };
  try {
    const config = { args: [...args], options: known, allowPositionals: true, strict: true } as const;
    parsed = parseArgs(config) as typeof parsed;
  } catch (error) {
    const unknown = /Unknown option '--?([^']+)'/.exec((error as Error).message)?.[1];
    if (unknown === undefined) throw new UsageError(`${(error as Error).message}.`);
    const meant = nearest(unknown, Object.keys(options));
    const hint = meant ? `did you mean --${meant}?` : `annywhere ${name} --help lists the options.`;
    throw new UsageError(`annywhere ${name} has no option --${unknown}; ${hint}`);
  }
  const [least, most] = [command.positionals.length - (command.optional ?? 0), command.positionals.length];
  if (parsed.positionals.length < least || parsed.positionals.length > most) {
    throw new UsageError(`Usage: annywhere ${name} ${usage(command)}`);
  }
  return parsed;
}

function usage({ positionals, optional = 0 }: Command): string {
  const shown = positionals.map((name, at) =>
    at >= positionals.length - optional ? `[<${name}>]` : `<${name}>`,
  );
  return [...shown, '[options]'].join(' ');
}

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, command]) => `  ${name.padEnd(width)}  ${command.says}`);
  return `annywhere ${version}: vector search that runs anywhere

Usage: annywhere <command> [arguments] [options]

${lines.join('\n')}

annywhere <command> --help tells about one. Every command takes --json. Exit codes: 0 done, 1 failed, 2 misused.
`;
}

function describeCommand(name: string, command: Command): string {
  const options = { ...command.options, json: { type: 'boolean', says: 'JSON instead of text' } };
  const named = Object.entries(options).map(([key, option]) => [
    option.type === 'string' ? `--${key} <${'value' in option ? option.value : 'value'}>` : `--${key}`,
    option.says,
  ]) as [string, string][];
  const width = Math.max(...named.map(([left]) => left.length));
  const lines = named.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  return `${command.says}\n\nUsage: annywhere ${name} ${usage(command)}\n\n${lines.join('\n')}\n${command.notes ? `\n${command.notes}\n` : ''}`;
}

process.once('SIGINT', () => process.exit(INTERRUPTED));
// A reader that has enough, such as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(SUCCEEDED);
  throw error;
});
main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof AnnywhereError ? error.message : String(error)}\n`);
    process.exitCode = FAILED;
  },
);
