/**
 * Who may write to a store. Node has no lock of the operating system, so the file `owner` says who writes, as
 * `crates/annywhere-node/src/lock.rs` describes; an owner that lives no more is replaced. A process that is killed
 * leaves the file, and is found dead by the next.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AnnywhereError } from '../errors.js';
import { hasCode } from './node-files.js';

interface Owner {
  engine: string;
  pid: number;
  started: string | null;
  host: string;
}

/** Returns what gives the lock back. Throws `Locked`. */
export function lock(folder: string): () => void {
  const path = join(folder, 'owner');
  const me: Owner = { engine: 'wasm', pid: process.pid, started: startOf(process.pid), host: hostname() };
  // The second try comes after a dead owner was removed; a third would mean that others are as quick.
  for (let attempt = 0; attempt < 2; attempt++) {
    if (createWhole(path, JSON.stringify(me))) return () => fs.rmSync(path, { force: true });
    const other = livingOwner(path);
    if (other) throw locked(folder, path, other);
    fs.rmSync(path, { force: true });
  }
  throw locked(folder, path, 'another database');
}

/** Makes a file that is never seen without its text; `false` if there is one. */
function createWhole(path: string, text: string): boolean {
  const temporary = `${path}.${randomBytes(8).toString('hex')}`;
  fs.writeFileSync(temporary, text);
  try {
    fs.linkSync(temporary, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    // File systems without links.
    return createPlain(path, text);
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

function createPlain(path: string, text: string): boolean {
  try {
    fs.writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** The owner in words, unless it is known to live no more. */
function livingOwner(path: string): string | undefined {
  let owner: Partial<Owner>;
  try {
    owner = JSON.parse(fs.readFileSync(path, 'utf8')) as Partial<Owner>;
  } catch {
    // Gone meanwhile, or torn by a crash.
    return undefined;
  }
  const { pid, started, host } = owner;
  if (typeof pid !== 'number' || typeof host !== 'string') return undefined;
  const words = `process ${pid} on ${host}`;
  if (host !== hostname()) return words;
  if (started) return startOf(pid) === started ? words : undefined;
  return isAlive(pid) ? words : undefined;
}

/** When a process began, as Linux tells it: the boot and the ticks since. `null` if it does not run, and elsewhere. */
function startOf(pid: number): string | null {
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the start is the 20th field behind it.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 1)
      .trim()
      .split(/\s+/);
    return fields[19] === undefined ? null : `${boot}/${fields[19]}`;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
}

function locked(folder: string, path: string, by: string): AnnywhereError {
  const reason = `${folder} is open for writing in ${by}; if that has ended, remove the file ${path}`;
  return new AnnywhereError('Locked', `the storage is held by another writer: ${reason}`, { reason });
}
