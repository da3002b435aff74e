/**
 * What agents remember, in one database for all of them.
 *
 * A memory belongs to an agent of a namespace and has a list of readers. Sharing adds a reader to the one row that
 * there is: nothing is copied, the target recalls it at once, and taking it back takes it from the target. What may
 * be read is a filter inside the index, so rare types and small agents get their k memories too.
 *
 * Memories are data: whoever stores one can put words into it that look like instructions. Recalled memories carry
 * who stored them and who shared them; treat their content as untrusted.
 */
import type { Embedder } from '../embed/embedder.js';
import { describe, invalidArgument } from '../errors.js';
import type { Filter as DbFilter } from '../filter-types.js';
import { refuseUnknown } from '../options.js';
import { allOf, type Filter } from '../pipeline/filter.js';
import type {
  AbortSignalLike,
  DistanceMetric,
  Entry,
  Hit,
  Row,
  SearchQuery,
  Subscription,
  Vector,
  WatchEvent,
} from '../types.js';
import { type Fading, recalled, weighBy } from './fading.js';
import {
  checkMemory,
  checkMemoryId,
  checkName,
  checkTags,
  type Memory,
  type MemoryMetadata,
  memoryOf,
  type NewMemory,
  type RecalledMemory,
} from './memory.js';

/** What the memory needs of a database: `VectorDb` of every entry has it. */
export interface MemoryDb {
  search(query: SearchQuery<MemoryMetadata>): Promise<Hit<MemoryMetadata>[]>;
  watch(
    query: SearchQuery<MemoryMetadata>,
    callback: (event: WatchEvent<MemoryMetadata>) => void,
    onError?: (error: unknown) => void,
  ): Subscription;
  getStats(): { readonly distanceMetric: DistanceMetric };
  insertBatch(entries: Iterable<Entry<MemoryMetadata>>): Promise<string[]>;
  get(id: string): Promise<Row<MemoryMetadata> | null>;
  delete(id: string): Promise<boolean>;
  deleteMany(which: { filter: DbFilter<MemoryMetadata> }): Promise<number>;
  count(filter?: DbFilter<MemoryMetadata>): Promise<number>;
}

export interface AgentMemoryOptions {
  /** One for all agents; its metric is `cosine` or `dot`. */
  db: MemoryDb;
  agent: string;
  /** Agents of different namespaces never see each other's memories. Default `default`. */
  namespace?: string;
  /** For memories and questions that come as text. */
  embedder?: Embedder;
  /** Days after which a memory is worth half, by type. See `HALF_LIFE_DAYS` for the defaults. */
  halfLifeDays?: Readonly<Record<string, number>>;
  /** For types without one. Default 90. */
  defaultHalfLifeDays?: number;
  /** How much similarity counts: its exponent in the score. Default 2. */
  similarityPower?: number;
  /** The time it is, in milliseconds. Default `Date.now`. */
  now?: () => number;
}

export interface Recall {
  /** One of the two. */
  text?: string;
  vector?: Vector;
  /** Default 10. */
  k?: number;
  types?: readonly string[];
  /** With all of these tags. */
  tags?: readonly string[];
  /** Whose memories. Default `all`: one's own and those shared with one. */
  from?: 'all' | 'own' | 'shared';
  /** Least similarity. Default: none. */
  threshold?: number;
  /** Also those that others replaced. Default `false`. */
  superseded?: boolean;
  /**
   * How many of the most similar memories are looked at. Default 128. With fewer the answer comes sooner and misses more of
   * what `exact` finds, see `benches/memory.mjs`.
   */
  candidates?: number;
  /** Look at all memories. Default `false`. */
  exact?: boolean;
  signal?: AbortSignalLike;
}

/** A standing question: what a recall may ask, but for `exact`, `candidates` and `signal`. */
export type MemoryWatch = Omit<Recall, 'exact' | 'candidates' | 'signal'>;

