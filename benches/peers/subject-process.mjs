// A subject as a child process on one CPU, asked over JSON lines. README.md describes the protocol.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { inTarget } from '../../pkg-scripts/lib/paths.mjs';
import { which } from '../../pkg-scripts/lib/tools.mjs';

const ONE_THREAD = {
  OMP_NUM_THREADS: '1',
  OPENBLAS_NUM_THREADS: '1',
  MKL_NUM_THREADS: '1',
  RAYON_NUM_THREADS: '1',
};
const PAGE_BYTES = 4096;
// Of what a library prints, the end is what explains a failure.
const KEPT_OUTPUT = 2_000;

/** What a subject answered instead of a result. */
export class SubjectFailure extends Error {}

export class SubjectProcess {
  #child;
  #scratch;
  #printed = '';
  #waiting;

  /** `cpu` is the one it may use; undefined leaves the choice to the system. */
  constructor({ name, command }, cpu) {
    this.#scratch = inTarget('bench', 'scratch', name);
    rmSync(this.#scratch, { recursive: true, force: true });
    mkdirSync(this.#scratch, { recursive: true });
    const [program, ...args] = pinned(command, cpu);
    this.#child = spawn(program, args, {
      env: { ...process.env, ...ONE_THREAD, BENCH_SCRATCH: this.#scratch },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.on('error', (error) => this.#settle({ error: error.message }));
    this.#child.on('close', (code, signal) => this.#settle({ error: `it ended (${signal ?? code})` }));
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.setEncoding('utf8').on('data', (text) => this.#keep(text));
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#read(line));
  }

  /** Resolves with the reply; rejects if the subject refuses, fails, or takes longer than `limitMs`. */
  call(request, limitMs) {
    return new Promise((resolve, reject) => {
      const timer = limitMs && setTimeout(() => this.#settle({ refused: 'it took too long' }), limitMs);
      this.#waiting = ({ refused, error, ...reply }) => {
        clearTimeout(timer);
        this.#waiting = undefined;
        if (refused) reject(new SubjectFailure(refused));
        else if (error) reject(new SubjectFailure(`${error.trim()}\n${this.#printed}`.trim()));
        else resolve(reply);
      };
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** Memory of the process that is in RAM; undefined where the system has no /proc. */
  residentBytes() {
    try {
      const [, resident] = readFileSync(`/proc/${this.#child.pid}/statm`, 'utf8').split(' ');
      return Number(resident) * PAGE_BYTES;
    } catch {
      return undefined;
    }
  }

  end() {
    this.#child.kill('SIGKILL');
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  /** Lines that are no reply are a library's own words. */
  #read(line) {
    try {
      this.#settle(JSON.parse(line));
    } catch {
      this.#keep(`${line}\n`);
    }
  }

  #keep(text) {
    this.#printed = (this.#printed + text).slice(-KEPT_OUTPUT);
  }

  #settle(reply) {
    this.#waiting?.(reply);
  }
}

function pinned(command, cpu) {
  return cpu !== undefined && which('taskset') ? ['taskset', '-c', String(cpu), ...command] : command;
}
