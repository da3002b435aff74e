/** What a database holds and costs. */
import type { Command } from '../command.js';
import { openExisting } from '../open.js';
import { bytes, table } from '../output.js';
import { sizeOnDisk } from '../size.js';

export const stats: Command = {
  says: 'What a database holds and what it costs in memory and on disk',
  positionals: ['database'],
  options: {},
  async run({ positionals, output }) {
    const [path] = positionals as [string];
    const begin = performance.now();
    const { db } = await openExisting(path);
    const openMilliseconds = performance.now() - begin;
    const stats = db.getStats();
    await db.close();
    const storedBytes = sizeOnDisk(path);
    const report = { ...stats, storedBytes, openMilliseconds };
    output.result(report, () => {
      const { memory, quantization, hnswConfig } = stats;
      return table([
        ['rows', stats.count],
        ['deleted', stats.deleted],
        ['dimensions', stats.dimensions],
        ['metric', stats.distanceMetric],
        [
          'index',
          hnswConfig ? `hnsw ${JSON.stringify(hnswConfig)}` : `scan, target recall ${stats.targetRecall}`,
        ],
        ['quantization', JSON.stringify(quantization)],
        ['memory', bytes(stats.memoryUsage)],
        ...Object.entries(memory).map(([part, size]) => [`  ${part}`, bytes(size)] as const),
        ['on disk', bytes(storedBytes)],
        ['opened in', `${openMilliseconds.toFixed(0)} ms by the ${stats.implementation} engine`],
      ]);
    });
    return 0;
  },
};
