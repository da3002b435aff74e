/**
 * What a tab has asked of the tab that leads and has no answer to. When another tab leads, it is asked again; what may have
 * been done already and would not be the same twice is given up.
 */
import type { Batch } from '../batch.js';
import type { FromWorker, ToWorker } from './messages.js';
import { READS } from './served.js';

type Call = ToWorker & { kind: 'call' | 'next' };
type Standing = ToWorker & { kind: 'iterate' | 'watch' };

/** Changes that may be made twice: rows replace themselves, and what is there stays there. */
const REPEATABLE = new Set([
  'storeBatch',
  'update',
  'flush',
  'save',
  'compact',
  'reindex',
  'verify',
  'close',
]);

export class Unanswered {
  readonly #calls = new Map<number, { readonly message: Call; isSent: boolean }>();
  /** Iterators and standing queries that have not ended. */
  readonly #standing = new Map<number, Standing>();

  /** Takes a message in that is about to be sent, and gives it back as it can be sent twice. */
  note(message: ToWorker, isSent: boolean): ToWorker {
    switch (message.kind) {
      case 'call':
      case 'next': {
        const named = withIds(message);
        this.#calls.set(message.call, { message: named, isSent });
        return named;
      }
      case 'iterate':
      case 'watch':
        this.#standing.set(message.call, message);
        break;
      case 'return':
      case 'unwatch':
        this.#standing.delete(message.of);
        break;
    }
    return message;
  }

  /** Whether an answer is one to a call that waits, which it does no more; news of standing queries always are. */
  take(answer: FromWorker): boolean {
    if (answer.kind !== 'result' && answer.kind !== 'error') return true;
    const waiting = this.#calls.get(answer.call);
    this.#calls.delete(answer.call);
    if (waiting?.message.kind === 'next' && answer.kind === 'result')
      this.#advance(waiting.message.of, answer.value);
    return waiting !== undefined;
  }

  /** The one that led has answered everything that it did. */
  nothingElseWasDone(): void {
    for (const waiting of this.#calls.values()) waiting.isSent = false;
  }

  /** What to ask of one that leads now, in order, and the calls that are given up. */
  again(): { messages: ToWorker[]; givenUp: number[] } {
    const messages: ToWorker[] = [...this.#standing.values()];
    const givenUp: number[] = [];
    for (const [call, waiting] of this.#calls) {
      const { message } = waiting;
      const isRepeatable =
        message.kind === 'next' || READS.has(message.method) || REPEATABLE.has(message.method);
      if (waiting.isSent && !isRepeatable) {
        givenUp.push(call);
        this.#calls.delete(call);
        continue;
      }
      waiting.isSent = true;
      messages.push(message);
    }
    return { messages, givenUp };
  }

  /** A listing goes on after the row that came last. */
  #advance(of: number, step: unknown): void {
    const standing = this.#standing.get(of);
    const { value } = step as IteratorResult<unknown>;
    if (standing?.kind !== 'iterate' || value === undefined || standing.method === 'searchProgressive')
      return;
    const after = typeof value === 'string' ? value : (value as { id: string }).id;
    const [options] = standing.args;
    const args = [{ ...options, value: { ...(options?.value as object | undefined), after } }];
    this.#standing.set(of, { ...standing, args });
  }
}

/** Rows without ids get them here, so that a second insert replaces what the first has made. */
function withIds(message: Call): Call {
  if (message.kind !== 'call' || message.method !== 'storeBatch') return message;
  const [packed] = message.args;
  const batch = packed?.value as Batch;
  if (!batch.ids.includes(undefined)) return message;
  const ids = batch.ids.map((id) => id ?? crypto.randomUUID());
  return { ...message, args: [{ value: { ...batch, ids } }] };
}
