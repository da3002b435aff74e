// A program as people write them against the source design's database: only the name of the import is ours to change
// ('vector-library' stands for it). Compiled strictly and run on both engines by `source-design.test.mjs`.
import { existsSync } from 'node:fs';
import { getImplementationType, isNative, isWasm, VectorDb } from 'vector-library';

interface ContentMetadata {
  contentId: number;
  mediaType: 'movie' | 'tv';
  title: string;
  genreIds: number[];
  releaseYear?: number;
}

interface SearchResult {
  id: string;
  score: number;
  metadata: ContentMetadata;
  matchReasons?: string[];
}

const DIMENSIONS = 768;

export class ContentVectorStore {
  private db: InstanceType<typeof VectorDb<ContentMetadata>> | null = null;
  private readonly storagePath: string;

  constructor(storagePath: string) {
    this.storagePath = storagePath;
  }

  async initialize(): Promise<boolean> {
    this.db = new VectorDb<ContentMetadata>({
      dimensions: DIMENSIONS,
      maxElements: 50_000,
      storagePath: this.storagePath,
      distanceMetric: 'cosine',
      hnswConfig: { m: 32, efConstruction: 200, efSearch: 100 },
    });
    const existed = existsSync(this.storagePath);
    if (existed) await this.db.load(this.storagePath);
    return existed;
  }

  async store(contentId: number, title: string, embedding: Float32Array | number[]): Promise<string> {
    return this.open().insert({
      id: `movie-${contentId}`,
      vector: embedding,
      metadata: { contentId, mediaType: 'movie', title, genreIds: [28], releaseYear: 1999 },
    });
  }

  async storeMany(items: { id: string; vector: Float32Array; metadata?: ContentMetadata }[]): Promise<void> {
    await this.open().insertBatch(items);
  }

  async search(vector: Float32Array, k = 10, threshold = 0.5): Promise<SearchResult[]> {
    const results = await this.open().search({ vector, k, threshold });
    return results.map((r) => ({ ...r, matchReasons: [`similarity ${r.score.toFixed(2)}`] }));
  }

  async similarTo(id: string, k: number): Promise<SearchResult[]> {
    const entry = await this.open().get(id);
    if (!entry) return [];
    const results = await this.open().search({ vector: entry.vector, k: k + 1 });
    return results.filter((r) => r.id !== id).slice(0, k);
  }

  async stats(): Promise<{ count: number; memoryUsage: number; engine: string }> {
    const db = this.open();
    const memoryUsage: number = db.getStats?.().memoryUsage ?? 0;
    return { count: await db.len(), memoryUsage, engine: getImplementationType() };
  }

  async save(path?: string): Promise<void> {
    await this.open().save(path ?? this.storagePath);
  }

  async reload(): Promise<void> {
    await this.open().load(this.storagePath);
  }

  async close(): Promise<void> {
    await this.open().close?.();
  }

  async remove(id: string): Promise<boolean> {
    const db = this.open();
    return (await db.delete?.(id)) ?? false;
  }

  async isEmpty(): Promise<boolean> {
    return (await this.open().isEmpty?.()) ?? false;
  }

  private open(): InstanceType<typeof VectorDb<ContentMetadata>> {
    if (!this.db) throw new Error('initialize() comes first');
    return this.db;
  }
}

export async function health(): Promise<{ status: 'healthy' | 'degraded'; native: boolean; wasm: boolean }> {
  const db = new VectorDb({ dimensions: 4 });
  await db.insert({ vector: [1, 0, 0, 0] });
  const status = (await db.len()) === 1 ? 'healthy' : 'degraded';
  return { status, native: isNative(), wasm: isWasm() };
}
