/** A memory as it is given, as it is stored, and as it comes back. */
import { describe, invalidArgument } from '../errors.js';
import { refuseUnknown } from '../options.js';
import type { Vector } from '../types.js';

/** What an agent remembers. */
export interface NewMemory {
  /** Default: a random UUID. Unique per agent; one in use is replaced. */
  id?: string;
  content: string;
  /** Default: the embedder's vector of the content. */
  vector?: Vector;
  /** A word such as `fact`, `experience` or `task`; it decides how fast the memory fades. Default `fact`. */
  type?: string;
  tags?: readonly string[];
  /** From 0 to 1. Default 0.5. */
  importance?: number;
  /** Milliseconds until it is gone. Default: never. */
  ttlMs?: number;
  /** Where it comes from, such as a document or a tool. */
  source?: string;
  /** The memory that this one replaces; it stays, and is not recalled any more. */
  supersedes?: string;
  /** Anything else, as JSON. */
  data?: Readonly<Record<string, unknown>>;
}

/** The metadata of a row. */
export interface MemoryMetadata {
  agent: string;
  memoryId: string;
  content: string;
  type: string;
  tags: readonly string[];
  importance: number;
  /** Milliseconds since 1970. */
  createdAt: number;
  expiresAt?: number;
  source?: string;
  supersedes?: string;
  supersededBy?: string;
  /** False once it is superseded. */
  current: boolean;
  /** Who may recall it, as `namespace/agent`: the owner, and those it is shared with. */
  readers: readonly string[];
  /** Who let whom read it, and when. */
  shares?: readonly Share[];
  data?: Readonly<Record<string, unknown>>;
}

export interface Share {
  with: string;
  by: string;
  at: number;
}

/** A memory that is recalled. */
export interface Memory {
  id: string;
  /** Who remembered it. */
  agent: string;
  content: string;
  type: string;
  tags: readonly string[];
  importance: number;
  createdAt: Date;
  expiresAt?: Date;
  source?: string;
  supersedes?: string;
  supersededBy?: string;
  /** By whom, with whom and when it was shared. */
  shares: readonly Share[];
  data?: Readonly<Record<string, unknown>>;
}

export interface RecalledMemory extends Memory {
  /** similarity^power × importance × 0.5^(age / half-life). */
  score: number;
  similarity: number;
  /** What the score was made of. */
  reasons: { similarity: number; importance: number; recency: number; ageDays: number };
}

/** Names of agents, namespaces and types: they become parts of ids and filters, never of paths. */
const NAME = /^[a-z0-9][a-z0-9_.-]{0,63}$/i;
const ID = /^[\x21-\x7e]{1,128}$/;
const LONGEST_CONTENT = 1_000_000;
const MOST_TAGS = 64;
const LONGEST_TAG = 128;
const NAMES = [
  ...['id', 'content', 'vector', 'type', 'tags', 'importance', 'ttlMs', 'source', 'supersedes', 'data'],
] as const;
const TYPE = 'fact';
const IMPORTANCE = 0.5;

export function checkName(argument: string, name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name;
  const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, 80)) : describe(name);
  throw invalidArgument(
    argument,
    `must be 1 to 64 letters, digits, '_', '.' or '-', and begin with a letter or digit, not ${shown}`,
  );
}

export function checkMemoryId(id: unknown): string {
  if (typeof id === 'string' && ID.test(id)) return id;
  throw invalidArgument('id', 'must be 1 to 128 visible ASCII characters');
}

/** Checks everything about a memory but its vector. */
export function checkMemory(memory: NewMemory): Required<Pick<NewMemory, 'type' | 'importance' | 'tags'>> {
  if (typeof memory !== 'object' || memory === null) {
    throw invalidArgument('memory', `must be { content, .. }, not ${describe(memory)}`);
  }
  refuseUnknown(memory, NAMES as readonly string[], invalidArgument);
  const { content, type = TYPE, tags = [], importance = IMPORTANCE, ttlMs, source } = memory;
  if (typeof content !== 'string' || content.length === 0 || content.length > LONGEST_CONTENT) {
    throw invalidArgument('content', `must be a text of 1 to ${LONGEST_CONTENT} characters`);
  }
  checkName('type', type);
  checkTags(tags);
  if (!(typeof importance === 'number' && importance >= 0 && importance <= 1)) {
    throw invalidArgument('importance', `must be a number from 0 to 1, not ${String(importance)}`);
  }
  if (ttlMs !== undefined && !(typeof ttlMs === 'number' && ttlMs > 0 && Number.isFinite(ttlMs))) {
    throw invalidArgument('ttlMs', `must be a positive number, not ${String(ttlMs)}`);
  }
  if (source !== undefined && typeof source !== 'string') {
    throw invalidArgument('source', `must be a string, not ${describe(source)}`);
  }
  return { type, tags, importance };
}

export function checkTags(tags: readonly string[]): void {
  if (!Array.isArray(tags) || tags.length > MOST_TAGS) {
    throw invalidArgument('tags', `must be an array of at most ${MOST_TAGS} strings`);
  }
  const at = tags.findIndex((tag) => typeof tag !== 'string' || tag === '' || tag.length > LONGEST_TAG);
  if (at >= 0) throw invalidArgument(`tags[${at}]`, `must be a string of 1 to ${LONGEST_TAG} characters`);
}

/** A row's metadata as a memory. */
export function memoryOf(metadata: MemoryMetadata): Memory {
  const { memoryId: id, createdAt, expiresAt, readers: _, current: __, shares = [], ...rest } = metadata;
  return {
    id,
    ...rest,
    shares,
    createdAt: new Date(createdAt),
    ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
  };
}
