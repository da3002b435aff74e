// What the dictionary is doing, what the person should know, and what it costs: everything above and beside the hits.
import { button, byId } from './elements';
import type { Answer, IndexFigures, Notice, Phase } from './messages';
import { bytes, count, median, milliseconds, seconds } from './numbers';

// The median runs over the newest queries, so that it follows the index as it grows.
const MEDIAN_OVER = 50;

export interface StatusActions {
  retry(): void;
  workInMemory(): void;
  rebuild(): void;
}

export class Status {
  #actions: StatusActions;
  #strip = byId('status', HTMLElement);
  #text = byId('status-text', HTMLParagraphElement);
  #bar = byId('bar', HTMLProgressElement);
  #notice = byId('notice', HTMLElement);
  #noticeText = byId('notice-text', HTMLParagraphElement);
  #noticeActions = byId('notice-actions', HTMLElement);
  /** Such a notice goes when the phase does; others stay until they are dismissed. */
  #noticeIsOfPhase = false;
  #rows = 0;
  #together: number[] = [];

  constructor(actions: StatusActions) {
    this.#actions = actions;
  }

  showPhase(phase: Phase): void {
    const { text, progress } = describe(phase, this.#rows);
    this.#strip.dataset.phase = phase.name;
    this.#text.textContent = text;
    // Without a value the browser shows that something is going on without an end in sight.
    if (progress === undefined) this.#bar.removeAttribute('value');
    else this.#bar.value = progress;
    if (this.#noticeIsOfPhase) this.hideNotice();
    if (phase.name === 'building-elsewhere') {
      this.#say(
        'Another tab is building the index and will store it. It opens here as soon as it is there; or work here in memory, without storing anything.',
        [button('Work in memory', this.#actions.workInMemory)],
      );
      this.#noticeIsOfPhase = true;
    } else if (phase.name === 'locked') {
      this.#say(
        'Another tab holds the stored index. Close that tab and try again, or work here with a copy in memory.',
        [button('Try again', this.#actions.retry), button('Work in memory', this.#actions.workInMemory)],
      );
      this.#noticeIsOfPhase = true;
    } else if (phase.name === 'failed') {
      this.#say(phase.message, [
        button('Try again', this.#actions.retry),
        button('Rebuild', this.#actions.rebuild),
      ]);
      this.#noticeIsOfPhase = true;
    }
  }

  showNotice(notice: Notice): void {
    this.#say(noticeText(notice), [button('Dismiss', () => this.hideNotice())]);
  }

  hideNotice(): void {
    this.#noticeIsOfPhase = false;
    this.#notice.hidden = true;
  }

  showIndex({ engine, rows, dimensions, memoryBytes, storedBytes }: IndexFigures): void {
    this.#rows = rows;
    figure('engine', engine);
    figure('rows', count(rows), rows);
    figure('dimensions', count(dimensions), dimensions);
    figure('memory', bytes(memoryBytes), memoryBytes);
    figure('stored', storedBytes > 0 ? bytes(storedBytes) : 'no', storedBytes);
  }

  showTimes({ encodeMs, searchMs }: Answer, renderMs: number): void {
    const together = encodeMs + searchMs + renderMs;
    this.#together = [...this.#together, together].slice(-MEDIAN_OVER);
    const middle = median(this.#together);
    figure('encode', milliseconds(encodeMs), encodeMs);
    figure('search', milliseconds(searchMs), searchMs);
    figure('render', milliseconds(renderMs), renderMs);
    figure('together', milliseconds(together), together);
    figure('median', milliseconds(middle), middle);
    byId('median-label', HTMLElement).textContent = `median of ${this.#together.length}`;
  }

  #say(text: string, actions: HTMLButtonElement[]): void {
    this.#noticeIsOfPhase = false;
    this.#noticeText.textContent = text;
    this.#noticeActions.replaceChildren(...actions);
    this.#notice.hidden = false;
  }
}

function figure(name: string, text: string, value?: number): void {
  const element = document.querySelector<HTMLElement>(`[data-figure="${name}"]`);
  if (!element) throw new Error(`index.html has no figure ${name}.`);
  element.textContent = text;
  // The exact number, for tests and for the curious.
  if (value !== undefined) element.dataset.value = String(value);
}

function noticeText(notice: Notice): string {
  const { about, reason } = notice;
  switch (about) {
    case 'memory-only':
      return `Nothing is stored: ${reason} The dictionary works in memory and is built anew on the next visit.`;
    case 'reindexing':
      return `The stored index could not be used: ${reason} It is being built anew.`;
    case 'not-saved':
      return `The index could not be stored: ${reason} It works in memory until this tab is closed.`;
    case 'not-cleared':
      return `The stored index could not be removed: ${reason}`;
  }
}

/** A sentence for the status line, and how far the bar is (0 to 1; none: unknown). */
function describe(phase: Phase, rows: number): { text: string; progress?: number } {
  switch (phase.name) {
    case 'downloading':
      return {
        text: `Downloading ${bytes(phase.loadedBytes)} of ${bytes(phase.totalBytes)}`,
        progress: phase.loadedBytes / phase.totalBytes,
      };
    case 'waiting':
      return { text: 'The stored index is in use; waiting a moment for it …' };
    case 'building-elsewhere':
      return { text: 'Another tab is building the index …' };
    case 'opening':
      return { text: 'Opening the stored index …' };
    case 'indexing':
      return {
        text:
          `Indexing ${count(phase.rows)} of ${count(phase.totalRows)} definitions · ` +
          `${count(phase.rowsPerSecond)} per second · ${seconds(phase.secondsLeft)} left · search works already`,
        progress: phase.rows / phase.totalRows,
      };
    case 'saving':
      return { text: 'Storing the index in this browser …' };
    case 'ready':
      return {
        text: `${count(rows)} definitions, ${ORIGIN[phase.origin]} in ${seconds(phase.seconds)}`,
        progress: 1,
      };
    case 'locked':
      return { text: 'The stored index is in use by another tab', progress: 0 };
    case 'failed':
      return { text: 'Stopped', progress: 0 };
  }
}

const ORIGIN = {
  indexed: 'indexed in this browser',
  stored: 'opened from this browser’s storage',
  copied: 'copied from this browser’s storage',
};
