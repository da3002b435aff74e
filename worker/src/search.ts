/** `POST /search`: from the text or vector of a request to the rows that are nearest. */
import { AnnywhereError, getImplementationType } from 'annywhere';
import { readJson } from './body';
import { type OpenIndex, openIndex } from './load';
import { Problem, unavailable } from './problem';
import { type Query, readQuery } from './query';
import type { Context, Env } from './runtime';
import { Shared } from './shared';

const index = new Shared<OpenIndex>();

export async function search(request: Request, env: Env, context: Context): Promise<Response> {
  const query = readQuery(await readJson(request));
  const open = await sharedIndex(env, context);
  try {
    const hits = await open.db.search({
      vector: query.vector ?? vectorOf(query, open),
      k: query.k,
      ...(query.threshold !== undefined && { threshold: query.threshold }),
    });
    const { generation, rows } = open;
    return Response.json({ hits, k: query.k, engine: getImplementationType(), generation, rows });
  } catch (error) {
    // A trap leaves a dead instance behind, which would refuse every later request of this isolate.
    if (error instanceof AnnywhereError && error.code === 'EngineFailed') index.drop(open);
    throw error;
  }
}

async function sharedIndex(env: Env, context: Context): Promise<OpenIndex> {
  const opening = index.get(() => openIndex(env.ASSETS));
  // Others wait for the same files, so this must go on when the client of this request leaves.
  context.waitUntil(opening.catch(() => {}));
  try {
    return await opening;
  } catch (error) {
    throw unavailable('IndexUnavailable', 'The index cannot be loaded. The next request tries again.', error);
  }
}

function vectorOf({ text = '' }: Query, { encoder }: OpenIndex): Float32Array {
  if (encoder.pieces(text) === 0)
    throw new Problem(422, 'NoKnownWord', 'The text has no word that is known.');
  return encoder.encode(text);
}
