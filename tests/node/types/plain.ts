// Compiled, never run, with no library but the language's own.
import { VectorDb } from 'annywhere';
import { httpEmbedder, StaticEncoder } from 'annywhere/embed';
import { mediaSpace } from 'annywhere/media';
import { AgentMemory } from 'annywhere/memory';

export async function first(bytes: Uint8Array): Promise<string | undefined> {
  const encoder = await StaticEncoder.load(bytes);
  const db = new VectorDb({ dimensions: encoder.dimensions });
  await db.load(bytes);
  const [hit] = await db.search({ vector: encoder.encode('text'), k: 1 });
  return hit?.id;
}

export const parts = [mediaSpace(512), httpEmbedder({ model: 'm', dimensions: 3 }), AgentMemory];
