/**
 * A LangChain.js vector store over a database. A document is a row: its id, the vector of its text, its metadata, and
 * the text itself among the metadata, under `textKey`.
 */
import { Document, type DocumentInterface } from '@langchain/core/documents';
import type { EmbeddingsInterface } from '@langchain/core/embeddings';
import { maximalMarginalRelevance } from '@langchain/core/utils/math';
import { type MaxMarginalRelevanceSearchOptions, VectorStore } from '@langchain/core/vectorstores';
import { AnnywhereError } from '../errors.js';
import type { Metadata, SearchQuery } from '../types.js';
import type { EngineBoundDb } from '../vector-db.js';

export interface AnnywhereStoreConfig {
  /** The database: any `VectorDb`, with as many dimensions as the embeddings have. */
  db: EngineBoundDb;
  /** Where the text of a document stands among the metadata of its row. Default `pageContent`. */
  textKey?: string;
  /** Passed to every search, such as `{ targetRecall: 0.95 }`. */
  search?: Omit<SearchQuery, 'vector' | 'k' | 'include'>;
}

const DEFAULT_TEXT_KEY = 'pageContent';
const DEFAULT_FETCH_K = 20;

export class AnnywhereVectorStore extends VectorStore {
  /** What the filters of the database take. */
  declare FilterType: object;
  readonly db: EngineBoundDb;
  readonly #textKey: string;
  readonly #search: Omit<SearchQuery, 'vector' | 'k' | 'include'>;

  constructor(embeddings: EmbeddingsInterface, config: AnnywhereStoreConfig) {
    super(embeddings, config);
    this.db = config.db;
    this.#textKey = config.textKey ?? DEFAULT_TEXT_KEY;
    this.#search = config.search ?? {};
  }

  _vectorstoreType(): string {
    return 'annywhere';
  }

  /** Adds documents, or replaces those with the same id; gives the ids. `options.ids` come before those of documents. */
  override async addDocuments(
    documents: DocumentInterface[],
    options?: { ids?: string[] },
  ): Promise<string[]> {
    const vectors = await this.embeddings.embedDocuments(documents.map(({ pageContent }) => pageContent));
    return this.addVectors(vectors, documents, options);
  }

  override async addVectors(
    vectors: number[][],
    documents: DocumentInterface[],
    options?: { ids?: string[] },
  ): Promise<string[]> {
    if (vectors.length !== documents.length) {
      const reason = `${vectors.length} vectors do not fit ${documents.length} documents`;
      throw new AnnywhereError('InvalidArgument', `argument vectors: ${reason}`, {
        argument: 'vectors',
        reason,
      });
    }
    return this.db.insertBatch(
      documents.map((document, row) => {
        const id = options?.ids?.[row] ?? document.id;
        const metadata: Metadata = { ...document.metadata, [this.#textKey]: document.pageContent };
        return { vector: vectors[row] as number[], metadata, ...(id !== undefined && { id }) };
      }),
    );
  }

  /** Removes documents by their ids. */
  override async delete(params: { ids: string[] }): Promise<void> {
    for (const id of params.ids) await this.db.delete(id);
  }

  override async similaritySearchVectorWithScore(
    query: number[],
    k: number,
    filter?: this['FilterType'],
  ): Promise<[DocumentInterface, number][]> {
    const hits = await this.db.search(this.#query(query, k, filter));
    return hits.map(({ id, score, metadata }) => [this.#document(id, metadata), score]);
  }

  override async maxMarginalRelevanceSearch(
    query: string,
    options: MaxMarginalRelevanceSearchOptions<this['FilterType']>,
  ): Promise<DocumentInterface[]> {
    const { k, fetchK = DEFAULT_FETCH_K, lambda, filter } = options;
    const vector = await this.embeddings.embedQuery(query);
    const asked = { ...this.#query(vector, Math.max(k, fetchK), filter), include: { vector: true } };
    const hits = await this.db.search(asked);
    const candidates = hits.map((hit) => Array.from(hit.vector ?? []));
    const chosen = maximalMarginalRelevance(vector, candidates, lambda, k);
    return chosen.flatMap((at) => {
      const hit = hits[at];
      return hit ? [this.#document(hit.id, hit.metadata)] : [];
    });
  }

  static override async fromTexts(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface,
    config: AnnywhereStoreConfig,
  ): Promise<AnnywhereVectorStore> {
    const documents = texts.map((pageContent, row) => {
      const metadata = Array.isArray(metadatas) ? metadatas[row] : metadatas;
      return new Document({ pageContent, metadata });
    });
    return AnnywhereVectorStore.fromDocuments(documents, embeddings, config);
  }

  static override async fromDocuments(
    documents: DocumentInterface[],
    embeddings: EmbeddingsInterface,
    config: AnnywhereStoreConfig,
  ): Promise<AnnywhereVectorStore> {
    const store = new AnnywhereVectorStore(embeddings, config);
    await store.addDocuments(documents);
    return store;
  }

  #query(vector: number[], k: number, filter: object | undefined): SearchQuery {
    return { ...this.#search, vector, k, ...(filter !== undefined && { filter }) } as SearchQuery;
  }

  #document(id: string, row: Metadata): DocumentInterface {
    const { [this.#textKey]: text, ...metadata } = row;
    return new Document({ id, pageContent: typeof text === 'string' ? text : '', metadata });
  }
}
