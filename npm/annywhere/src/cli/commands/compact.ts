/** Gives the room of removed rows back. */
import { statSync } from 'node:fs';
import type { Command } from '../command.js';
import { openExisting } from '../open.js';
import { bytes } from '../output.js';

export const compact: Command = {
  says: 'Gives the room of removed rows back and makes searches as fast as they get',
  positionals: ['database'],
  options: {},
  async run({ positionals, output }) {
    const [path] = positionals as [string];
    const before = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    const db = await openExisting(path);
    await db.compact();
    await db.close();
    const after = statSync(path).size;
    output.result({ before, after }, () => [`${bytes(before)} before, ${bytes(after)} after`]);
    return 0;
  },
};
