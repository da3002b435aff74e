/** A Mastra vector store whose indexes are databases. Filters are those of the databases. */
import {
  type CreateIndexParams,
  type DeleteVectorParams,
  type DeleteVectorsParams,
  type IndexStats,
  MastraVector,
  type QueryResult,
  type QueryVectorParams,
  type UpdateVectorParams,
  type UpsertVectorParams,
} from '@mastra/core/vector';
import { invalidArgument } from '../errors.js';
import type { Filter } from '../filter-types.js';
import type { Change, DbOptions, Metadata } from '../types.js';
import type { EngineBoundDb } from '../vector-db.js';

export interface AnnywhereMastraConfig {
  id: string;
  /** Makes the database of a new index, such as `(name, options) => new VectorDb({ ...options, storagePath: name })`. */
  create: (indexName: string, options: Pick<DbOptions, 'dimensions' | 'distanceMetric'>) => EngineBoundDb;
  /** Databases that are there already, by the names of their indexes. */
  indexes?: Readonly<Record<string, EngineBoundDb>>;
  /** Removes what the database of a deleted index, which is closed, has left. */
  remove?: (indexName: string) => Promise<void>;
}

const DEFAULT_TOP_K = 10;
const METRICS = { cosine: 'cosine', euclidean: 'euclidean', dotproduct: 'dot' } as const;
const MASTRA_METRICS = { cosine: 'cosine', euclidean: 'euclidean', dot: 'dotproduct' } as const;

type AnyFilter = Filter<Metadata>;
interface Named {
  indexName: string;
}

export class AnnywhereMastraVector extends MastraVector<AnyFilter> {
  readonly #create: AnnywhereMastraConfig['create'];
  readonly #remove: AnnywhereMastraConfig['remove'];
  readonly #indexes: Map<string, EngineBoundDb>;

  constructor({ id, create, indexes = {}, remove }: AnnywhereMastraConfig) {
    super({ id });
    this.#create = create;
    this.#remove = remove;
    this.#indexes = new Map(Object.entries(indexes));
  }

  /** One that exists has to have the same dimensions and metric. */
  async createIndex({ indexName, dimension, metric = 'cosine' }: CreateIndexParams): Promise<void> {
    if (this.#indexes.has(indexName)) return this.validateExistingIndex(indexName, dimension, metric);
    const distanceMetric = METRICS[metric];
    if (!distanceMetric) throw invalidArgument('metric', `must be one of ${Object.keys(METRICS).join(', ')}`);
    this.#indexes.set(indexName, this.#create(indexName, { dimensions: dimension, distanceMetric }));
  }

  async listIndexes(): Promise<string[]> {
    return [...this.#indexes.keys()];
  }

  async describeIndex({ indexName }: Named): Promise<IndexStats> {
    const db = this.#db(indexName);
    const count = await db.len();
    const { dimensions: dimension, distanceMetric } = db.getStats();
    const metric = MASTRA_METRICS[distanceMetric as keyof typeof MASTRA_METRICS];
    return { dimension, count, ...(metric && { metric }) };
  }

  async deleteIndex({ indexName }: Named): Promise<void> {
    await this.#db(indexName).close();
    this.#indexes.delete(indexName);
    await this.#remove?.(indexName);
  }

  /** Rows that `deleteFilter` matches are removed once the new ones are there, less those that were replaced. */
  async upsert(params: UpsertVectorParams): Promise<string[]> {
    const { indexName, vectors, metadata, ids, sparseVectors, deleteFilter } = params;
    if (sparseVectors) throw noSparse('sparseVectors');
    if (metadata && metadata.length !== vectors.length) throw unequal('metadata', metadata, vectors);
    if (ids && ids.length !== vectors.length) throw unequal('ids', ids, vectors);
    const db = this.#db(indexName);
    const old = deleteFilter ? await idsOf(db, deleteFilter as AnyFilter) : [];
    const stored = await db.insertBatch(
      vectors.map((vector, row) => ({
        vector,
        metadata: metadata?.[row] ?? null,
        ...(ids && { id: ids[row] as string }),
      })),
    );
    const kept = new Set(stored);
    if (old.length > 0) await db.deleteMany(old.filter((id) => !kept.has(id)));
    return stored;
  }

  /** Without a vector: rows that match, in the order of their ids, with score 0. */
  async query(params: QueryVectorParams<AnyFilter>): Promise<QueryResult[]> {
    const { indexName, queryVector, topK = DEFAULT_TOP_K, filter, includeVector, sparseVector } = params;
    if (sparseVector) throw noSparse('sparseVector');
    const db = this.#db(indexName);
    if (!queryVector) return listed(db, filter, topK, includeVector === true);
    const hits = await db.search({
      vector: queryVector,
      k: topK,
      ...(filter && { filter }),
      include: { vector: includeVector === true },
    });
    return hits.map(({ id, score, metadata, vector }) => ({
      id,
      score,
      metadata,
      ...(vector && { vector: Array.from(vector) }),
    }));
  }

  /** Keys of the metadata are set, others stay. */
  async updateVector({ indexName, id, filter, update }: UpdateVectorParams<AnyFilter>): Promise<void> {
    const db = this.#db(indexName);
    const ids = id === undefined ? await idsOf(db, given('id or filter', filter)) : [id];
    for (const each of ids) await db.update(each, update as Change);
  }

  async deleteVector({ indexName, id }: DeleteVectorParams): Promise<void> {
    await this.#db(indexName).delete(id);
  }

  async deleteVectors({ indexName, ids, filter }: DeleteVectorsParams<AnyFilter>): Promise<void> {
    if (ids && filter) throw invalidArgument('filter', 'stands in the place of ids; give one of both');
    await this.#db(indexName).deleteMany(ids ?? { filter: given('ids or filter', filter) });
  }

  #db(indexName: string): EngineBoundDb {
    const db = this.#indexes.get(indexName);
    if (!db) throw invalidArgument('indexName', `there is no index ${indexName}`);
    return db;
  }
}

async function listed(
  db: EngineBoundDb,
  filter: AnyFilter | undefined,
  most: number,
  withVectors: boolean,
): Promise<QueryResult[]> {
  const rows: QueryResult[] = [];
  for await (const { id, metadata, vector } of db.entries({
    filter: given('queryVector or filter', filter),
  })) {
    if (rows.length >= most) break;
    rows.push({ id, score: 0, metadata, ...(withVectors && { vector: Array.from(vector) }) });
  }
  return rows;
}

async function idsOf(db: EngineBoundDb, filter: AnyFilter): Promise<string[]> {
  const ids: string[] = [];
  for await (const id of db.ids({ filter })) ids.push(id);
  return ids;
}

function given<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw invalidArgument(name, 'is required');
  return value;
}

const noSparse = (name: string) => invalidArgument(name, 'databases hold dense vectors only');

const unequal = (name: string, { length }: readonly unknown[], vectors: readonly unknown[]) =>
  invalidArgument(name, `has ${length} entries for ${vectors.length} vectors`);
