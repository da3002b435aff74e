/** What a browser lets this origin write, in the origin private file system and in IndexedDB together. */
import type { Room } from './store.js';

/** Says nothing where the browser does not. */
export async function browserRoom(): Promise<Room> {
  const storage = (globalThis.navigator as Navigator | undefined)?.storage;
  const { quota, usage } = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  const isPersisted = await storage?.persisted?.().catch(() => undefined);
  return {
    ...(quota !== undefined && { freeBytes: Math.max(0, quota - (usage ?? 0)) }),
    ...(isPersisted !== undefined && { isPersisted }),
  };
}
