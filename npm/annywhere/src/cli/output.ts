/** What a command prints: text for people, or one JSON value for programs; progress goes to the other stream. */
import { AnnywhereError } from '../errors.js';

const BAR = 24;
const REDRAW_MS = 100;

export class Output {
  readonly isJson: boolean;
  #lastDraw = 0;
  #hasBar = false;

  constructor(isJson: boolean) {
    this.isJson = isJson;
  }

  /** The result: as JSON, or as the lines made of it. */
  result(value: unknown, lines: () => readonly string[]): void {
    this.endProgress();
    const all = this.isJson ? [JSON.stringify(value)] : lines();
    if (all.length > 0) process.stdout.write(`${all.join('\n')}\n`);
  }

  /** A line that is no result. */
  note(line: string): void {
    this.endProgress();
    if (!this.isJson) process.stderr.write(`${line}\n`);
  }

  /** Draws where someone is looking. `total` may be unknown. */
  progress(what: string, done: number, total?: number): void {
    if (this.isJson || !process.stderr.isTTY) return;
    const now = Date.now();
    if (now - this.#lastDraw < REDRAW_MS && done !== total) return;
    this.#lastDraw = now;
    this.#hasBar = true;
    const part = total ? Math.min(1, done / total) : 0;
    const filled = Math.round(part * BAR);
    const bar = total
      ? `[${'='.repeat(filled)}${' '.repeat(BAR - filled)}] ${(part * 100).toFixed(0).padStart(3)} % `
      : '';
    process.stderr.write(`\r${bar}${done.toLocaleString('en')} ${what}\x1b[K`);
  }

  endProgress(): void {
    if (this.#hasBar) process.stderr.write('\n');
    this.#hasBar = false;
  }

  fail(error: unknown): void {
    this.endProgress();
    const message = error instanceof Error ? error.message : String(error);
    const known = error instanceof AnnywhereError ? { code: error.code, details: error.details } : {};
    if (this.isJson) process.stdout.write(`${JSON.stringify({ error: { message, ...known } })}\n`);
    else process.stderr.write(`annywhere: ${message}\n`);
  }
}

/** Names and values in two columns. */
export function table(rows: readonly (readonly [string, unknown])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

export function bytes(count: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  let unit = 0;
  let size = count;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return unit === 0 ? `${count} bytes` : `${size.toFixed(1)} ${units[unit]}`;
}
