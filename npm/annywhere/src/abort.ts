/** Calls that their caller gives up, by an `AbortSignal`. */
import { AnnywhereError, describe, invalidArgument } from './errors.js';
import type { AbortSignalLike } from './types.js';

export function checkSignal(signal: unknown): AbortSignalLike | undefined {
  if (signal === undefined) return undefined;
  const given = signal as Partial<AbortSignalLike> | null;
  if (typeof given === 'object' && typeof given?.aborted === 'boolean' && given.addEventListener) {
    return given as AbortSignalLike;
  }
  throw invalidArgument('signal', `must be an AbortSignal, not ${describe(signal)}`);
}

/** Throws `Aborted` if the caller has given up. */
export function refuseAborted(signal: AbortSignalLike | undefined): void {
  if (!signal?.aborted) return;
  const { reason } = signal;
  const sentence = reason instanceof Error ? reason.message : String(reason);
  throw new AnnywhereError(
    'Aborted',
    `the call was aborted: ${sentence}`,
    { reason: sentence },
    { cause: reason },
  );
}

/** The result, or `Aborted` as soon as the caller gives up; what is under way then goes on unseen. */
export async function untilAborted<T>(signal: AbortSignalLike | undefined, result: Promise<T>): Promise<T> {
  if (!signal) return result;
  let give: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    give = () => {
      try {
        refuseAborted(signal);
      } catch (error) {
        reject(error);
      }
    };
    signal.addEventListener('abort', give);
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener('abort', give);
  }
}
