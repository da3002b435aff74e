/**
 * What is used of libraries that are too large to be installed for this package. The declarations that are published name
 * the libraries themselves; the full tests compile them against those.
 */

declare module '@llamaindex/core/vector-store' {
  import type { BaseEmbedding } from '@llamaindex/core/embeddings';
  import type { BaseNode } from '@llamaindex/core/schema';

  interface MetadataFilter {
    key: string;
    value?: string | number | string[] | number[];
    operator: string;
  }
  interface MetadataFilters {
    filters: MetadataFilter[];
    condition?: 'and' | 'or';
  }
  interface VectorStoreQuery {
    queryEmbedding?: number[];
    similarityTopK: number;
    docIds?: string[];
    queryStr?: string;
    mode: string;
    alpha?: number;
    filters?: MetadataFilters | undefined;
    mmrThreshold?: number;
  }
  interface VectorStoreQueryResult {
    nodes?: BaseNode[];
    similarities: number[];
    ids: string[];
  }
  abstract class BaseVectorStore<Client = unknown> {
    abstract storesText: boolean;
    abstract client(): Client;
    abstract add(nodes: BaseNode[]): Promise<string[]>;
    abstract delete(refDocId: string, deleteOptions?: object): Promise<void>;
    abstract query(query: VectorStoreQuery, options?: object): Promise<VectorStoreQueryResult>;
    protected constructor(params?: { embedModel?: BaseEmbedding });
  }
  function nodeToMetadata(node: BaseNode, removeText?: boolean, textField?: string): Record<string, unknown>;
  function metadataDictToNode(metadata: Record<string, unknown>): BaseNode;
}

declare module '@llamaindex/core/embeddings' {
  abstract class BaseEmbedding {
    abstract getTextEmbedding(text: string): Promise<number[]>;
  }
}

declare module '@llamaindex/core/schema' {
  abstract class BaseNode {
    id_: string;
    getEmbedding(): number[];
    abstract getContent(mode: string): string;
    abstract setContent(value: unknown): void;
  }
}

declare module '@mastra/core/vector' {
  interface QueryResult {
    id: string;
    score: number;
    metadata?: Record<string, unknown>;
    vector?: number[];
  }
  interface IndexStats {
    dimension: number;
    count: number;
    metric?: 'cosine' | 'euclidean' | 'dotproduct';
  }
  interface Named {
    indexName: string;
  }
  interface CreateIndexParams extends Named {
    dimension: number;
    metric?: 'cosine' | 'euclidean' | 'dotproduct';
  }
  interface UpsertVectorParams<Filter = unknown> extends Named {
    vectors: number[][];
    metadata?: Record<string, unknown>[];
    ids?: string[];
    sparseVectors?: unknown[];
    deleteFilter?: Filter;
  }
  interface QueryVectorParams<Filter> extends Named {
    queryVector?: number[];
    topK?: number;
    filter?: Filter;
    includeVector?: boolean;
    sparseVector?: unknown;
  }
  interface UpdateVectorParams<Filter> extends Named {
    id?: string;
    filter?: Filter;
    update: { vector?: number[]; metadata?: Record<string, unknown> };
  }
  interface DeleteVectorParams extends Named {
    id: string;
  }
  interface DeleteVectorsParams<Filter> extends Named {
    ids?: string[];
    filter?: Filter;
  }
  abstract class MastraVector<Filter> {
    id: string;
    constructor(options: { id: string });
    abstract query(params: QueryVectorParams<Filter>): Promise<QueryResult[]>;
    abstract upsert(params: UpsertVectorParams): Promise<string[]>;
    abstract createIndex(params: CreateIndexParams): Promise<void>;
    abstract listIndexes(): Promise<string[]>;
    abstract describeIndex(params: Named): Promise<IndexStats>;
    abstract deleteIndex(params: Named): Promise<void>;
    abstract updateVector(params: UpdateVectorParams<Filter>): Promise<void>;
    abstract deleteVector(params: DeleteVectorParams): Promise<void>;
    abstract deleteVectors(params: DeleteVectorsParams<Filter>): Promise<void>;
    protected validateExistingIndex(indexName: string, dimension: number, metric: string): Promise<void>;
  }
}
