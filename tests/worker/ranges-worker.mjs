// Opens the file whose URL it is given and searches it once. Bundled by `ranges.test.mjs`.
import { VectorDb } from '../../npm/annywhere/dist/workerd.js';

export default {
  async fetch(request) {
    const { url, search } = await request.json();
    try {
      const db = await VectorDb.open(url);
      try {
        return Response.json({ hits: await db.search(search), row: (await db.get('77')).metadata });
      } finally {
        await db.close();
      }
    } catch ({ code, message }) {
      return Response.json({ code, message });
    }
  },
};