/** What changed for a standing question. */
export interface MemoryEvent {
  /** Best first: all memories that answer it now, and those of them that are new, or have changed, moved or got another score. */
  memories: RecalledMemory[];
  entered: RecalledMemory[];
  moved: RecalledMemory[];
  /** Those that do not answer it any more. */
  left: { agent: string; id: string }[];
}

/** How long memories keep half their worth, in days; `Infinity` for ever. */
export const HALF_LIFE_DAYS: Readonly<Record<string, number>> = {
  fact: 365,
  preference: 365,
  instruction: Number.POSITIVE_INFINITY,
  experience: 60,
  conversation: 14,
  task: 7,
  state: 1,
};

const OPTIONS = [
  ...[
    'db',
    'agent',
    'namespace',
    'embedder',
    'halfLifeDays',
    'defaultHalfLifeDays',
    'similarityPower',
    'now',
  ],
] as const;
const RECALL = [
  ...[
    'text',
    'vector',
    'k',
    'types',
    'tags',
    'from',
    'threshold',
    'superseded',
    'candidates',
    'exact',
    'signal',
  ],
] as const;
const WATCH = RECALL.filter((name) => !['exact', 'candidates', 'signal'].includes(name));
const DEFAULT_HALF_LIFE_DAYS = 90;
const POWER = 2;

/** The memory in a row; names of namespaces and agents have no slash. */
function memoryAt(row: string): { agent: string; id: string } {
  const [, agent = '', ...id] = row.split('/');
  return { agent, id: id.join('/') };
}

/** Changes of one row that read it first, in their order; of all memories of a database, not of one agent. */
const changes = new WeakMap<object, Promise<unknown>>();

export class AgentMemory {
  readonly agent: string;
  readonly namespace: string;
  readonly #db: MemoryDb;
  readonly #embedder: Embedder | undefined;
  /** In days. */
  readonly #aging: { readonly halfLives: Readonly<Record<string, number>>; readonly defaultHalfLife: number };
  readonly #power: number;
  readonly #now: () => number;
  #metric: DistanceMetric | undefined;

  constructor(options: AgentMemoryOptions) {
    if (typeof options !== 'object' || options === null) {
      throw invalidArgument('options', `must be { db, agent, .. }, not ${describe(options)}`);
    }
    refuseUnknown(options, OPTIONS as readonly string[], invalidArgument);
    const { db, agent, namespace = 'default', embedder, now = Date.now } = options;
    if (typeof db?.search !== 'function')
      throw invalidArgument('db', `must be a VectorDb, not ${describe(db)}`);
    this.#db = db;
    this.agent = checkName('agent', agent);
    this.namespace = checkName('namespace', namespace);
    this.#embedder = embedder;
    this.#aging = {
      halfLives: { ...HALF_LIFE_DAYS, ...options.halfLifeDays },
      defaultHalfLife: options.defaultHalfLifeDays ?? DEFAULT_HALF_LIFE_DAYS,
    };
    this.#power = options.similarityPower ?? POWER;
    this.#now = now;
    const { halfLives, defaultHalfLife } = this.#aging;
    for (const days of [...Object.values(halfLives), defaultHalfLife, this.#power]) {
      if (!(days > 0)) throw invalidArgument('halfLifeDays', `must be positive numbers, not ${String(days)}`);
    }
  }

  /** Remembers, and resolves with the memory's id once the database has it. */
  async store(memory: NewMemory): Promise<string> {
    const [id] = await this.storeMany([memory]);
    return id as string;
  }

