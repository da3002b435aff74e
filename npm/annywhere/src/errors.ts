/** The one error of this package: a stable code, a sentence with the numbers in it, and the numbers as data. */

export type ErrorCode =
  /** A vector has another length than the database's rows. Details: `expected`, `received`, `row`. */
  | 'WrongDimension'
  /** A vector contains NaN, an infinity, or a number beyond 32-bit floats. Details: `component`, `value`, `row`. */
  | 'NotFinite'
  /** A vector without a direction was given to a cosine database. Details: `row`. */
  | 'ZeroVector'
  /** A vector so long that distances to it would overflow. Details: `square`, `limit`, `row`. */
  | 'TooLarge'
  /** An id that cannot be stored. Details: `reason`, `row`. */
  | 'InvalidId'
  /** One batch names an id twice. Details: `id`, `first`, `second`. */
  | 'DuplicateId'
  /** Metadata that is not JSON. Details: `reason`, `row`. */
  | 'InvalidMetadata'
  /** An unknown option, or a value outside its range. Details: `option`, `reason`. */
  | 'InvalidOption'
  /** A filter that is not understood, or too large. Details: `path`, `reason`. */
  | 'InvalidFilter'
  /** An argument of a call is unknown or outside its range. Details: `argument`, `reason`. */
  | 'InvalidArgument'
  /** A file contradicts the options. Details: `option`, `expected`, `received`. */
  | 'Mismatch'
  /** Bytes that are not a whole, undamaged annywhere file. Details: `section`, `reason`. */
  | 'Corrupt'
  /** A file that needs a newer version. Details: `found`, `supported`. */
  | 'VersionTooNew'
  /** More rows than `maxElements`, where `maxElementsPolicy` is `error`. Details: `limit`, `rows`. */
  | 'Full'
  /** The storage has no room. Details: `reason`. */
  | 'NoSpace'
  /** The file at a URL is another one than when it was opened: open it anew. Details: `reason`. */
  | 'Changed'
  /** The tab that had the database open was gone before it answered: a change may have been made or not. */
  | 'Interrupted'
  /** The browser has removed a store that it was given to keep. Details: `reason`. */
  | 'Evicted'
  /** Another writer holds the storage. Details: `reason`. */
  | 'Locked'
  /** A write failed earlier; nothing is written until the database is opened anew. Details: `reason`. */
  | 'Poisoned'
  /** The database is open for reading only. */
  | 'ReadOnly'
  /** Any other failure of the storage. Details: `operation`, `reason`. */
  | 'Io'
  /** The allocator refused memory. Details: `bytes`. */
  | 'OutOfMemory'
  /** The caller gave the call up by its `signal`. Details: `reason`, `inserted`; see `cause`. */
  | 'Aborted'
  /** The database has been closed. */
  | 'Closed'
  /** The engine asked for cannot be loaded, or not without waiting. Details: `reason`; see `cause`. */
  | 'EngineUnavailable'
  /** The engine panicked or trapped and is dead: open the database anew. Details: `reason`; see `cause`. */
  | 'EngineFailed';

export type ErrorDetails = Readonly<Record<string, string | number>>;

export class AnnywhereError extends Error {
  override readonly name = 'AnnywhereError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** The core's error from the JSON in an engine's message; `undefined` for any other thing thrown. */
export function coreError(thrown: unknown): AnnywhereError | undefined {
  if (!(thrown instanceof Error) || !thrown.message.startsWith('{"code":')) return undefined;
  const { code, message, details } = JSON.parse(thrown.message) as {
    code: ErrorCode;
    message: string;
    details?: Record<string, string | number | null>;
  };
  const present = Object.entries(details ?? {}).filter(([, value]) => value !== null);
  return new AnnywhereError(code, message, Object.fromEntries(present) as ErrorDetails);
}

export function invalidArgument(argument: string, reason: string): AnnywhereError {
  return new AnnywhereError('InvalidArgument', `argument ${argument}: ${reason}`, { argument, reason });
}

export function invalidOption(option: string, reason: string): AnnywhereError {
  return new AnnywhereError('InvalidOption', `option ${option}: ${reason}`, { option, reason });
}

export function ioError(operation: string, cause: unknown): AnnywhereError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AnnywhereError('Io', `${operation} failed: ${reason}`, { operation, reason }, { cause });
}

export function engineFailed(cause: unknown): AnnywhereError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AnnywhereError(
    'EngineFailed',
    `the engine failed and is not used any more (${reason}); open the database anew`,
    { reason },
    { cause },
  );
}

/** What a value is, for sentences: `null`, `an array`, `a number`, `a Uint8Array`. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const name = Object.prototype.toString.call(value).slice(8, -1);
  return name === 'Object' ? 'an object' : /^[AEIO]/.test(name) ? `an ${name}` : `a ${name}`;
}
