// Recall that is asked for against recall that is found, per data set and index.
//
//   npm run bench -- targets [--sets glove,glosses384] [--index scan,hnsw]
//
// The sets are those of `npm run bench -- peers`, and made as there. crates/annywhere/examples/bench_targets.rs measures.
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { prepare } from './peers/datasets.mjs';
import { installPython } from './peers/install.mjs';

const { values: given } = parseArgs({
  options: {
    sets: { type: 'string', default: 'glove,glosses384' },
    index: { type: 'string', default: 'scan,hnsw' },
  },
});

await installPython();
const cargo = ['run', '--release', '--quiet', '-p', 'annywhere', '--features', 'parallel'];
for (const set of given.sets.split(',')) {
  const { files, dimensions } = await prepare(set);
  for (const index of given.index.split(',')) {
    const subject = [dirname(files.rows), String(dimensions), index];
    const { status } = spawnSync('cargo', [...cargo, '--example', 'bench_targets', '--', ...subject], {
      stdio: 'inherit',
    });
    if (status !== 0) process.exit(status ?? 1);
  }
}
