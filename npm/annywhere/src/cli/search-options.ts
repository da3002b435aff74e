/** The options that several commands have for searches. */
import type { Filter } from '../filter-types.js';
import { type CommandOption, integer, json, type Values } from './command.js';

const DEFAULT_K = 10;

export const SEARCH_OPTIONS: Readonly<Record<string, CommandOption>> = {
  k: { type: 'string', value: 'number', says: `how many neighbours; default ${DEFAULT_K}` },
  filter: {
    type: 'string',
    value: 'json',
    says: 'what the metadata must match, such as {"year":{"$gte":2000}}',
  },
};

export function searchOptions(values: Values, mostK: number): { k: number; filter?: Filter } {
  const k = integer(values, 'k', 1, mostK) ?? DEFAULT_K;
  return { k, ...(values.filter !== undefined && { filter: json(values, 'filter') as Filter }) };
}
