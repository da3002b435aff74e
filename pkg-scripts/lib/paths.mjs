// Where things lie in the checkout.
import { resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

/** An absolute path inside the checkout. */
export const inRoot = (...parts) => resolve(root, ...parts);

/** Cargo's output folder; scripts keep their own intermediate files there too. */
export const inTarget = (...parts) => resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', ...parts);

/** A program that an npm package of the workspace brings along. */
export const npmProgram = (name) => inRoot('node_modules', '.bin', name);
