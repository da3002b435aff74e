// Compiled, never run, with no library but the language's own.
import { VectorDb } from 'annywhere';
import { StaticEncoder } from 'annywhere/embed';

export async function first(bytes: Uint8Array): Promise<string | undefined> {
  const encoder = await StaticEncoder.load(bytes);
  const db = new VectorDb({ dimensions: encoder.dimensions });
  await db.load(bytes);
  const [hit] = await db.search({ vector: encoder.encode('text'), k: 1 });
  return hit?.id;
}
