/** What a command of the command line is. */
import type { Output } from './output.js';

export type Values = Readonly<Record<string, string | boolean | undefined>>;

export interface CommandContext {
  readonly values: Values;
  readonly positionals: readonly string[];
  readonly output: Output;
}

export interface CommandOption {
  readonly type: 'string' | 'boolean';
  readonly says: string;
  /** What stands for the value in the help. */
  readonly value?: string;
}

export interface Command {
  /** One sentence for the overview. */
  readonly says: string;
  readonly positionals: readonly string[];
  /** How many of the last positionals may be left out. */
  readonly optional?: number;
  readonly options: Readonly<Record<string, CommandOption>>;
  /** More for its help. */
  readonly notes?: string;
  /** Resolves with the exit code. */
  run(context: CommandContext): Promise<number>;
}

/** The command line cannot be understood. */
export class UsageError extends Error {}

export function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

export function integer(values: Values, name: string, least: number, most: number): number | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new UsageError(`--${name} must be an integer from ${least} to ${most}, not ${value}`);
}

export function decimal(values: Values, name: string): number | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() !== '' && Number.isFinite(number)) return number;
  throw new UsageError(`--${name} must be a number, not ${value}`);
}

export function oneOf<T extends string>(values: Values, name: string, choices: readonly T[]): T | undefined {
  const value = text(values, name);
  if (value === undefined || choices.includes(value as T)) return value as T | undefined;
  throw new UsageError(`--${name} must be one of ${choices.join(', ')}, not ${value}`);
}

export function json(values: Values, name: string): unknown {
  const value = text(values, name);
  if (value === undefined) return undefined;
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new UsageError(`--${name} must be JSON: ${(error as Error).message}`);
  }
}
