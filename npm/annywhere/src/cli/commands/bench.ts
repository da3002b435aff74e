/** How long searches take here. */
import type { Command } from '../command.js';
import { openExisting } from '../open.js';
import { quantile, SAMPLE_OPTIONS, sampleQueries } from '../sample.js';
import { SEARCH_OPTIONS, searchOptions } from '../search-options.js';

const MOST_K = 10_000;
/** Searches before those that count. */
const WARM_UP = 50;

export const bench: Command = {
  says: 'Measures how long searches of a database take on this machine',
  positionals: ['database'],
  options: { ...SEARCH_OPTIONS, ...SAMPLE_OPTIONS },
  async run({ positionals, values, output }) {
    const [path] = positionals as [string];
    const { db } = await openExisting(path);
    try {
      const asked = searchOptions(values, MOST_K);
      const queries = await sampleQueries(db, values);
      const measure = async (how: object) => {
        for (const vector of queries.slice(0, WARM_UP)) await db.search({ vector, ...asked, ...how });
        const times: number[] = [];
        for (const [at, vector] of queries.entries()) {
          const begin = performance.now();
          await db.search({ vector, ...asked, ...how });
          times.push(performance.now() - begin);
          output.progress('searches', at + 1, queries.length);
        }
        const sum = times.reduce((total, time) => total + time, 0);
        return {
          p50: quantile(times, 0.5),
          p99: quantile(times, 0.99),
          perSecond: (1000 * times.length) / sum,
        };
      };
      const { count, dimensions, implementation } = db.getStats();
      const report = {
        rows: count,
        dimensions,
        engine: implementation,
        ...asked,
        queries: queries.length,
        search: await measure({}),
        exact: await measure({ exact: true }),
      };
      const line = (name: string, { p50, p99, perSecond }: typeof report.search) =>
        `${name}  p50 ${p50.toFixed(3)} ms  p99 ${p99.toFixed(3)} ms  ${perSecond.toFixed(0)} per second`;
      output.result(report, () => [
        `${count} rows × ${dimensions}, ${implementation} engine, k = ${asked.k}, ${queries.length} queries, one at a time`,
        line('search', report.search),
        line('exact ', report.exact),
      ]);
      return 0;
    } finally {
      await db.close();
    }
  },
};
