/**
 * Copies of a database that can be trusted: a backup is read back whole before it takes the place of an older one, and
 * a restore passes over those that are damaged.
 */
import { AnnywhereError, invalidArgument } from './errors.js';
import type { GuardedEngine } from './guarded-engine.js';
import type { FileStorage } from './storage/files.js';
import type { BackupSchedule } from './types.js';

const NAME = /^backup-[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9-]+Z\.annw$/;
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Writes a file beside `path`, reads it back with an engine of its own, and then puts it in its place. */
export async function backUp(
  storage: FileStorage,
  engine: GuardedEngine,
  path: string,
  check: (file: string) => Promise<number>,
): Promise<void> {
  const rows = engine.len();
  const fresh = `${path}.new`;
  await storage.save(engine, fresh);
  try {
    const found = await check(fresh);
    if (found !== rows) throw corrupt(`the backup has ${found} rows of ${rows}`);
    await storage.move(fresh, path);
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

/** Backs up again and again; keeps the newest ones. */
export class Schedule implements BackupSchedule {
  readonly #backUp: (file: string) => Promise<void>;
  readonly #storage: FileStorage;
  readonly #folder: string;
  readonly #keep: number;
  readonly #onError: ((error: unknown) => void) | undefined;
  readonly #timer: ReturnType<typeof setInterval>;
  #running: Promise<void> | undefined;

  constructor(
    storage: FileStorage,
    folder: string,
    every: number,
    keep: number,
    backUp: (file: string) => Promise<void>,
    onError: ((error: unknown) => void) | undefined,
  ) {
    this.#storage = storage;
    this.#folder = folder;
    this.#keep = keep;
    this.#backUp = backUp;
    this.#onError = onError;
    this.#timer = setInterval(() => this.#tick(), every);
    // Backups are no reason for a process to live.
    (this.#timer as { unref?(): void }).unref?.();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    // One that takes longer than the time between them is not joined by a second.
    this.#running ??= this.#run()
      .catch((error: unknown) => {
        if (error instanceof AnnywhereError && error.code === 'Closed') this.close();
        else if (this.#onError) this.#onError(error);
        else throw error;
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #run(): Promise<void> {
    const name = `backup-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.annw`;
    await this.#backUp(this.#storage.join(this.#folder, name));
    for (const old of (await backupsIn(this.#storage, this.#folder)).slice(this.#keep)) {
      await this.#storage.remove(old);
    }
  }
}

export function checkSchedule(every: unknown, keep: unknown): void {
  if (typeof every !== 'number' || !(every >= 1) || every > LONGEST_DELAY_MS) {
    throw invalidArgument('every', `must be milliseconds from 1 to ${LONGEST_DELAY_MS}`);
  }
  if (!Number.isInteger(keep) || (keep as number) < 1) {
    throw invalidArgument('keep', 'must be a whole number from 1 on');
  }
}

export function corrupt(reason: string): AnnywhereError {
  return new AnnywhereError('Corrupt', `the file is damaged: ${reason}`, { section: 'backup', reason });
}
