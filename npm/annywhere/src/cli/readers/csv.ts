/** CSV as RFC 4180 describes it, with a header. The vector is one column with a JSON array, or a column per dimension. */
import { createReadStream } from 'node:fs';
import type { Entry, Metadata } from '../../types.js';
import type { Names } from './json-rows.js';
import { badRow, idOf, type RowSource } from './source.js';

/** Header and cells of a file with columns. */
export function csv(path: string, names: Names, separator = ','): RowSource {
  return {
    async *rows() {
      let layout: Layout | undefined;
      let row = 0;
      for await (const cells of records(path, separator)) {
        if (!layout) {
          layout = layoutOf(path, cells, names);
          continue;
        }
        if (cells.length !== layout.width) {
          throw badRow(path, row, `it has ${cells.length} cells, and the header ${layout.width}`);
        }
        yield entryOf(path, row, cells, layout);
        row++;
      }
      if (!layout) throw new Error(`${path} is empty: it needs a line with the names of the columns`);
    },
  };
}

interface Layout {
  readonly width: number;
  readonly id: number;
  /** One column with all numbers, or one for each. */
  readonly vector: readonly number[];
  readonly others: readonly (readonly [number, string])[];
}

function layoutOf(path: string, header: readonly string[], names: Names): Layout {
  const lower = header.map((name) => name.trim().toLowerCase());
  const at = (name: string) => lower.indexOf(name.toLowerCase());
  const id = names.id === undefined ? at('id') : at(names.id);
  if (names.id !== undefined && id < 0) throw new Error(`${path} has no column ${names.id}`);
  const single = names.vector === undefined ? ['vector', 'embedding', 'values'] : [names.vector];
  const found = single.map(at).find((column) => column >= 0);
  // Columns such as v0, v1, .. or dim_0, dim_1, ..: one prefix and rising numbers.
  const prefix = names.vector ?? '(?:v|x|d|dim|e|emb|vector|embedding)';
  const numbered = new RegExp(`^${prefix}[_. ]?(\\d+)$`, 'i');
  const many = lower
    .map((name, column) => [Number(numbered.exec(name)?.[1] ?? -1), column] as const)
    .filter(([number]) => number >= 0)
    .sort(([a], [b]) => a - b)
    .map(([, column]) => column);
  const vector = found === undefined ? many : [found];
  if (vector.length === 0) {
    throw new Error(
      `${path} has neither a column vector nor columns v0, v1, ..; --vector-field says another name`,
    );
  }
  const taken = new Set([id, ...vector]);
  const others = header.map((name, column) => [column, name.trim()] as const);
  return { width: header.length, id, vector, others: others.filter(([column]) => !taken.has(column)) };
}

function entryOf(path: string, row: number, cells: readonly string[], layout: Layout): Entry {
  const metadata: Metadata = {};
  for (const [column, name] of layout.others) {
    const cell = cells[column] as string;
    if (cell !== '') metadata[name] = scalarOf(cell);
  }
  return {
    id: idOf(layout.id < 0 ? undefined : cells[layout.id], row),
    vector:
      layout.vector.length === 1
        ? numbersIn(path, row, cells[layout.vector[0] as number] as string)
        : layout.vector.map((column) => Number(cells[column])),
    metadata: Object.keys(metadata).length > 0 ? metadata : null,
  };
}

function numbersIn(path: string, row: number, cell: string): number[] {
  const numbers = cell
    .replace(/^\s*\[|\]\s*$/g, '')
    .split(/[\s,;]+/)
    .filter((part) => part !== '')
    .map(Number);
  if (numbers.length > 0 && numbers.every((number) => !Number.isNaN(number))) return numbers;
  throw badRow(path, row, `its vector is no list of numbers: ${cell.slice(0, 40)}`);
}

/** Numbers and truth values as such; what would not be printed the same again stays text. */
function scalarOf(cell: string): string | number | boolean {
  if (cell === 'true' || cell === 'false') return cell === 'true';
  const number = Number(cell);
  return String(number) === cell && Number.isFinite(number) ? number : cell;
}

/** The cells of each record; quoted ones may hold separators, quotes and line ends. */
async function* records(path: string, separator: string): AsyncGenerator<string[]> {
  let cells: string[] = [];
  let cell = '';
  let isQuoted = false;
  let wasQuote = false;
  for await (const chunk of createReadStream(path, { encoding: 'utf8' })) {
    for (const character of chunk as string) {
      if (isQuoted) {
        if (wasQuote) {
          wasQuote = false;
          if (character === '"') {
            cell += '"';
            continue;
          }
          isQuoted = false;
        } else if (character === '"') {
          wasQuote = true;
          continue;
        } else {
          cell += character;
          continue;
        }
      }
      if (character === '"' && cell === '') isQuoted = true;
      else if (character === separator) {
        cells.push(cell);
        cell = '';
      } else if (character === '\n') {
        cells.push(cell.replace(/\r$/, ''));
        if (cells.length > 1 || cells[0] !== '') yield cells;
        cells = [];
        cell = '';
      } else cell += character;
    }
  }
  if (isQuoted && !wasQuote) throw new Error(`${path} ends inside a quoted cell`);
  cells.push(cell);
  if (cells.length > 1 || cells[0] !== '') yield cells;
}
