// Wires the page together: the query field, the address, the keyboard, the worker.
import { button, byId, make } from './elements';
import { Engine } from './engine';
import { HitList } from './hits';
import type { Answer, Report } from './messages';
import { Status } from './status';
import { initTheme } from './theme';

const EXAMPLES = [
  'fear of heights',
  'a person who loves books',
  'unable to sleep',
  'money paid to the government',
  'a young dog',
];

// Screen readers hear the outcome once typing pauses.
const ANNOUNCE_AFTER_MS = 700;

// The address follows the query at this distance: browsers limit how often it may change.
const ADDRESS_AFTER_MS = 300;

const field = byId('query', HTMLInputElement);
const clearQuery = byId('clear-query', HTMLButtonElement);
const list = byId('hits', HTMLOListElement);
const empty = byId('empty', HTMLParagraphElement);
const summary = byId('summary', HTMLParagraphElement);
const examples = byId('examples', HTMLUListElement);

const rows = rowsOf(new URLSearchParams(location.search));
const engine = new Engine(onReport);
const status = new Status({
  retry: () => start(false),
  workInMemory: () => start(true),
  rebuild,
});
const hits = new HitList(list, {
  moreLikeThis: (definition) => setQuery(definition, 'push'),
  leaveUpwards: () => field.focus(),
});

let rebuilding = false;
let announceTimer = 0;
let addressTimer = 0;

function start(inMemory: boolean): void {
  status.hideNotice();
  engine.open({ rows, inMemory });
  search();
}

function rebuild(): void {
  rebuilding = true;
  engine.clear();
}

function onReport(report: Report): void {
  switch (report.type) {
    case 'phase':
      status.showPhase(report.phase);
      break;
    case 'notice':
      rebuilding &&= report.notice.about !== 'not-cleared';
      status.showNotice(report.notice);
      break;
    case 'index':
      status.showIndex(report.index);
      break;
    case 'answer':
      show(report.answer);
      break;
    case 'cleared':
      if (!rebuilding) return;
      rebuilding = false;
      start(false);
  }
}

function search(): void {
  const query = field.value.trim();
  clearQuery.hidden = field.value === '';
  if (query === '') {
    show(undefined);
    return;
  }
  engine.search(query);
  // The invitation to type goes at once, also while there is nothing to search in yet.
  if (!list.dataset.query) empty.textContent = '';
}

/** Shows an answer; without one the page is as it was before the first query. */
function show(answer: Answer | undefined): void {
  const query = field.value.trim();
  // An answer to what the field no longer holds.
  if (answer && answer.query !== query) return;
  const begin = performance.now();
  hits.show(answer?.hits ?? []);
  empty.textContent = answer ? emptiness(answer) : 'Type a meaning, or pick one of the examples.';
  list.dataset.query = query;
  // Reading a size makes the browser lay the list out now, so that the time includes it.
  void list.offsetHeight;
  if (answer) status.showTimes(answer, performance.now() - begin);
  announce(answer);
}

/** Why there are no hits; empty if there are some. */
function emptiness({ hits, knownPieces }: Answer): string {
  if (hits.length > 0) return '';
  if (knownPieces === 0)
    return 'The encoder knows none of these words. Try others; it understands English only.';
  return 'Nothing is indexed yet. Words will appear in a moment.';
}

function announce(answer: Answer | undefined): void {
  clearTimeout(announceTimer);
  announceTimer = window.setTimeout(() => {
    const [first] = answer?.hits ?? [];
    if (!answer) summary.textContent = '';
    else if (!first) summary.textContent = emptiness(answer);
    else
      summary.textContent = `${answer.hits.length} meanings found. First: ${first.words[0]}, ${first.definition}.`;
  }, ANNOUNCE_AFTER_MS);
}

/** `push`: the way back leads to the query before. */
function setQuery(query: string, address: 'push' | 'keep'): void {
  if (address === 'push') writeAddress();
  field.value = query;
  if (address === 'push') writeAddress(true);
  search();
  field.focus();
  scrollTo({ top: 0 });
}

function writeAddress(push = false): void {
  clearTimeout(addressTimer);
  const query = field.value.trim();
  const address = `${location.pathname}${location.search}${query === '' ? '' : `#${encodeURIComponent(query)}`}`;
  if (push) history.pushState(null, '', address);
  else history.replaceState(null, '', address);
}

/** The query in the address: data like any other text. What cannot be decoded is taken as it stands. */
function readAddress(): string {
  const hash = location.hash.slice(1);
  try {
    return decodeURIComponent(hash).slice(0, field.maxLength);
  } catch {
    return hash.slice(0, field.maxLength);
  }
}

function rowsOf(parameters: URLSearchParams): number | null {
  const value = Number(parameters.get('rows'));
  return Number.isInteger(value) && value > 0 ? value : null;
}

field.addEventListener('input', () => {
  search();
  clearTimeout(addressTimer);
  addressTimer = window.setTimeout(writeAddress, ADDRESS_AFTER_MS);
});
clearQuery.addEventListener('click', () => setQuery('', 'push'));
byId('search', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  writeAddress(true);
});
byId('rebuild', HTMLButtonElement).addEventListener('click', rebuild);
byId('clear', HTMLButtonElement).addEventListener('click', () => engine.clear());
addEventListener('popstate', () => setQuery(readAddress(), 'keep'));

addEventListener('keydown', (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
  const inField = document.activeElement === field;
  if (event.key === '/' && !inField) {
    field.focus();
    field.select();
  } else if (event.key === 'ArrowDown' && inField) hits.focus(0);
  else if (event.key === 'Escape' && inField) setQuery('', 'keep');
  else if (event.key === 'Escape') field.focus();
  else return;
  event.preventDefault();
});

for (const example of EXAMPLES) {
  const item = make('li');
  item.append(button(example, () => setQuery(example, 'push')));
  examples.append(item);
}

initTheme(byId('theme', HTMLButtonElement));
field.value = readAddress();
start(false);
field.focus({ preventScroll: true });
