// The worker: opens the stored index or builds it, then answers queries. It tells the page about every step.

import { AnnywhereError, init, VectorDb, version } from 'annywhere';
import wasmUrl from 'annywhere/annywhere.wasm?url';
import { StaticEncoder } from 'annywhere/embed';
import manifest from '../../data/manifest.json';
import tableUrl from '../../data/table.bin?url';
import type { Notice, Phase, Report, Request, Synset } from '../messages';
import { Dictionary } from './dictionary';
import { Download } from './download';
import { downloadGlosses } from './glosses';
import { StoredIndex } from './stored-index';

// Of the stored file and of the lock that tabs share.
const NAME = 'reverse-dictionary';

// A missed word is worse here than another tenth of a millisecond.
const TARGET_RECALL = 0.999;

// A worker that computes when its tab is closed goes on for about two seconds and keeps what it holds.
const CLOSED_TAB_MS = 2500;

// Five seconds in all.
const LOCKED_RETRIES_MS = [100, 200, 400, 800, 1500, 2000];

// The page hears of progress no more often than an eye can follow.
const REPORT_EVERY_MS = 100;

type Origin = Extract<Phase, { name: 'ready' }>['origin'];

let dictionary: Dictionary | undefined;
let stored: StoredIndex | undefined;
/** The query to answer next; it may have to wait until there is something to search. */
let asked: string | undefined;

self.onmessage = ({ data }: MessageEvent<Request>) => {
  switch (data.type) {
    case 'open':
      open(Math.min(data.rows ?? manifest.synsets, manifest.synsets), data.inMemory).catch(fail);
      break;
    case 'search':
      asked = data.query;
      answer().catch(fail);
      break;
    case 'clear':
      clear().catch(fail);
      break;
  }
};

async function open(rows: number, inMemory: boolean): Promise<void> {
  const begin = performance.now();
  const download = new Download(
    rarely((loadedBytes, totalBytes) => tellPhase({ name: 'downloading', loadedBytes, totalBytes })),
  );
  const [wasm, table, place] = await Promise.all([
    download.bytes(wasmUrl),
    download.bytes(tableUrl),
    placeFor(rows),
  ]);
  await init(wasm);
  const encoder = await StaticEncoder.load(table);
  stored = place;

  const ready = async (db: VectorDb<Synset>, origin: Origin) => {
    dictionary = new Dictionary(db, encoder);
    await tellIndex();
    tellPhase({ name: 'ready', origin, seconds: (performance.now() - begin) / 1000 });
    await answer();
  };
  const build = async (place?: StoredIndex) => {
    const synsets = await downloadGlosses(download, rows);
    const db = newDb(rows);
    dictionary = new Dictionary(db, encoder);
    await dictionary.index(synsets, rarely(tellIndexing));
    if (place) await save(db, place);
    await ready(db, 'indexed');
  };
  const reopen = async (place: StoredIndex): Promise<boolean> => {
    const found = await openStored(place, rows);
    if (found === 'locked') tellPhase({ name: 'locked' });
    else if (found) await ready(found, 'stored');
    return found !== undefined;
  };

  if (inMemory || !place) {
    const copy = await copyStored(rows);
    await (copy ? ready(copy, 'copied') : build());
  } else if (!(await reopen(place))) {
    // Another tab may have built the index while this one waited for its turn.
    await whileNoOtherBuilds(async () => {
      if (!(await reopen(place))) await build(place);
    });
  }
}

/** Tabs build one after the other; a tab that is closed gives its turn away. */
async function whileNoOtherBuilds(body: () => Promise<void>): Promise<void> {
  // Old browsers: two tabs then do the same work, and each save is whole.
  if (!navigator.locks) return body();
  const reports = [
    setTimeout(() => tellPhase({ name: 'waiting' }), REPORT_EVERY_MS),
    setTimeout(() => tellPhase({ name: 'building-elsewhere' }), CLOSED_TAB_MS),
  ];
  await navigator.locks.request(NAME, async () => {
    reports.forEach(clearTimeout);
    await body();
  });
}

