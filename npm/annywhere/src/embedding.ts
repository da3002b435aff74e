/**
 * The contract of a database's vectors as the text that its file keeps. The core compares it byte for byte, so the
 * fields have a fixed order here.
 */
import type { EmbeddingContract } from './embed/embedder.js';
import { describe, invalidOption } from './errors.js';
import { refuseUnknown } from './options.js';

const FIELDS = ['model', 'version', 'dimensions', 'normalized', 'prefix'] as const;

/** Checks a contract and gives its text. */
export function embeddingText(given: unknown): string | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'object' || given === null) {
    throw invalidOption('embedding', `must be { model, dimensions, .. }, not ${describe(given)}`);
  }
  refuseUnknown(given, FIELDS, (name, reason) => invalidOption(`embedding.${name}`, reason));
  const { model, version, dimensions, normalized = true, prefix } = given as Partial<EmbeddingContract>;
  for (const [name, value] of Object.entries({ model, version, prefix })) {
    const mayMiss = name !== 'model' && value === undefined;
    if (!mayMiss && (typeof value !== 'string' || value === '')) {
      throw invalidOption(`embedding.${name}`, `must be a non-empty string, not ${describe(value)}`);
    }
  }
  if (!(Number.isInteger(dimensions) && (dimensions as number) > 0)) {
    throw invalidOption('embedding.dimensions', `must be a positive integer, not ${String(dimensions)}`);
  }
  if (typeof normalized !== 'boolean') {
    throw invalidOption('embedding.normalized', `must be true or false, not ${describe(normalized)}`);
  }
  return JSON.stringify({ model, version, dimensions, normalized, prefix });
}

/** The contract of a text that `embeddingText` made; `undefined` for any other. */
export function embeddingOf(text: string | undefined): EmbeddingContract | undefined {
  if (text === undefined) return undefined;
  try {
    const contract: unknown = JSON.parse(text);
    return embeddingText(contract) === text ? (contract as EmbeddingContract) : undefined;
  } catch {
    return undefined;
  }
}
