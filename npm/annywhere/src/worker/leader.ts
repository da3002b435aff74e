/** The tab that has a store open, for the other tabs that use it. */
import type { DbOptions, RuntimeInfo } from '../types.js';
import { type EngineBoundDb, refuseOther } from '../vector-db.js';
import { type FromLeader, packError } from './messages.js';
import { Served } from './served.js';

interface Guest {
  readonly served: Served;
  readonly channel: BroadcastChannel;
  /** Ends the waiting for its end. */
  readonly watching: AbortController;
}

export class Leader {
  readonly #db: EngineBoundDb<object>;
  readonly #info: RuntimeInfo;
  readonly #guests = new Map<string, Guest>();
  /** The names of guests, and of those that are about to be. */
  readonly #greeted = new Set<string>();
  #isLeaving = false;

  constructor(db: EngineBoundDb<object>, info: RuntimeInfo) {
    this.#db = db;
    this.#info = info;
  }

  get hasGuests(): boolean {
    return this.#guests.size > 0;
  }

  /** Answers a tab from now on, on the channel of its name, until its lock of that name is free. */
  async greet(name: string, options: DbOptions): Promise<void> {
    // A tab that hears of a leader as it asks for one asks twice.
    if (this.#isLeaving || this.#greeted.has(name)) return;
    this.#greeted.add(name);
    const channel = new BroadcastChannel(name);
    const post = (message: FromLeader) => {
      // Of calls that take more than one step. Whoever leads next is asked again.
      const isCutOff = this.#isLeaving && message.kind === 'error' && message.error.code === 'Closed';
      if (!isCutOff) channel.postMessage(message);
    };
    try {
      await this.#db[refuseOther](options);
    } catch (error) {
      post({ kind: 'failed', error: packError(error) });
      channel.close();
      this.#greeted.delete(name);
      return;
    }
    if (this.#isLeaving) return;
    const flushes = options.durability === 'strict';
    const served = new Served(this.#db, post, { isGuest: true, flushes, isShared: () => true });
    const watching = new AbortController();
    this.#guests.set(name, { served, channel, watching });
    channel.onmessage = ({ data }) => served.receive(data);
    post({ kind: 'ready', info: this.#info });
    navigator.locks.request(name, { signal: watching.signal }, () => this.#forget(name)).catch(() => {});
  }

  /** Closes the database once all that was received is done, and lets the others know that nothing else was. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    for (const { channel } of this.#guests.values()) channel.onmessage = null;
    try {
      await this.#db.close();
    } finally {
      for (const [name, { served, channel }] of this.#guests) {
        await served.settle();
        channel.postMessage({ kind: 'leaves' } satisfies FromLeader);
        this.#forget(name);
      }
    }
  }

  #forget(name: string): void {
    const guest = this.#guests.get(name);
    if (!guest) return;
    this.#guests.delete(name);
    this.#greeted.delete(name);
    guest.watching.abort();
    guest.served.end();
    guest.channel.close();
  }
}
