/** Encoder tables from files, which Node's `fetch` does not read, and from the network. */
import { readFile } from 'node:fs/promises';
import { ioError } from './errors.js';
import { fetchTable } from './static-encoder.js';

export async function readTable(place: string): Promise<Uint8Array> {
  if (/^https?:/.test(place)) return fetchTable(place);
  try {
    return await readFile(place.startsWith('file:') ? new URL(place) : place);
  } catch (error) {
    throw ioError('load', error);
  }
}
