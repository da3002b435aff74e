/** Gives the room of removed rows back. */
import type { Command } from '../command.js';
import { openExisting } from '../open.js';
import { bytes } from '../output.js';
import { sizeOnDisk } from '../size.js';

export const compact: Command = {
  says: 'Gives the room of removed rows back and makes searches as fast as they get',
  positionals: ['database'],
  options: {},
  async run({ positionals, output }) {
    const [path] = positionals as [string];
    const opened = await openExisting(path, 'write');
    const before = sizeOnDisk(path);
    await opened.db.compact();
    await opened.keep();
    await opened.close();
    const after = sizeOnDisk(path);
    output.result({ before, after }, () => [`${bytes(before)} before, ${bytes(after)} after`]);
    return 0;
  },
};
