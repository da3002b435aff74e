/**
 * What a page and the worker with its database say to each other. Every call has a number; its answer carries the same.
 * Arguments are copied at the call, and the memory of the copies is moved, not copied again.
 */
import { AnnywhereError, type ErrorCode, type ErrorDetails } from '../errors.js';
import type { Kind } from '../storage/noted.js';
import type { DbOptions, EngineSource, RuntimeInfo, Stats } from '../types.js';

/** An argument: what can be copied, and the names of the properties that cannot. */
export interface Packed {
  readonly value: unknown;
  /** Its property `signal`, which the page keeps: it says so with `abort`. */
  readonly hasSignal?: boolean;
}

export type ToWorker =
  /** The first message. */
  | {
      readonly kind: 'open';
      readonly options: DbOptions;
      readonly source: EngineSource | undefined;
      /** Where the page knows the store to have been. */
      readonly noted: readonly Kind[];
    }
  | {
      readonly kind: 'call';
      readonly call: number;
      readonly method: string;
      readonly args: readonly Packed[];
    }
  | { readonly kind: 'abort'; readonly call: number; readonly reason: string }
  /** Starts an asynchronous iterator, of which `next` asks for one step and `return` ends it. */
  | {
      readonly kind: 'iterate';
      readonly call: number;
      readonly method: string;
      readonly args: readonly Packed[];
    }
  | { readonly kind: 'next'; readonly call: number; readonly of: number }
  | { readonly kind: 'return'; readonly of: number }
  | { readonly kind: 'watch'; readonly call: number; readonly args: readonly Packed[] }
  | { readonly kind: 'unwatch'; readonly of: number };

export type FromWorker =
  | { readonly kind: 'ready'; readonly info: RuntimeInfo }
  | { readonly kind: 'failed'; readonly error: PackedError }
  | { readonly kind: 'result'; readonly call: number; readonly value: unknown; readonly stats?: Stats }
  | { readonly kind: 'error'; readonly call: number; readonly error: PackedError; readonly stats?: Stats }
  /** A standing query has news. */
  | { readonly kind: 'event'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'eventError'; readonly call: number; readonly error: PackedError };

/** What the tab that has a store open says to another one. */
export type FromLeader =
  | FromWorker
  /** It has closed the store; what it has not answered it has not done. */
  | { readonly kind: 'leaves' };

/** What all tabs with the same store hear. */
export type AmongTabs =
  /** A tab with this name wants to be answered. */
  | { readonly kind: 'hello'; readonly name: string; readonly options: DbOptions }
  /** A tab has opened the store. */
  | { readonly kind: 'leads' };

/** An error as it crosses: without its `cause`, which may be anything. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly code?: ErrorCode;
  readonly details?: ErrorDetails;
}

export function packError(error: unknown): PackedError {
  if (error instanceof AnnywhereError) {
    const { name, message, code, details } = error;
    return { name, message, code, details };
  }
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: 'Error', message: String(error) };
}

export function unpackError({ name, message, code, details }: PackedError): Error {
  if (code) return new AnnywhereError(code, message, details);
  return Object.assign(new Error(message), { name });
}

/**
 * A copy of what can be copied, and the memory in it that can be moved. Typed arrays are copied alone: a clone would
 * take all of the memory behind a part.
 */
export function packArguments(args: readonly unknown[]): {
  readonly packed: Packed[];
  readonly transfer: ArrayBuffer[];
} {
  const transfer: ArrayBuffer[] = [];
  const packed = args.map((arg) => {
    if (!isPlain(arg)) return { value: copied(arg, transfer) };
    const { signal, ...rest } = arg;
    const value = copied(rest, transfer);
    return signal === undefined ? { value } : { value, hasSignal: true };
  });
  return { packed, transfer };
}

function copied(value: unknown, transfer: ArrayBuffer[]): unknown {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const copy = (value as Uint8Array).slice();
    transfer.push(copy.buffer as ArrayBuffer);
    return copy;
  }
  if (Array.isArray(value)) {
    return typeof value[0] === 'number' ? value.slice() : value.map((item) => copied(item, transfer));
  }
  if (isPlain(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copied(item, transfer)]));
  }
  return value;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The memory in a result that nobody else uses: that of arrays that fill it. */
export function movable(value: unknown, depth = 0): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteLength } = value;
    return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
  }
  // Deeper than rows in arrays of answers there are no vectors, only metadata.
  if (typeof value !== 'object' || value === null || depth > 3) return [];
  return Object.values(value).flatMap((item) => movable(item, depth + 1));
}
