// Runs other programs. A failure is a `Failure`, whose message is the sentence shown to the person at the keyboard.
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { root } from './paths.mjs';

/** An expected failure: `main` prints its message without a stack. */
export class Failure extends Error {}

// What the shell reports for a program that could not be started.
const NOT_STARTED = 127;
// What the shell adds to a signal's number; the number itself does not matter here.
const KILLED = 128;
// A session ended by Ctrl-C.
const INTERRUPTED = 130;

/**
 * Runs a program and resolves with `{ code, output, timedOut }`; a failing exit code is no rejection.
 * `output` says what becomes of the program's output: 'gather' it silently, 'show' it (colours and all, nothing is
 * gathered), or 'both'. After `timeoutMs` the program and all its children are killed.
 */
export function attempt(program, args, { cwd = root, env = {}, output = 'gather', timeoutMs } = {}) {
  return new Promise((resolve) => {
    const stream = output === 'show' ? 'inherit' : 'pipe';
    // An own process group, so that grandchildren (test files, browsers) end with it.
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', stream, stream],
      detached: true,
    });
    let gathered = '';
    const gather = (from, to) =>
      from?.setEncoding('utf8').on('data', (text) => {
        gathered += text;
        if (output === 'both') to.write(text);
      });
    gather(child.stdout, process.stdout);
    gather(child.stderr, process.stderr);

    const killGroup = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group has already ended.
      }
    };
    const interrupt = () => {
      killGroup();
      process.exit(INTERRUPTED);
    };
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
    let timedOut = false;
    const timer =
      timeoutMs &&
      setTimeout(() => {
        timedOut = true;
        killGroup();
      }, timeoutMs);
    const end = (code) => {
      clearTimeout(timer);
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      resolve({ code, output: gathered, timedOut });
    };
    child.on('error', (error) => {
      gathered += `${program} could not be started: ${error.message}\n`;
      end(NOT_STARTED);
    });
    child.on('close', (code) => end(code ?? KILLED));
  });
}

/** Runs a program with its output shown; throws a `Failure` if it fails. */
export async function run(program, args, options) {
  const { code, output } = await attempt(program, args, { ...options, output: 'show' });
  if (code !== 0) throw new Failure(`${output}${commandLine(program, args)} failed with exit code ${code}.`);
}

/** Runs a program silently and returns its output; the `Failure` of a failing program shows that output. */
export async function capture(program, args, options) {
  const { code, output } = await attempt(program, args, options);
  if (code !== 0) throw new Failure(`${output}${commandLine(program, args)} failed with exit code ${code}.`);
  return output;
}

/** How a command is called in messages. */
export const commandLine = (program, args) => [basename(program), ...args].join(' ');

/** Runs a script's main function if the script was started directly; a `Failure` becomes exit code 1. */
export async function main(meta, body) {
  if (realpathSync(process.argv[1]) !== meta.filename) return;
  try {
    await body(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error);
    process.exit(1);
  }
}
