/**
 * One search over several databases, such as shards by type or by year. Scores are comparable because the metric is the same
 * everywhere; what they are not comparable for is refused: the words of one database weigh otherwise in another, and varied
 * hits are chosen among all.
 */
import { AnnywhereError, invalidArgument } from './errors.js';
import type { Filter } from './filter-types.js';
import { own } from './options.js';
import { DEFAULT_K } from './search-query.js';
import type { Hit, Metadata, Row, SearchQuery, Stats } from './types.js';

/** What is used of a database. */
export interface Searchable<Meta extends object = Metadata> {
  search(query: SearchQuery<Meta>): Promise<Hit<Meta>[]>;
  get(id: string): Promise<Row<Meta> | null>;
  len(): Promise<number>;
  count(filter: Filter<Meta>): Promise<number>;
  getStats(): Stats;
}

/** A database among others, with what says whether its rows can answer. */
export interface Shard<Meta extends object = Metadata> {
  db: Searchable<Meta>;
  /** `false` for a filter that no row of this database matches. Default: it is always asked. */
  mayMatch?: (filter: Filter<Meta>) => boolean;
}

/** A hit, and the number of the database that it comes from. */
export interface FederatedHit<Meta extends object = Metadata> extends Hit<Meta> {
  database: number;
}

export interface FederatedQuery<Meta extends object = Metadata>
  extends Omit<SearchQuery<Meta>, 'text' | 'fusion' | 'diversify' | 'groupBy' | 'budget'> {}

const OF_ONE_DATABASE = ['text', 'fusion', 'diversify', 'groupBy', 'budget'] as const;

/** Several databases that are searched as one. All have the same dimensions and the same metric. */
export function federate<Meta extends object = Metadata>(
  databases: readonly (Searchable<Meta> | Shard<Meta>)[],
): Federation<Meta> {
  if (!Array.isArray(databases) || databases.length === 0) {
    throw invalidArgument('databases', 'must be an array of at least one database');
  }
  return new Federation(databases.map((given) => ('db' in given ? given : { db: given })));
}

export class Federation<Meta extends object = Metadata> {
  readonly #shards: readonly Shard<Meta>[];
  #areAlike = false;

  constructor(shards: readonly Shard<Meta>[]) {
    this.#shards = shards;
  }

  /** The nearest rows of all databases, best first. Equal scores: in the order of the databases. */
  async search(query: FederatedQuery<Meta>): Promise<FederatedHit<Meta>[]> {
    for (const name of OF_ONE_DATABASE) {
      if (own(query as SearchQuery<Meta>, name) !== undefined) {
        throw invalidArgument(name, 'is for a search in one database');
      }
    }
    const asked = this.#asked(query.filter);
    const found = Promise.all(
      asked.map(async ({ shard, database }) => {
        const hits = await shard.db.search(query);
        return hits.map((hit): FederatedHit<Meta> => ({ ...hit, database }));
      }),
    );
    const k = query.k ?? DEFAULT_K;
    const hits = await found;
    await this.#refuseUnlike();
    // Stable: what is equal stays in the order of databases and ranks.
    return hits
      .flat()
      .sort((one, other) => other.score - one.score)
      .slice(0, k);
  }

  /** The row with this id and the number of its database, from the first that has it; else `null`. */
  async get(id: string): Promise<(Row<Meta> & { database: number }) | null> {
    const rows = await Promise.all(this.#shards.map(({ db }) => db.get(id)));
    const database = rows.findIndex((row) => row !== null);
    return database < 0 ? null : { ...(rows[database] as Row<Meta>), database };
  }

  /** Number of rows of all databases. */
  async len(): Promise<number> {
    return sum(this.#shards.map(({ db }) => db.len()));
  }

  /** Number of rows that match. */
  async count(filter: Filter<Meta>): Promise<number> {
    return sum(this.#asked(filter).map(({ shard }) => shard.db.count(filter)));
  }

  #asked(filter: Filter<Meta> | undefined): { shard: Shard<Meta>; database: number }[] {
    const all = this.#shards.map((shard, database) => ({ shard, database }));
    return filter === undefined ? all : all.filter(({ shard }) => shard.mayMatch?.(filter) ?? true);
  }

  /** The metric of a database is known once it is open. */
  async #refuseUnlike(): Promise<void> {
    if (this.#areAlike) return;
    await this.len();
    const [first, ...others] = this.#shards.map(({ db }) => db.getStats());
    for (const other of others) {
      for (const option of ['dimensions', 'distanceMetric'] as const) {
        const [expected, received] = [first?.[option] as string | number, other[option]];
        if (expected === received) continue;
        const sentence = `the databases differ in ${option}: ${expected} and ${received}`;
        throw new AnnywhereError('Mismatch', sentence, { option, expected, received });
      }
    }
    this.#areAlike = true;
  }
}

async function sum(numbers: Promise<number>[]): Promise<number> {
  return (await Promise.all(numbers)).reduce((total, number) => total + number, 0);
}
