/** Opens the file that a command names, whatever its dimensions. */
import { existsSync } from 'node:fs';
import { AnnywhereError } from '../errors.js';
import { VectorDb } from '../node.js';

/** The database in a file that must exist. */
export async function openExisting(path: string): Promise<VectorDb> {
  if (!existsSync(path)) throw new Error(`${path} does not exist`);
  const dimensions = await dimensionsOf(path);
  const db = new VectorDb({ dimensions, storagePath: path });
  await db.len();
  return db;
}

/** The refusal of a database with other dimensions says how many the file has. */
async function dimensionsOf(path: string): Promise<number> {
  const guess = 1;
  const db = new VectorDb({ dimensions: guess });
  try {
    await db.load(path);
    return guess;
  } catch (error) {
    const isOther = error instanceof AnnywhereError && error.code === 'Mismatch';
    const { option, expected, received } = isOther ? error.details : {};
    const dimensions = Number(received) === guess ? Number(expected) : Number(received);
    if (option === 'dimensions' && Number.isInteger(dimensions)) return dimensions;
    throw error;
  } finally {
    await db.close();
  }
}

/** Whether the path holds something already. */
export const exists = existsSync;
