/** A backup back in its place. */
import { rmSync } from 'node:fs';
import { type Command, UsageError } from '../command.js';
import { create, exists, openExisting } from '../open.js';

export const restore: Command = {
  says: 'Puts the content of a backup in the place of a database',
  positionals: ['file', 'database'],
  options: { force: { type: 'boolean', says: 'replace the database if it exists' } },
  async run({ positionals, values, output }) {
    const [from, to] = positionals as [string, string];
    if (exists(to) && values.force !== true)
      throw new UsageError(`${to} exists already; --force replaces it`);
    // Read before anything is removed.
    const { db } = await openExisting(from);
    const { count: rows, dimensions, distanceMetric } = db.getStats();
    await db.close();
    rmSync(to, { recursive: true, force: true });
    const restored = create(to, { dimensions, distanceMetric });
    await restored.db.load(from);
    await restored.keep();
    await restored.close();
    output.result({ from, to, rows }, () => [`${rows} rows in ${to}`]);
    return 0;
  },
};
