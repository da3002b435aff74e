/** The options that say how a file of rows is read. */
import { type CommandOption, oneOf, text, type Values } from '../command.js';
import { FORMATS, openSource } from './open-source.js';
import type { RowSource } from './source.js';

export const SOURCE_OPTIONS: Readonly<Record<string, CommandOption>> = {
  format: { type: 'string', value: 'name', says: 'what the file is, if its name does not say it' },
  'id-field': { type: 'string', value: 'name', says: 'where the id stands; default id' },
  'vector-field': {
    type: 'string',
    value: 'name',
    says: 'where the vector stands; default vector, embedding or values',
  },
};

export function sourceOf(input: string, values: Values): Promise<RowSource> {
  const names = { id: text(values, 'id-field'), vector: text(values, 'vector-field') };
  return openSource(input, oneOf(values, 'format', FORMATS), names);
}
