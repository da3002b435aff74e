// What the page and its worker say to each other. The page is the user interface only; the worker owns the index,
// the encoder and the texts.

export type PartOfSpeech = 'noun' | 'verb' | 'adj' | 'adv';

/** One synset: words of one meaning. It is the metadata of a row, so a stored index needs no other text. */
export interface Synset {
  words: string[];
  pos: PartOfSpeech;
  definition: string;
}

export interface FoundSynset extends Synset {
  /** Cosine similarity to the query. */
  score: number;
}

/** What the page asks of the worker. */
export type Request =
  /** Comes first, once. `rows`: only so many synsets (for development). `inMemory`: leave stored files alone. */
  | { type: 'open'; rows: number | null; inMemory: boolean }
  | { type: 'search'; query: string }
  /** Removes the stored index; answered by `cleared`. */
  | { type: 'clear' };

/** What the worker tells the page. */
export type Report =
  | { type: 'phase'; phase: Phase }
  | { type: 'notice'; notice: Notice }
  | { type: 'index'; index: IndexFigures }
  | { type: 'answer'; answer: Answer }
  | { type: 'cleared' };

export type Phase =
  | { name: 'downloading'; loadedBytes: number; totalBytes: number }
  | { name: 'opening' }
  /** Another tab reads or writes the stored index at this moment, or was closed a moment ago. */
  | { name: 'waiting' }
  /** Another tab builds the index. It opens here when that is done, unless the person wants to work in memory. */
  | { name: 'building-elsewhere' }
  /** Another tab keeps the stored index: the person decides. */
  | { name: 'locked' }
  | { name: 'indexing'; rows: number; totalRows: number; rowsPerSecond: number; secondsLeft: number }
  | { name: 'saving' }
  | { name: 'ready'; origin: 'indexed' | 'stored' | 'copied'; seconds: number }
  | { name: 'failed'; message: string };

/** Something the person should know although the dictionary works. */
export type Notice =
  | { about: 'memory-only'; reason: string }
  | { about: 'reindexing'; reason: string }
  | { about: 'not-saved'; reason: string }
  | { about: 'not-cleared'; reason: string };

export interface IndexFigures {
  engine: string;
  rows: number;
  dimensions: number;
  memoryBytes: number;
  /** Size of the stored file; 0 while nothing is stored. */
  storedBytes: number;
}

export interface Answer {
  query: string;
  hits: FoundSynset[];
  /** Word pieces of the query that the encoder knows. */
  knownPieces: number;
  encodeMs: number;
  searchMs: number;
}