  /** Remembers all of them or, on an error, none. */
  async storeMany(memories: readonly NewMemory[]): Promise<string[]> {
    if (!Array.isArray(memories)) {
      throw invalidArgument('memories', `must be an array, not ${describe(memories)}`);
    }
    const checked = memories.map((memory) => ({ memory, ...checkMemory(memory) }));
    const ids = memories.map(({ id }) => (id === undefined ? crypto.randomUUID() : checkMemoryId(id)));
    const vectors = await this.#vectors(memories);
    const now = this.#now();
    const entries = checked.map(({ memory, type, tags, importance }, at): Entry<MemoryMetadata> => {
      const { content, ttlMs, source, supersedes, data } = memory;
      const memoryId = ids[at] as string;
      return {
        id: this.#row(memoryId),
        vector: vectors[at] as Vector,
        metadata: {
          agent: this.agent,
          memoryId,
          content,
          type,
          tags: [...tags],
          importance,
          createdAt: now,
          current: true,
          readers: [this.#reader(this.agent)],
          ...(ttlMs !== undefined && { expiresAt: now + ttlMs }),
          ...(source !== undefined && { source }),
          ...(supersedes !== undefined && { supersedes: checkMemoryId(supersedes) }),
          ...(data !== undefined && { data }),
        },
      };
    });
    const replaced = entries.flatMap(({ metadata }) => {
      const { supersedes, memoryId } = metadata as MemoryMetadata;
      return supersedes === undefined ? [] : [{ supersedes, memoryId }];
    });
    if (replaced.length === 0) {
      await this.#db.insertBatch(entries);
      return ids;
    }
    await this.#change(async () => {
      // One batch: the old memory never disappears before the new one is there.
      const old = await Promise.all(replaced.map(({ supersedes }) => this.#own(supersedes)));
      const changed = old.map(({ id, vector, metadata }, at) => {
        const { memoryId } = replaced[at] as { memoryId: string };
        return { id, vector, metadata: { ...metadata, current: false, supersededBy: memoryId } };
      });
      await this.#db.insertBatch([...entries, ...changed]);
    });
    return ids;
  }

  /** The memories that are worth most for a question, best first. */
  async recall(recall: Recall): Promise<RecalledMemory[]> {
    const filter = this.#readable(recall, RECALL);
    const { k, threshold, candidates, exact, signal } = recall;
    const vector = await this.#question(recall);
    const fading = this.#fading();
    const weigh = {
      ...weighBy(fading),
      ...(threshold !== undefined && { minSimilarity: threshold }),
      ...(candidates !== undefined && { candidates }),
    };
    const hits = await this.#db.search({
      vector,
      filter: filter as DbFilter<MemoryMetadata>,
      weigh,
      ...(k !== undefined && { k }),
      ...(exact !== undefined && { exact }),
      ...(signal && { signal }),
    });
    return hits.map((hit) => recalled(hit, this.#similarityOf(hit), fading));
  }

  /**
   * Tells the memories that answer a question, and again whenever a change makes it others. They stand in the order of
   * similarity^power × importance: age, which changes without a change being made, does not count here. A memory whose
   * time is over leaves when it is swept away.
   */
  async watch(
    recall: MemoryWatch,
    callback: (event: MemoryEvent) => void,
    onError?: (error: unknown) => void,
  ): Promise<Subscription> {
    const filter = this.#readable(recall, WATCH);
    if (typeof callback !== 'function') {
      throw invalidArgument('callback', `must be a function, not ${describe(callback)}`);
    }
    const { k, threshold } = recall;
    const vector = await this.#question(recall);
    const fading = this.#fading();
    const { fade: _, ...weigh } = weighBy(fading);
    const query = {
      vector,
      filter: filter as DbFilter<MemoryMetadata>,
      weigh: { ...weigh, ...(threshold !== undefined && { minSimilarity: threshold }) },
      ...(k !== undefined && { k }),
    };
    const shown = (hit: Hit<MemoryMetadata>) => recalled(hit, this.#similarityOf(hit), fading, false);
    return this.#db.watch(
      query,
      ({ hits, entered, moved, left }) =>
        callback({
          memories: hits.map(shown),
          entered: entered.map(shown),
          moved: moved.map(shown),
          left: left.map(memoryAt),
        }),
      onError,
    );
  }

  /** What this agent, or one that shared it, experienced in a situation like this one. */
  async similarExperiences(recall: Omit<Recall, 'types'>): Promise<RecalledMemory[]> {
    return this.recall({ ...recall, types: ['experience'] });
  }

  /** A memory that this agent may read, or `null`: one's own by its id, another agent's by `agent` too. */
  async get(id: string, agent: string = this.agent): Promise<Memory | null> {
    const row = await this.#db.get(this.#row(checkMemoryId(id), checkName('agent', agent)));
    if (!row?.metadata.readers.includes(this.#reader(this.agent))) return null;
    const { expiresAt } = row.metadata;
    return expiresAt === undefined || expiresAt > this.#now() ? memoryOf(row.metadata) : null;
  }

  /** Removes one of one's own memories, for everybody it is shared with too; `false` if there is none. */
  async forget(id: string): Promise<boolean> {
    const row = this.#row(checkMemoryId(id));
    return this.#change(() => this.#db.delete(row));
  }

  /** Removes one's own memories of these types and with all of these tags; resolves with their number. */
  async forgetMany(selection: { types?: readonly string[]; tags?: readonly string[] }): Promise<number> {
    refuseUnknown(selection, ['types', 'tags'], invalidArgument);
    if (selection.types === undefined && selection.tags === undefined) {
      throw invalidArgument('selection', 'must name types or tags');
    }
    const filter = this.#readable({ ...selection, from: 'own', superseded: true }, RECALL);
    return this.#change(() => this.#db.deleteMany({ filter: filter as DbFilter<MemoryMetadata> }));
  }

  /** Replaces a memory by a new one, which keeps its type, tags and importance unless it says others. */
  async supersede(id: string, memory: NewMemory): Promise<string> {
    const { metadata } = await this.#own(checkMemoryId(id));
    const { type, tags, importance } = metadata;
    return this.store({ type, tags, importance, ...memory, supersedes: id });
  }

  /** Lets other agents of the namespace recall a memory of one's own. */
  async share(id: string, agents: readonly string[]): Promise<void> {
    const targets = agents.map((agent) => checkName('agents', agent));
    await this.#update(id, (metadata, now) => ({
      ...metadata,
      readers: [...new Set([...metadata.readers, ...targets.map((agent) => this.#reader(agent))])],
      shares: [
        ...(metadata.shares ?? []).filter((share) => !targets.includes(share.with)),
        ...targets.map((agent) => ({ with: agent, by: this.agent, at: now })),
      ],
    }));
  }

  /** Takes a memory back from agents it was shared with; without `agents` from all of them. */
  async revoke(id: string, agents?: readonly string[]): Promise<void> {
    const owner = this.#reader(this.agent);
    await this.#update(id, (metadata) => {
      const isOut = (agent: string) => agents === undefined || agents.includes(agent);
      const shares = (metadata.shares ?? []).filter((share) => !isOut(share.with));
      return { ...metadata, shares, readers: [owner, ...shares.map((share) => this.#reader(share.with))] };
    });
  }

  /** Removes one's own memories whose time is over; resolves with their number. */
  async sweep(): Promise<number> {
    const filter = { agent: this.agent, readers: this.#reader(this.agent), expiresAt: { $lte: this.#now() } };
    return this.#change(() => this.#db.deleteMany({ filter }));
  }

  /** How many memories there are: one's own, those shared with one, and one's own that are superseded. */
  async stats(): Promise<{ own: number; shared: number; superseded: number }> {
    const readers = this.#reader(this.agent);
    const [all, own, current] = await Promise.all([
      this.#db.count({ readers, current: true }),
      this.#db.count({ readers, agent: this.agent }),
      this.#db.count({ readers, agent: this.agent, current: true }),
    ]);
    return { own: current, shared: all - current, superseded: own - current };
  }

  #row(id: string, agent = this.agent): string {
    return `${this.namespace}/${agent}/${id}`;
  }

  #reader(agent: string): string {
    return `${this.namespace}/${agent}`;
  }

  #fading(): Fading {
    const { halfLives, defaultHalfLife: halfLife } = this.#aging;
    return { now: this.#now(), power: this.#power, halfLives, halfLife };
  }

  /** The score without weighing; the database is open by now and says how it compares. */
  #similarityOf({ distance }: Hit<MemoryMetadata>): number {
    this.#metric ??= this.#db.getStats().distanceMetric;
    return this.#metric === 'dot' ? -distance : 1 - distance;
  }

  /** What this agent may see of what is asked for, as a filter. */
  #readable(recall: Recall, known: readonly string[]): Filter {
    if (typeof recall !== 'object' || recall === null) {
      throw invalidArgument('recall', `must be { text | vector, .. }, not ${describe(recall)}`);
    }
    refuseUnknown(recall, known, invalidArgument);
    const { types, tags = [], from = 'all', superseded = false } = recall;
    if (!['all', 'own', 'shared'].includes(from)) {
      throw invalidArgument('from', `must be 'all', 'own' or 'shared', not ${describe(from)}`);
    }
    if (types !== undefined) for (const type of types) checkName('types', type);
    checkTags(tags);
    const whose: Record<string, Filter | undefined> = {
      all: undefined,
      own: { agent: this.agent },
      shared: { agent: { $ne: this.agent } },
    };
    return allOf(
      { readers: this.#reader(this.agent) },
      whose[from],
      superseded ? undefined : { current: true },
      types && { type: { $in: [...types] } },
      tags.length > 0 ? { tags: { $all: [...tags] } } : undefined,
    ) as Filter;
  }

  async #question({ text, vector, signal }: Recall): Promise<Vector> {
    if ((text === undefined) === (vector === undefined)) {
      throw invalidArgument('recall', 'needs either a text or a vector');
    }
    if (vector !== undefined) return vector;
    if (typeof text !== 'string') throw invalidArgument('text', `must be a string, not ${describe(text)}`);
    const options = { purpose: 'query' as const, ...(signal && { signal }) };
    const [embedded] = await this.#needEmbedder().embed([text], options);
    return embedded as Float32Array;
  }

  /** Vectors of memories; only the texts without one are embedded. */
  async #vectors(memories: readonly NewMemory[]): Promise<Vector[]> {
    const without = memories.filter(({ vector }) => vector === undefined).map(({ content }) => content);
    const made = without.length > 0 ? await this.#needEmbedder().embed(without, { purpose: 'document' }) : [];
    let next = 0;
    return memories.map(({ vector }) => vector ?? (made[next++] as Float32Array));
  }

  #needEmbedder(): Embedder {
    if (this.#embedder) return this.#embedder;
    throw invalidArgument('vector', 'is required: this AgentMemory has no embedder for texts');
  }

  /** A row of one's own. */
  async #own(id: string): Promise<Row<MemoryMetadata>> {
    const row = await this.#db.get(this.#row(id));
    if (!row) throw invalidArgument('id', `agent ${this.agent} has no memory ${JSON.stringify(id)}`);
    return row;
  }

  async #update(
    id: string,
    change: (metadata: MemoryMetadata, now: number) => MemoryMetadata,
  ): Promise<void> {
    checkMemoryId(id);
    await this.#change(async () => {
      const { id: row, vector, metadata } = await this.#own(id);
      await this.#db.insertBatch([{ id: row, vector, metadata: change(metadata, this.#now()) }]);
    });
  }

  /** One after the other: a change reads a row and writes it anew. */
  async #change<T>(body: () => Promise<T>): Promise<T> {
    const before = changes.get(this.#db) ?? Promise.resolve();
    const result = before.then(body, body);
    changes.set(
      this.#db,
      result.catch(() => {}),
    );
    return result;
  }
}
