// Databases in an R2 bucket and in a Durable Object. Bundled by `storage.test.mjs`, which sends what is to be called.
import { durableObjectStorage, r2Storage } from '../../npm/annywhere/dist/storage/index.js';
import { VectorDb } from '../../npm/annywhere/dist/workerd.js';

const OPTIONS = { dimensions: 4 };
/** Databases that stay open between requests, by the name that the test gives them. */
const open = new Map();

/** A bucket that fails as it is told. */
function troubled(bucket, trouble) {
  if (!trouble) return bucket;
  return {
    get: (...args) => bucket.get(...args),
    delete: (...args) => bucket.delete(...args),
    list: (...args) => bucket.list(...args),
    async put(key, ...rest) {
      const isManifest = key.endsWith('manifest');
      if (trouble === 'no manifest' && isManifest && (await bucket.head(key))) throw new Error('unplugged');
      const put = await bucket.put(key, ...rest);
      if (trouble === 'no answer' && isManifest) throw new Error('unplugged');
      return put;
    },
  };
}

async function call(storage, { name, keep, calls }) {
  const db = (keep && open.get(name)) || new VectorDb({ ...OPTIONS, storage });
  if (keep) open.set(name, db);
  const answers = [];
  for (const [method, ...args] of calls) {
    try {
      answers.push((await db[method](...args)) ?? null);
    } catch (error) {
      answers.push(error.code ?? String(error));
    }
  }
  if (!keep) await db.close().catch(() => {});
  return answers;
}

export class Store {
  constructor(context) {
    this.storage = context.storage;
  }

  async fetch(request) {
    const asked = await request.json();
    const storage = durableObjectStorage(this.storage, { name: asked.prefix });
    const answers = await call(storage, asked);
    const rows = this.storage.sql.exec('SELECT MAX(LENGTH(bytes)) AS most FROM annywhere_pages');
    return Response.json({ answers, most: rows.one().most });
  }
}

export default {
  async fetch(request, env) {
    const asked = await request.clone().json();
    if (asked.place === 'object') {
      return env.STORE.get(env.STORE.idFromName('one')).fetch(request);
    }
    const storage = r2Storage(troubled(env.BUCKET, asked.trouble), { prefix: asked.prefix });
    const answers = await call(storage, asked);
    const { objects } = await env.BUCKET.list({ prefix: `${asked.prefix}/` });
    return Response.json({ answers, keys: objects.map(({ key }) => key) });
  },
};
