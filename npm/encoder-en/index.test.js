import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { dimensions, tableUrl, truncateTable, vocabularySize } from '@annywhere/encoder-en';

const table = new Uint8Array(await readFile(tableUrl));
const header = new DataView(table.buffer, table.byteOffset, table.byteLength);

test('the constants are those of the table', () => {
  assert.equal(header.getUint32(12, true), vocabularySize);
  assert.equal(header.getUint32(16, true), dimensions);
  assert.equal(header.getBigUint64(32, true), BigInt(table.length));
});

test('a truncated table is a prefix, one panel of 64 columns after another', () => {
  const lengths = [64, 128, 192, 256].map((columns) => truncateTable(table, columns).length);
  const steps = lengths.slice(1).map((length, at) => length - lengths[at]);
  assert.deepEqual(steps, Array(3).fill(64 * vocabularySize));
  assert.equal(table.length - lengths[3], 4 * 384 * (1 + 256), 'the projection is left out');
  assert.equal(truncateTable(truncateTable(table, 128), 64).length, lengths[0]);
});

test('a table is not truncated to what it does not have', () => {
  for (const columns of [0, -64, 100, 320, Number.NaN]) {
    assert.throws(() => truncateTable(table, columns), RangeError);
  }
  assert.throws(() => truncateTable(truncateTable(table, 64), 128), /has 64 dimensions; asked for 128/);
  assert.throws(() => truncateTable(table.subarray(1), 64), TypeError);
  assert.throws(() => truncateTable(new Uint8Array(4), 64), TypeError);
});
