/** Reads all of a database and checks every checksum and every structure, as opening does. */
import { AnnywhereError } from '../../errors.js';
import type { Command } from '../command.js';
import { openExisting } from '../open.js';

export const verify: Command = {
  says: 'Checks every block and every structure of a database file',
  positionals: ['database'],
  options: {},
  notes: 'The exit code is 1 if the file is damaged.',
  async run({ positionals, output }) {
    const [path] = positionals as [string];
    try {
      const { db } = await openExisting(path);
      const { count, dimensions } = db.getStats();
      await db.verify();
      await db.close();
      output.result({ ok: true, rows: count, dimensions }, () => [
        `${path} is sound: ${count} rows × ${dimensions}`,
      ]);
      return 0;
    } catch (error) {
      if (!(error instanceof AnnywhereError) || error.code !== 'Corrupt') throw error;
      output.result({ ok: false, ...error.details }, () => [`${path} is damaged: ${error.message}`]);
      return 1;
    }
  },
};
