/** Another library's file into a new database file. */
import { type Command, UsageError } from '../command.js';
import { fill, INDEX_OPTIONS } from '../fill.js';
import { exists } from '../open.js';
import { SOURCE_OPTIONS, sourceOf } from '../readers/source-options.js';

export const convert: Command = {
  says: 'Makes a database of an hnswlib index or of a JSON dump of another library',
  positionals: ['file', 'database'],
  options: {
    ...SOURCE_OPTIONS,
    force: { type: 'boolean', says: 'replace the database if it exists' },
    ...INDEX_OPTIONS,
  },
  notes:
    'An hnswlib index does not say which distance it is for: --metric does. Its labels become ids, and elements marked as\n' +
    'deleted are left out. Known JSON: an array of rows, { items | vectors | points | data: [..] }, and the columns\n' +
    '{ ids, embeddings, metadatas, documents }.',
  async run({ positionals, values, output }) {
    const [input, target] = positionals as [string, string];
    if (exists(target) && values.force !== true) {
      throw new UsageError(`${target} exists already; --force replaces it, annywhere import adds to it`);
    }
    const source = await sourceOf(input, values);
    if (exists(target)) (await import('node:fs')).rmSync(target, { recursive: true });
    const filled = await fill({ source, input, target, values, output, resume: false });
    output.result({ database: target, ...filled }, () => [
      `${filled.rows} rows × ${filled.dimensions} in ${target}`,
    ]);
    return 0;
  },
};
