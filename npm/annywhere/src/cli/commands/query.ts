/** One search. */

import type { VectorDb } from '../../node.js';
import type { SearchQuery, Vector } from '../../types.js';
import { type Command, decimal, json, text, UsageError, type Values } from '../command.js';
import { openExisting } from '../open.js';
import { SEARCH_OPTIONS, searchOptions } from '../search-options.js';

const MOST_K = 2 ** 31 - 1;
const SHOWN = 100;

export const query: Command = {
  says: 'The rows nearest to a vector, to another row, or to a text',
  positionals: ['database'],
  options: {
    vector: { type: 'string', value: 'json', says: 'an array of numbers' },
    id: { type: 'string', value: 'id', says: 'the row whose neighbours are wanted' },
    text: { type: 'string', value: 'words', says: 'a text, made a vector by the encoder' },
    encoder: {
      type: 'string',
      value: 'file',
      says: 'table of the encoder; default that of @annywhere/encoder-en',
    },
    ...SEARCH_OPTIONS,
    threshold: { type: 'string', value: 'score', says: 'least score' },
    exact: { type: 'boolean', says: 'compare with every row' },
  },
  async run({ positionals, values, output }) {
    const [path] = positionals as [string];
    const given = ['vector', 'id', 'text'].filter((name) => values[name] !== undefined);
    if (given.length !== 1) throw new UsageError('One of --vector, --id and --text says what to search for');
    const { k, ...search } = searchOptions(values, MOST_K);
    const { db } = await openExisting(path);
    try {
      const id = text(values, 'id');
      const threshold = decimal(values, 'threshold');
      const asked: SearchQuery = {
        vector: await vectorFor(db, values),
        // A row is its own nearest neighbour.
        k: id === undefined ? k : Math.min(k + 1, MOST_K),
        ...(threshold !== undefined && { threshold }),
        ...search,
        ...(values.exact === true && { exact: true }),
      };
      const begin = performance.now();
      const found = await db.search(asked);
      const milliseconds = performance.now() - begin;
      const hits = found.filter((hit) => hit.id !== id).slice(0, k);
      output.result({ hits, milliseconds }, () =>
        hits.map(({ id, score, metadata }) => {
          const about = JSON.stringify(metadata);
          return `${score.toFixed(4)}  ${id}  ${about.length > SHOWN ? `${about.slice(0, SHOWN)}..` : about}`;
        }),
      );
      return 0;
    } finally {
      await db.close();
    }
  },
};

async function vectorFor(db: VectorDb, values: Values): Promise<Vector> {
  const id = text(values, 'id');
  if (id !== undefined) {
    const row = await db.get(id);
    if (!row) throw new Error(`there is no row ${id}`);
    return row.vector;
  }
  const words = text(values, 'text');
  return words === undefined ? (json(values, 'vector') as Vector) : encode(words, db, values);
}

async function encode(words: string, db: VectorDb, values: Values): Promise<Vector> {
  const { StaticEncoder } = await import('../../embed.node.js');
  const { dimensions } = db.getStats();
  const encoder = await StaticEncoder.load(text(values, 'encoder') ?? (await packagedTable()), {
    dimensions,
  });
  return encoder.encode(words);
}

async function packagedTable(): Promise<URL> {
  const name = '@annywhere/encoder-en';
  try {
    return ((await import(name)) as { tableUrl: URL }).tableUrl;
  } catch (cause) {
    throw new Error(`--text needs a table for the encoder: npm install ${name}, or --encoder <file>`, {
      cause,
    });
  }
}
