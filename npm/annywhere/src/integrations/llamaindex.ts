/**
 * A LlamaIndex.TS vector store over a database. A node is a row: its id, its embedding, its metadata, and among these what
 * LlamaIndex keeps of a node, and the text under a key of its own, where the words of the database can find it.
 */
import type { BaseEmbedding } from '@llamaindex/core/embeddings';
import {
  BaseVectorStore,
  metadataDictToNode,
  nodeToMetadata,
  type VectorStoreQuery,
  type VectorStoreQueryResult,
} from '@llamaindex/core/vector-store';
import { describe, invalidArgument } from '../errors.js';
import type { Filter } from '../filter-types.js';
import type { Hit, Metadata, SearchQuery, TextHit } from '../types.js';
import type { EngineBoundDb } from '../vector-db.js';

/** A node as the store takes it: one of LlamaIndex's `BaseNode`s. */
type LlamaNode = Parameters<BaseVectorStore['add']>[0][number];

export interface AnnywhereLlamaConfig {
  /** The database: any `VectorDb`, with as many dimensions as the embeddings have. */
  db: EngineBoundDb;
  /** Where the text of a node stands among the metadata of its row. Default `_node_text`; for words name it in `text.fields`. */
  textKey?: string;
  /** What makes vectors of texts, for an index over this store. Default that of LlamaIndex's `Settings`. */
  embedModel?: BaseEmbedding;
}

const DEFAULT_TEXT_KEY = '_node_text';
/** What LlamaIndex calls the document that a node is part of, in metadata. */
const DOCUMENT_KEY = 'ref_doc_id';
/** Of hits that differ, where the query does not say. */
const DEFAULT_LAMBDA = 0.5;
/** The text without metadata, among LlamaIndex's `MetadataMode`s. */
const TEXT_ALONE = 'NONE';

export class AnnywhereLlamaStore extends BaseVectorStore<EngineBoundDb> {
  readonly storesText = true;
  readonly db: EngineBoundDb;
  readonly #textKey: string;

  constructor(config: AnnywhereLlamaConfig) {
    super(config.embedModel ? { embedModel: config.embedModel } : {});
    this.db = config.db;
    this.#textKey = config.textKey ?? DEFAULT_TEXT_KEY;
  }

  client(): EngineBoundDb {
    return this.db;
  }

  /** Adds nodes with their embeddings, or replaces those with the same id. */
  async add(nodes: LlamaNode[]): Promise<string[]> {
    return this.db.insertBatch(
      nodes.map((node) => ({
        id: node.id_,
        vector: node.getEmbedding(),
        metadata: {
          ...nodeToMetadata(node, true),
          [this.#textKey]: node.getContent(TEXT_ALONE as Parameters<LlamaNode['getContent']>[0]),
        },
      })),
    );
  }

  /** Removes the nodes of a document. */
  async delete(refDocId: string): Promise<void> {
    await this.db.deleteMany({ filter: { [DOCUMENT_KEY]: refDocId } });
  }

  async query(query: VectorStoreQuery): Promise<VectorStoreQueryResult> {
    const hits = await this.#hits(query);
    return {
      nodes: hits.map(({ metadata }) => this.#node(metadata)),
      similarities: hits.map(({ score }) => score),
      ids: hits.map(({ id }) => id),
    };
  }

  #hits({
    mode,
    similarityTopK: k,
    queryEmbedding,
    queryStr,
    alpha,
    mmrThreshold,
    ...rest
  }: VectorStoreQuery) {
    const filter = filterOf(rest);
    const common = { k, ...(filter && { filter }) };
    const vector = (): number[] => given('queryEmbedding', queryEmbedding);
    const search = (query: SearchQuery): Promise<Hit[]> => this.db.search(query);
    switch (mode as string) {
      case 'default':
        return search({ ...common, vector: vector() });
      case 'mmr':
        return search({ ...common, vector: vector(), diversify: { lambda: mmrThreshold ?? DEFAULT_LAMBDA } });
      case 'hybrid':
        return search({
          ...common,
          vector: vector(),
          text: given('queryStr', queryStr),
          ...(alpha !== undefined && { fusion: { method: 'weighted', alpha } }),
        });
      case 'sparse':
        return this.db.search({ ...common, text: given('queryStr', queryStr) }) as Promise<TextHit[]>;
      default:
        throw invalidArgument('mode', `must be default, mmr, hybrid or sparse, not ${String(mode)}`);
    }
  }

  #node(row: Metadata): LlamaNode {
    const { [this.#textKey]: text, ...metadata } = row;
    const node = metadataDictToNode(metadata);
    node.setContent(text);
    return node;
  }
}

function given<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw invalidArgument(name, `is required in this mode, not ${describe(value)}`);
  return value;
}

/** What LlamaIndex's operators are among ours; an array meets a condition if an element does. */
const OPERATORS: Readonly<Record<string, string>> = {
  '==': '$eq',
  '!=': '$ne',
  '>': '$gt',
  '>=': '$gte',
  '<': '$lt',
  '<=': '$lte',
  in: '$in',
  nin: '$nin',
  any: '$any',
  all: '$all',
  contains: '$eq',
  text_match: '$contains',
};

function filterOf({
  filters,
  docIds,
}: Pick<VectorStoreQuery, 'filters' | 'docIds'>): Filter<Metadata> | undefined {
  const conditions: object[] = (filters?.filters ?? []).map(({ key, operator, value }) => {
    if ((operator as string) === 'is_empty') return { $or: [{ [key]: { $exists: false } }, { [key]: null }] };
    const ours = OPERATORS[operator];
    if (!ours) throw invalidArgument('filters', `there is no operator ${operator}`);
    return { [key]: { [ours]: value } };
  });
  const all = [
    ...(conditions.length > 0 ? [{ [filters?.condition === 'or' ? '$or' : '$and']: conditions }] : []),
    ...(docIds ? [{ [DOCUMENT_KEY]: { $in: docIds } }] : []),
  ];
  return all.length > 0 ? ({ $and: all } as Filter<Metadata>) : undefined;
}
