/** The full table: `await readFile(tableUrl)` in Node, `await fetch(tableUrl)` elsewhere. */
export declare const tableUrl: URL;

/** Dimensions of the full table. */
export declare const dimensions: 256;

/** WordPieces in the table. */
export declare const vocabularySize: 27622;

/**
 * The table of the first 64, 128 or 192 dimensions: a prefix of the file, as a view of the same memory.
 *
 * It has no projection for teacher vectors. The engine verifies the bytes when it loads them.
 *
 * @throws TypeError if the bytes are not a table
 * @throws RangeError if it does not have these dimensions, or they are not a multiple of 64
 */
export declare function truncateTable(bytes: Uint8Array, dimensions: 64 | 128 | 192 | 256): Uint8Array;
