/** A copy of a database as one file, read again to see that it is whole. */
import { type Command, UsageError } from '../command.js';
import { exists, openExisting } from '../open.js';

export const backup: Command = {
  says: 'Copies a database into one file and reads the copy again',
  positionals: ['database', 'file'],
  options: { force: { type: 'boolean', says: 'replace the file if it exists' } },
  run: ({ positionals, values, output }) => copy(positionals, values.force === true, output),
};

async function copy(
  positionals: readonly string[],
  force: boolean,
  output: Parameters<Command['run']>[0]['output'],
): Promise<number> {
  const [from, to] = positionals as [string, string];
  if (exists(to) && !force) throw new UsageError(`${to} exists already; --force replaces it`);
  const { db } = await openExisting(from);
  const rows = await db.len();
  await db.save(to);
  await db.close();
  const again = await openExisting(to);
  const found = await again.db.len();
  await again.close();
  if (found !== rows) throw new Error(`${to} holds ${found} rows, and ${from} ${rows}`);
  output.result({ from, to, rows, verified: true }, () => [`${rows} rows in ${to}, read again`]);
  return 0;
}
