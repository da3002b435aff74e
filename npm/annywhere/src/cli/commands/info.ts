/** What this installation runs on. */
import { arch, availableParallelism, platform, release } from 'node:os';
import { getRuntimeInfo } from '../../node.js';
import type { Command } from '../command.js';
import { table } from '../output.js';

export function runtimeReport(): Record<string, unknown> {
  const { implementation, simd, version, nativeErrors } = getRuntimeInfo();
  return {
    version,
    engine: implementation,
    simd,
    nativeErrors,
    backend: process.env.ANNYWHERE_BACKEND || 'auto',
    platform: `${platform()} ${arch()}`,
    system: release(),
    node: process.version,
    cpus: availableParallelism(),
  };
}

export const info: Command = {
  says: 'What runs here: version, engine and why, instruction set, platform',
  positionals: [],
  options: {},
  async run({ output }) {
    const report = runtimeReport();
    const { nativeErrors, ...shown } = report;
    output.result(report, () => [
      ...table(Object.entries(shown)),
      ...(nativeErrors as string[]).map((reason) => `why not native: ${reason}`),
    ]);
    return 0;
  },
};
