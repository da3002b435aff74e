/**
 * A store that several tabs use. One of them leads: it holds the lock of the store's name, has the store open and answers
 * the others, which send what their pages say on as it is, each on a channel of its own. Every tab waits for the lock; when
 * the one that leads closes or is gone, the next has it, opens the store, and is asked what has not been answered.
 *
 * An acknowledged change is in the store, so whoever opens it has it.
 */
import { AnnywhereError } from '../errors.js';
import type { Runtime } from '../runtime.js';
import type { DbOptions, EngineSource } from '../types.js';
import { EngineBoundDb } from '../vector-db.js';
import { Leader } from './leader.js';
import { type AmongTabs, type FromLeader, type FromWorker, packError, type ToWorker } from './messages.js';
import { Served } from './served.js';
import { Unanswered } from './unanswered.js';

const PREFIX = 'annywhere-tabs:';
/** What a tab held that is gone is free a moment after its lock. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 50;

type Post = (message: FromWorker, transfer?: Transferable[]) => void;

/** Whether other tabs can use the database too: locks and channels are there, and it is one of a store. */
export function isShareable({ storagePath, readOnly }: DbOptions): boolean {
  const { locks } = (globalThis.navigator as Navigator | undefined) ?? {};
  return (
    storagePath !== undefined && !readOnly && locks !== undefined && typeof BroadcastChannel === 'function'
  );
}

export class Tab {
  readonly #runtime: Runtime;
  readonly #options: DbOptions;
  readonly #source: EngineSource | undefined;
  readonly #post: Post;
  /** The name of the lock of the store, and of the channel on which all tabs hear each other. */
  readonly #store: string;
  /** The name of this tab's lock, which tells that it is there, and of the channel between it and the one that leads. */
  readonly #name: string;
  readonly #all: BroadcastChannel;
  readonly #channel: BroadcastChannel;
  readonly #waiting = new AbortController();
  #unanswered = new Unanswered();
  /** Gives the locks back. */
  #release: (() => void)[] = [];
  #leader: Leader | undefined;
  /** Of a tab that has the database itself. */
  #served: Served | undefined;
  /** True while another tab answers. */
  #isGuest = false;
  /** True while it waits for the lock of the store, or has it. */
  #isCandidate = false;
  /** Whether the page knows that somebody answers. */
  #isReady = false;
  #closing: number | undefined;

  constructor(runtime: Runtime, options: DbOptions, source: EngineSource | undefined, post: Post) {
    this.#runtime = runtime;
    this.#options = options;
    this.#source = source;
    this.#post = post;
    const path = runtime.storage?.normalize(options.storagePath as string);
    this.#store = PREFIX + path;
    this.#name = `${this.#store}:${crypto.randomUUID()}`;
    this.#all = new BroadcastChannel(this.#store);
    this.#channel = new BroadcastChannel(this.#name);
    this.#all.onmessage = ({ data }) => this.#hear(data as AmongTabs);
    this.#channel.onmessage = ({ data }) => this.#follow(data as FromLeader);
    // Its own lock first: without it a tab would be taken for gone.
    void this.#hold(this.#name, () => this.retry());
  }

