/** Which part of the true neighbours searches find. */
import type { Command } from '../command.js';
import { decimal, integer, text } from '../command.js';
import { openExisting } from '../open.js';
import { SAMPLE_OPTIONS, sampleQueries } from '../sample.js';
import { SEARCH_OPTIONS, searchOptions } from '../search-options.js';

const MOST_K = 10_000;
const MOST_SAMPLES = 1_000_000;
/** 95 % of a normal distribution lie within so many standard deviations. */
const DEVIATIONS = 1.96;

export const recall: Command = {
  says: 'Measures which part of the true neighbours searches find',
  positionals: ['database'],
  options: {
    ...SEARCH_OPTIONS,
    target: {
      type: 'string',
      value: 'part',
      says: 'targetRecall of a scan, instead of that of the database',
    },
    ef: { type: 'string', value: 'number', says: 'candidates of a graph, instead of those of the database' },
    ...SAMPLE_OPTIONS,
  },
  async run({ positionals, values, output }) {
    const [path] = positionals as [string];
    const { db } = await openExisting(path);
    try {
      const search = searchOptions(values, MOST_K);
      const { k } = search;
      const target = decimal(values, 'target');
      const ef = integer(values, 'ef', 1, 65_536);
      const how = {
        ...search,
        ...(target !== undefined && { targetRecall: target }),
        ...(ef !== undefined && { ef }),
      };
      if (text(values, 'queries') === undefined) {
        const samples = integer(values, 'samples', 1, MOST_SAMPLES);
        const report = await db.measureRecall({ ...how, ...(samples !== undefined && { samples }) });
        const { recall, low, high } = report;
        output.result(report, () => [
          `recall@${k} ${recall.toFixed(4)}, ${low.toFixed(4)} to ${high.toFixed(4)} (95 %), ${report.samples} rows`,
        ]);
        return 0;
      }
      const queries = await sampleQueries(db, values);
      const found: number[] = [];
      for (const [at, vector] of queries.entries()) {
        const truth = new Set((await db.search({ vector, ...search, exact: true })).map((hit) => hit.id));
        const hits = await db.search({ vector, ...how });
        found.push(hits.filter((hit) => truth.has(hit.id)).length / Math.max(1, truth.size));
        output.progress('queries', at + 1, queries.length);
      }
      const mean = found.reduce((sum, part) => sum + part, 0) / found.length;
      const variance =
        found.reduce((sum, part) => sum + (part - mean) ** 2, 0) / Math.max(1, found.length - 1);
      const margin = DEVIATIONS * Math.sqrt(variance / found.length);
      output.result({ recall: mean, margin, k, queries: found.length }, () => [
        `recall@${k} ${mean.toFixed(4)} ± ${margin.toFixed(4)} (95 %), ${found.length} queries`,
      ]);
      return 0;
    } finally {
      await db.close();
    }
  },
};
