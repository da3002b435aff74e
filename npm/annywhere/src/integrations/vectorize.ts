/**
 * An index with the methods of Cloudflare's Vectorize binding, over a database: for tests and for development without a
 * network. It keeps to the limits of the service unless told otherwise, and unlike it, writes are there at once.
 *
 * Filters and namespaces are looked at here, after the search, which is made larger until enough rows pass. That is
 * exact, and meant for the sizes of tests.
 */
import { AnnywhereError } from '../errors.js';
import type { Hit, Metadata } from '../types.js';
import type { EngineBoundDb } from '../vector-db.js';

type Value = string | number | boolean | null;
type Condition = Partial<Record<'$eq' | '$ne' | '$lt' | '$lte' | '$gt' | '$gte', Value>> &
  Partial<Record<'$in' | '$nin', readonly Value[]>>;
export type VectorizeFilter = Readonly<Record<string, Value | Condition>>;

export interface VectorizeVector {
  id: string;
  values: number[] | Float32Array | Float64Array;
  namespace?: string;
  metadata?: Metadata;
}

export interface VectorizeQueryOptions {
  topK?: number;
  namespace?: string;
  returnValues?: boolean;
  returnMetadata?: boolean | 'all' | 'indexed' | 'none';
  filter?: VectorizeFilter;
}

export interface VectorizeMatch {
  id: string;
  /** As the service gives it: cosine as it is, the Euclidean distance, or the negated dot product. */
  score: number;
  values?: number[];
  namespace?: string;
  metadata?: Metadata;
}

export interface VectorizeMatches {
  matches: VectorizeMatch[];
  count: number;
}

export interface VectorizeMutation {
  mutationId: string;
}

export interface LocalVectorizeOptions {
  /** Whether the limits of the service hold here too. Default `true`. */
  limits?: boolean;
}

const DEFAULT_TOP_K = 5;
const MOST_TOP_K = 100;
/** With values or all metadata. */
const MOST_FULL_TOP_K = 20;
const MOST_BATCH = 1000;
const MOST_ID_BYTES = 64;
const MOST_METADATA_BYTES = 10_240;
const MOST_DIMENSIONS = 1536;

/** What a row keeps beside the vector. */
interface Kept {
  namespace?: string;
  metadata?: Metadata;
}

export class LocalVectorize {
  readonly #db: EngineBoundDb;
  readonly #limits: boolean;
  #mutations = 0;

  /** The metric of the database is that of the index. */
  constructor(db: EngineBoundDb, options: LocalVectorizeOptions = {}) {
    this.#db = db;
    this.#limits = options.limits ?? true;
  }

