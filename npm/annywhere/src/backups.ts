/**
 * Copies of a database that can be trusted: a backup is read back whole before it takes the place of an older one, and
 * a restore passes over those that are damaged.
 */
import { AnnywhereError, invalidArgument } from './errors.js';
import type { GuardedEngine } from './guarded-engine.js';
import { refuseUnknown } from './options.js';
import type { FileStorage } from './storage/files.js';
import type { BackupOptions, BackupSchedule, SaveInfo } from './types.js';

/** The end of a path; the name says when the backup was begun. */
const NAME = /(?:^|[/\\])backup-(\d{4}-\d{2}-\d{2})T(\d{2})-(\d{2})-(\d{2})-(\d{3})Z\.annw$/;
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Writes a file beside `path`, reads it back with an engine of its own, and then puts it in its place. */
export async function backUp(
  storage: FileStorage,
  engine: GuardedEngine,
  path: string,
  check: (file: string) => Promise<number>,
): Promise<SaveInfo> {
  const rows = engine.len();
  const fresh = `${path}.new`;
  const saved = await storage.save(engine, fresh);
  try {
    const found = await check(fresh);
    if (found !== rows) throw corrupt(`the backup has ${found} rows of ${rows}`);
    await storage.move(fresh, path);
    return saved;
  } catch (error) {
    await storage.remove(fresh);
    throw error;
  }
}

/** The backups in a folder, the newest first. */
export async function backupsIn(storage: FileStorage, folder: string): Promise<string[]> {
  const names = (await storage.list(folder)).filter((name) => NAME.test(name));
  return names
    .sort()
    .reverse()
    .map((name) => storage.join(folder, name));
}

/** Calls `load` with the newest backup that it accepts. Backups that are damaged are passed over. */
export async function loadNewest(
  storage: FileStorage,
  folder: string,
  load: (file: string) => Promise<void>,
): Promise<string> {
  let first: unknown;
  for (const file of await backupsIn(storage, folder)) {
    try {
      await load(file);
      return file;
    } catch (error) {
      if (!(error instanceof AnnywhereError) || error.code !== 'Corrupt') throw error;
      first ??= error;
    }
  }
  throw first ?? invalidArgument('source', `${folder} holds no backups`);
}

/** How many backups are kept: the newest, and the last of each of the last days that have one. */
export interface Retention {
  readonly newest: number;
  readonly days: number;
}

/** Removes the backups of a folder that are not to be kept, if any are not; when the newest one was begun. */
export async function keepBackups(
  storage: FileStorage,
  folder: string,
  retention: Retention | undefined,
): Promise<number | undefined> {
  const all = await backupsIn(storage, folder);
  const kept = new Set(retention ? keptOf(all, retention) : all);
  for (const old of all.filter((file) => !kept.has(file))) await storage.remove(old);
  const [newest] = all;
  return newest === undefined ? undefined : timeOf(newest);
}

/** What a schedule does with its folder. */
export interface BackupFolder {
  backUp(name: string): Promise<unknown>;
  /** Removes those that are not to be kept; when the newest one was begun. */
  keep(retention?: Retention): Promise<number | undefined>;
}

/** Backs up again and again; keeps the newest ones. */
export class Schedule implements BackupSchedule {
  readonly #folder: BackupFolder;
  readonly #every: number;
  readonly #retention: Retention;
  readonly #onError: ((error: unknown) => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(
    folder: BackupFolder,
    every: number,
    retention: Retention,
    onError: ((error: unknown) => void) | undefined,
  ) {
    this.#folder = folder;
    this.#every = every;
    this.#retention = retention;
    this.#onError = onError;
    this.#begin();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** The first when the newest there is has its age: a program that is often started again makes no more than another. */
  async #begin(): Promise<void> {
    const newest = await this.#folder.keep().catch(() => undefined);
    const age = newest === undefined ? this.#every : Date.now() - newest;
    this.#wait(Math.min(this.#every, this.#every - age));
  }

  #wait(milliseconds: number): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, milliseconds));
    // Backups are no reason for a process to live.
    (this.#timer as { unref?(): void }).unref?.();
  }

  /** The time to the next one begins with this one, unless this one takes longer. */
  async #tick(): Promise<void> {
    const begin = Date.now();
    try {
      await this.#folder.backUp(`backup-${new Date(begin).toISOString().replaceAll(/[:.]/g, '-')}.annw`);
      await this.#folder.keep(this.#retention);
    } catch (error) {
      if (error instanceof AnnywhereError && error.code === 'Closed') this.close();
      else if (this.#onError) this.#onError(error);
      else throw error;
    } finally {
      this.#wait(begin + this.#every - Date.now());
    }
  }
}

/** Those of the backups, the newest first, that are kept. */
export function keptOf(files: readonly string[], { newest, days }: Retention): string[] {
  const lastOfDay = new Map<string, string>();
  for (const file of files) {
    const day = new Date(timeOf(file)).toISOString().slice(0, 10);
    if (!lastOfDay.has(day)) lastOfDay.set(day, file);
  }
  return [...new Set([...files.slice(0, newest), ...[...lastOfDay.values()].slice(0, days)])];
}

/** When a backup was begun, as its name says. */
function timeOf(file: string): number {
  const [, day, hour, minute, second, part] = NAME.exec(file) ?? [];
  return Date.parse(`${day}T${hour}:${minute}:${second}.${part}Z`);
}

export function checkSchedule(every: unknown, keep: unknown): Retention {
  if (typeof every !== 'number' || !(every >= 1) || every > LONGEST_DELAY_MS) {
    throw invalidArgument('every', `must be milliseconds from 1 to ${LONGEST_DELAY_MS}`);
  }
  if (isCount(keep)) return { newest: keep, days: 0 };
  if (typeof keep !== 'object' || keep === null)
    throw invalidArgument('keep', 'must be a whole number from 1 on');
  refuseUnknown(keep, ['newest', 'daily'], (name, reason) => invalidArgument(`keep.${name}`, reason));
  const { newest = 1, daily } = keep as Exclude<BackupOptions['keep'], number>;
  if (!isCount(newest)) throw invalidArgument('keep.newest', 'must be a whole number from 1 on');
  if (!isCount(daily)) throw invalidArgument('keep.daily', 'must be a whole number from 1 on');
  return { newest, days: daily };
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 1;

export function corrupt(reason: string): AnnywhereError {
  return new AnnywhereError('Corrupt', `the file is damaged: ${reason}`, { section: 'backup', reason });
}
