// The page's side of the worker. At most one search is under way; of the queries that arrive meanwhile only the newest
// is asked next, so answers never lag behind the keyboard.
import type { Report, Request } from './messages';
import workerUrl from './worker/worker?worker&url';

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

// The page forbids script addresses made from strings (Trusted Types in index.html); this one is a constant of the
// build. Browsers without Trusted Types take the string.
const trustedTypes = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
const trustedWorkerUrl =
  trustedTypes?.createPolicy('worker-url', { createScriptURL: () => workerUrl }).createScriptURL('') ??
  workerUrl;

export interface OpenOptions {
  /** Index only so many synsets: a development parameter of the page (`?rows=3000`). */
  rows: number | null;
  inMemory: boolean;
}

export class Engine {
  #worker: Worker | undefined;
  #listener: (report: Report) => void;
  #asked: string | undefined;
  #next: string | undefined;

  constructor(listener: (report: Report) => void) {
    this.#listener = listener;
  }

  /** Starts a new worker; one that runs is ended, and with it its index and memory. */
  open({ rows, inMemory }: OpenOptions): void {
    this.#worker?.terminate();
    const unanswered = this.#next ?? this.#asked;
    this.#asked = undefined;
    this.#next = undefined;
    const worker = new Worker(trustedWorkerUrl, { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<Report>) => this.#receive(data);
    worker.onerror = (event) => {
      const message = event.message || 'its script could not be loaded';
      this.#listener({
        type: 'phase',
        phase: { name: 'failed', message: `The worker stopped: ${message}.` },
      });
    };
    this.#worker = worker;
    this.#send({ type: 'open', rows, inMemory });
    if (unanswered !== undefined) this.search(unanswered);
  }

  search(query: string): void {
    if (this.#asked !== undefined) {
      this.#next = query;
      return;
    }
    this.#asked = query;
    this.#send({ type: 'search', query });
  }

  clear(): void {
    this.#send({ type: 'clear' });
  }

  #receive(report: Report): void {
    if (report.type !== 'answer') {
      this.#listener(report);
      return;
    }
    const next = this.#next;
    this.#asked = undefined;
    this.#next = undefined;
    if (next === undefined) this.#listener(report);
    else this.search(next);
  }

  #send(request: Request): void {
    this.#worker?.postMessage(request);
  }
}
