/** A backup back in its place. */
import type { Command } from '../command.js';
import { copy } from './backup.js';

export const restore: Command = {
  says: 'Puts the content of a backup in the place of a database',
  positionals: ['file', 'database'],
  options: { force: { type: 'boolean', says: 'replace the database if it exists' } },
  run: ({ positionals, values, output }) => copy(positionals, values.force === true, output),
};
