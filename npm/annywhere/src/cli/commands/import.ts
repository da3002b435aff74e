/** Rows of a file into a database. */
import type { Command } from '../command.js';
import { fill, INDEX_OPTIONS } from '../fill.js';
import { SOURCE_OPTIONS, sourceOf } from '../readers/source-options.js';

export const importRows: Command = {
  says: 'Puts the rows of a jsonl, json, csv, tsv, npy, fvecs, bvecs, parquet or hnswlib file into a database',
  positionals: ['database', 'file'],
  options: {
    ...SOURCE_OPTIONS,
    resume: { type: 'boolean', says: 'go on where an import of the same file was broken off' },
    ...INDEX_OPTIONS,
  },
  notes:
    'Rows without an id get their number in the file; a row whose id exists is replaced. What is neither id nor vector\n' +
    'is metadata. Parquet needs the package hyparquet beside annywhere.',
  async run({ positionals, values, output }) {
    const [target, input] = positionals as [string, string];
    const source = await sourceOf(input, values);
    const filled = await fill({ source, input, target, values, output, resume: values.resume === true });
    const { rows, skipped, seconds } = filled;
    output.result({ database: target, ...filled }, () => [
      `${rows} rows in ${seconds.toFixed(1)} s (${Math.round(rows / seconds)} per second)${skipped > 0 ? `, after ${skipped} of an earlier run` : ''}`,
    ]);
    return 0;
  },
};