  /** Asks for an answer, at first and after a failure. */
  retry(): void {
    if (this.#served) return;
    if (!this.#isCandidate) {
      this.#isCandidate = true;
      void this.#hold(this.#store, () => this.#lead()).finally(() => {
        this.#isCandidate = false;
      });
    }
    this.#hello();
  }

  receive(message: ToWorker): void {
    if (message.kind === 'call' && message.method === 'close') {
      this.#closing = message.call;
      if (this.#leader) {
        void this.#leave(message.call);
        return;
      }
    }
    if (this.#served) {
      this.#served.receive(message);
      return;
    }
    const noted = this.#unanswered.note(message, this.#isGuest);
    if (this.#isGuest) this.#channel.postMessage(noted);
  }

  /** Holds a lock until it is given back; `body` may not want it any more. */
  async #hold(name: string, body: () => unknown): Promise<void> {
    await navigator.locks
      .request(name, { signal: this.#waiting.signal }, async () => {
        const released = new Promise<void>((release) => this.#release.push(release));
        if ((await body()) !== false) await released;
      })
      .catch(() => {});
  }

  /** Asks whoever leads to answer this tab. */
  #hello(): void {
    const hello: AmongTabs = { kind: 'hello', name: this.#name, options: this.#options };
    if (!this.#served) this.#all.postMessage(hello);
  }

  #hear(message: AmongTabs): void {
    if (message.kind === 'hello') void this.#leader?.greet(message.name, message.options);
    else if (!this.#served) this.#hello();
  }

  /** The lock is there: opens the store. False if it cannot be; then others may try. */
  async #lead(): Promise<boolean> {
    // Whoever led is gone: what the page asks for from now on nobody else does.
    this.#isGuest = false;
    try {
      await this.#runtime.init(this.#source);
    } catch (error) {
      this.#answer({ kind: 'failed', error: packError(error) });
      return false;
    }
    const db = new EngineBoundDb<object>(this.#runtime, this.#options);
    const isOpen = await canOpen(db);
    const { info } = this.#runtime;
    const leader = isOpen ? new Leader(db, info) : undefined;
    const isShared = () => leader?.hasGuests ?? false;
    this.#leader = leader;
    this.#served = new Served(db, (message, transfer) => this.#answer(message, transfer), { isShared });
    this.#connected({ kind: 'ready', info });
    if (leader) this.#all.postMessage({ kind: 'leads' } satisfies AmongTabs);
    return isOpen;
  }

  /** What the tab that leads says to this one. */
  #follow(message: FromLeader): void {
    if (this.#served) return;
    if (message.kind === 'leaves') {
      this.#isGuest = false;
      this.#unanswered.nothingElseWasDone();
    } else if (message.kind === 'ready') {
      this.#isGuest = true;
      this.#connected(message);
    } else {
      this.#answer(message);
    }
  }

  /** Somebody answers from now on, who is asked what has no answer yet. */
  #connected(ready: FromWorker & { kind: 'ready' }): void {
    if (!this.#isReady) this.#post(ready);
    this.#isReady = true;
    const { messages, givenUp } = this.#unanswered.again();
    for (const call of givenUp) this.#post({ kind: 'error', call, error: packError(interrupted()) });
    for (const message of messages) {
      if (this.#isGuest) this.#channel.postMessage(message);
      else this.receive(message);
    }
  }

  #answer(message: FromWorker, transfer: Transferable[] = []): void {
    if (message.kind === 'failed') {
      this.#isReady = false;
      this.#unanswered = new Unanswered();
    }
    const isOwn = this.#served !== undefined;
    if (!isOwn && !this.#unanswered.take(message)) return;
    this.#post(message, transfer);
    if ('call' in message && message.call === this.#closing) this.#end();
  }

  async #leave(call: number): Promise<void> {
    try {
      await this.#leader?.leave();
      await this.#served?.settle();
      this.#end();
      this.#post({ kind: 'result', call, value: undefined });
    } catch (error) {
      this.#end();
      this.#post({ kind: 'error', call, error: packError(error) });
    }
  }

  #end(): void {
    this.#waiting.abort();
    for (const release of this.#release) release();
    this.#all.close();
    this.#channel.close();
  }
}

async function canOpen(db: EngineBoundDb<object>): Promise<boolean> {
  for (const end = Date.now() + PATIENCE_MS; ; ) {
    try {
      await db.len();
      return true;
    } catch (error) {
      const isHeld = error instanceof AnnywhereError && error.code === 'Locked';
      if (!isHeld || Date.now() > end) return false;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function interrupted(): AnnywhereError {
  const sentence = 'the tab that had the database open is gone: the call may have been done or not';
  return new AnnywhereError('Interrupted', sentence);
}