  async describe(): Promise<{
    dimensions: number;
    vectorCount: number;
    processedUpToMutation: number;
    processedUpToDatetime: string;
  }> {
    const vectorCount = await this.#db.len();
    const { dimensions } = this.#db.getStats();
    this.#limit(dimensions <= MOST_DIMENSIONS, `indexes have at most ${MOST_DIMENSIONS} dimensions`);
    const processedUpToDatetime = new Date().toISOString();
    return { dimensions, vectorCount, processedUpToMutation: this.#mutations, processedUpToDatetime };
  }

  /** Adds vectors; those whose id exists are left as they are. */
  async insert(vectors: VectorizeVector[]): Promise<VectorizeMutation> {
    const fresh: VectorizeVector[] = [];
    for (const vector of vectors) {
      if (!(await this.#db.get(vector.id)) && !fresh.some(({ id }) => id === vector.id)) fresh.push(vector);
    }
    return this.upsert(fresh);
  }

  /** Adds vectors, and replaces those whose id exists, with namespace and metadata. */
  async upsert(vectors: VectorizeVector[]): Promise<VectorizeMutation> {
    this.#limit(vectors.length <= MOST_BATCH, `at most ${MOST_BATCH} vectors are taken at once`);
    for (const { id, metadata } of vectors) {
      const bytes = (text: string) => new TextEncoder().encode(text).length;
      this.#limit(bytes(id) <= MOST_ID_BYTES, `ids have at most ${MOST_ID_BYTES} bytes`);
      const size = bytes(JSON.stringify(metadata ?? {}));
      this.#limit(size <= MOST_METADATA_BYTES, `metadata has at most ${MOST_METADATA_BYTES} bytes`);
    }
    const last = new Map(vectors.map((vector) => [vector.id, vector]));
    await this.#db.insertBatch(
      [...last.values()].map(({ id, values, namespace, metadata }) => ({
        id,
        vector: values instanceof Float32Array ? values : Array.from(values),
        metadata: { ...(namespace !== undefined && { namespace }), ...(metadata && { metadata }) },
      })),
    );
    return this.#mutation();
  }

  async deleteByIds(ids: string[]): Promise<VectorizeMutation> {
    for (const id of ids) await this.#db.delete(id);
    return this.#mutation();
  }

  async getByIds(ids: string[]): Promise<VectorizeVector[]> {
    const rows = await Promise.all(ids.map((id) => this.#db.get(id)));
    return rows.flatMap((row) =>
      row ? [{ id: row.id, values: Array.from(row.vector), ...(row.metadata as Kept) }] : [],
    );
  }

  async queryById(id: string, options?: VectorizeQueryOptions): Promise<VectorizeMatches> {
    const row = await this.#db.get(id);
    if (!row) throw refused(`there is no vector ${id}`);
    return this.query(row.vector, options);
  }

  async query(
    vector: number[] | Float32Array | Float64Array,
    options: VectorizeQueryOptions = {},
  ): Promise<VectorizeMatches> {
    const { topK = DEFAULT_TOP_K, namespace, filter, returnValues = false } = options;
    const returnMetadata = options.returnMetadata === true ? 'all' : options.returnMetadata || 'none';
    const isFull = returnValues || returnMetadata === 'all';
    const most = isFull ? MOST_FULL_TOP_K : MOST_TOP_K;
    this.#limit(topK <= most, `topK is at most ${most}${isFull ? ' with values or all metadata' : ''}`);
    const passes = ({ metadata }: Hit): boolean => {
      const kept = metadata as Kept;
      return (
        (namespace === undefined || kept.namespace === namespace) &&
        (filter === undefined || matches(filter, kept.metadata ?? {}))
      );
    };
    const rows = await this.#db.len();
    let found: Hit[] = [];
    // Each turn looks four times as far.
    for (let k = topK; ; k *= 4) {
      const hits = await this.#db.search({
        vector: vector instanceof Float32Array ? vector : Array.from(vector),
        k,
        include: { vector: returnValues },
      });
      found = hits.filter(passes).slice(0, topK);
      if (found.length === topK || k >= rows) break;
    }
    const { distanceMetric } = this.#db.getStats();
    const all = found.map((hit): VectorizeMatch => {
      const kept = hit.metadata as Kept;
      return {
        id: hit.id,
        score: scoreOf(hit, distanceMetric),
        ...(returnValues && hit.vector && { values: Array.from(hit.vector) }),
        ...(kept.namespace !== undefined && { namespace: kept.namespace }),
        ...(returnMetadata !== 'none' && { metadata: kept.metadata ?? {} }),
      };
    });
    return { matches: all, count: all.length };
  }

  #mutation(): VectorizeMutation {
    this.#mutations++;
    return { mutationId: `local-${this.#mutations}` };
  }

  #limit(isKept: boolean, sentence: string): void {
    if (this.#limits && !isKept) throw refused(`Vectorize: ${sentence}`);
  }
}

function refused(reason: string): AnnywhereError {
  return new AnnywhereError('InvalidArgument', reason, { argument: 'vectorize', reason });
}

function scoreOf({ score, distance }: Hit, metric: string): number {
  if (metric === 'euclidean') return distance;
  return metric === 'dot' ? -score : score;
}

function matches(filter: VectorizeFilter, metadata: Metadata): boolean {
  return Object.entries(filter).every(([path, condition]) => {
    const value = path
      .split('.')
      .reduce<unknown>((at, name) => (at as Metadata | undefined)?.[name], metadata) as Value | undefined;
    const isCondition = typeof condition === 'object' && condition !== null;
    return isCondition ? meets(condition, value) : value === condition;
  });
}

function meets(condition: Condition, value: Value | undefined): boolean {
  return Object.entries(condition).every(([operator, wanted]) => {
    const list = wanted as readonly Value[];
    switch (operator) {
      case '$eq':
        return value === wanted;
      case '$ne':
        return value !== wanted;
      case '$in':
        return list.includes(value as Value);
      case '$nin':
        return !list.includes(value as Value);
      case '$lt':
      case '$lte':
      case '$gt':
      case '$gte':
        return compares(operator, value, wanted as Value);
      default:
        throw refused(`Vectorize: there is no operator ${operator}`);
    }
  });
}

/** Numbers with numbers and texts with texts. */
function compares(
  operator: '$lt' | '$lte' | '$gt' | '$gte',
  value: Value | undefined,
  wanted: Value,
): boolean {
  if (typeof value !== typeof wanted || value === undefined || value === null || wanted === null)
    return false;
  if (operator === '$lt') return value < wanted;
  if (operator === '$lte') return value <= wanted;
  return operator === '$gt' ? value > wanted : value >= wanted;
}
