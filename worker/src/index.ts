/**
 * The edge endpoint: searches an index of text over HTTP. `README.md` describes requests, replies and settings.
 *
 * A request passes: `routes` (settings, path, method) → `auth` → `body` → `query` → `shared` (the index, loaded by
 * the first search of the isolate) → `search`. Whatever is thrown on the way becomes a reply in `problem`.
 */
import { respond } from './routes';
import type { Handler } from './runtime';

export default { fetch: respond } satisfies Handler;