/** In memory: the index never changes once it is built, and is kept as one file. */
function newDb(rows: number): VectorDb<Synset> {
  return new VectorDb({ dimensions: manifest.dimensions, maxElements: rows, targetRecall: TARGET_RECALL });
}

/** Where the index belongs. Its name says what it was made of and by: another release has another index. */
async function placeFor(rows: number): Promise<StoredIndex | undefined> {
  try {
    if (!isSecureContext) throw new Error('only pages served over HTTPS have one');
    const data = manifest.sha256.slice(0, 16);
    return await StoredIndex.open(`${NAME}-${rows}`, `${version}-${data}-scan`);
  } catch (error) {
    tellNotice({
      about: 'memory-only',
      reason: `this browser gives the page no storage (${messageOf(error)}).`,
    });
    return undefined;
  }
}

/** The stored index; `undefined` if there is none or none that is usable, which then is out of the way. */
async function openStored(
  place: StoredIndex,
  rows: number,
): Promise<VectorDb<Synset> | 'locked' | undefined> {
  if ((await place.size()) === 0) return undefined;
  tellPhase({ name: 'opening' });
  for (const delayMs of [0, ...LOCKED_RETRIES_MS]) {
    if (delayMs > 0) {
      tellPhase({ name: 'waiting' });
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
    try {
      const db = newDb(rows);
      await db.load(place.path);
      const count = await db.len();
      if (count === rows) return db;
      throw new Error(`it holds ${count} of ${rows} definitions`);
    } catch (error) {
      if (error instanceof AnnywhereError && error.code === 'Locked') continue;
      tellNotice({ about: 'reindexing', reason: `${messageOf(error)}.` });
      await place.remove();
      return undefined;
    }
  }
  return 'locked';
}

/** A copy of the stored index while another tab holds it; `undefined` if there is none that is whole. */
async function copyStored(rows: number): Promise<VectorDb<Synset> | undefined> {
  const bytes = await stored?.bytes();
  if (!bytes) return undefined;
  const db = newDb(rows);
  try {
    await db.load(bytes);
    return (await db.len()) === rows ? db : undefined;
  } catch {
    // Not whole yet, or damaged: the tab that holds it deals with that.
    return undefined;
  }
}

async function save(db: VectorDb<Synset>, place: StoredIndex): Promise<void> {
  tellPhase({ name: 'saving' });
  try {
    await db.save(place.path);
    await place.removeOthers();
  } catch (error) {
    tellNotice({ about: 'not-saved', reason: `${messageOf(error)}.` });
  }
}

/** Answers the newest query, unless there is nothing to search yet: then it waits for that. */
async function answer(): Promise<void> {
  if (!dictionary || asked === undefined) return;
  const query = asked;
  asked = undefined;
  tell({ type: 'answer', answer: await dictionary.search(query) });
}

async function clear(): Promise<void> {
  try {
    await stored?.remove();
  } catch (error) {
    tellNotice({ about: 'not-cleared', reason: `${messageOf(error)}.` });
    return;
  }
  tell({ type: 'cleared' });
  await tellIndex();
}

async function tellIndex(): Promise<void> {
  if (dictionary) tell({ type: 'index', index: dictionary.figures((await stored?.size()) ?? 0) });
}

function tellIndexing(progress: Omit<Extract<Phase, { name: 'indexing' }>, 'name'>): void {
  tellPhase({ name: 'indexing', ...progress });
  if (dictionary) tell({ type: 'index', index: dictionary.figures(0) });
}

function tellPhase(phase: Phase): void {
  tell({ type: 'phase', phase });
}

function tellNotice(notice: Notice): void {
  tell({ type: 'notice', notice });
}

function tell(report: Report): void {
  self.postMessage(report);
}

function fail(error: unknown): void {
  tellPhase({ name: 'failed', message: `The dictionary stopped: ${messageOf(error)}.` });
}

/** Without the full stop, so that it can stand inside a sentence. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  return message.replace(/\.$/, '');
}

/** Passes the first call on, and after that no more than one per REPORT_EVERY_MS. */
function rarely<A extends unknown[]>(call: (...values: A) => void): (...values: A) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (...values) => {
    const now = performance.now();
    if (now - last < REPORT_EVERY_MS) return;
    last = now;
    call(...values);
  };
}
