/**
 * Moods as axes with two ends, each from -1 to 1. Content gets its place from its genres and from the words of its
 * synopsis, a query from mood words; both reach both ends of every axis.
 *
 * A part of 64 dimensions gives every axis a range of 8: axis i fills [8 i, 8 i + 8), the end excluded.
 */
import { invalidArgument } from '../errors.js';

export type MoodAxis = 'energy' | 'tone' | 'humour' | 'fear' | 'feeling' | 'love' | 'reality' | 'thought';

/** Places on the axes; what is absent is 0. */
export type Mood = Partial<Record<MoodAxis, number>>;

interface Ends {
  /** Words for -1, and for 1; the first of them is the end's name. */
  readonly low: readonly string[];
  readonly high: readonly string[];
}

/** The axes in the order of their dimensions. A word may stand on several of them. */
export const MOOD_AXES: Readonly<Record<MoodAxis, Ends>> = {
  energy: {
    low: ['calm', 'relaxing', 'quiet', 'slow', 'gentle', 'peaceful', 'soothing'],
    high: ['intense', 'exciting', 'suspenseful', 'thrilling', 'fast', 'tense', 'desperate', 'chase'],
  },
  tone: {
    low: ['dark', 'gritty', 'bleak', 'grim', 'violent', 'brutal', 'cruel'],
    high: ['light', 'lighthearted', 'cheerful', 'feelgood', 'charming', 'sweet', 'playful'],
  },
  humour: {
    low: ['serious', 'earnest', 'solemn'],
    high: ['funny', 'hilarious', 'humorous', 'silly', 'witty', 'clumsy', 'bumbling'],
  },
  fear: {
    low: ['cosy', 'cozy', 'comforting', 'safe', 'warm', 'kind'],
    high: [
      'scary',
      'frightening',
      'creepy',
      'terrifying',
      'haunted',
      'evil',
      'demon',
      'monster',
      'suspenseful',
    ],
  },
  feeling: {
    low: ['sad', 'tragic', 'heartbreaking', 'melancholic', 'grieving', 'dying', 'doomed', 'lonely'],
    high: ['uplifting', 'inspiring', 'hopeful', 'heartwarming', 'happy', 'joy', 'triumph', 'hope'],
  },
  love: {
    low: ['cold', 'ruthless', 'merciless', 'cynical'],
    high: ['romantic', 'passionate', 'love', 'lovers', 'affair', 'marries'],
  },
  reality: {
    low: ['realistic', 'true', 'authentic', 'factual', 'everyday'],
    high: ['fantastic', 'magical', 'surreal', 'dreamlike', 'whimsical', 'magic', 'dreams', 'strange'],
  },
  thought: {
    low: ['easy', 'simple', 'mindless', 'dumb'],
    high: [
      'thoughtful',
      'cerebral',
      'philosophical',
      'complex',
      'mindbending',
      'mystery',
      'puzzle',
      'riddles',
    ],
  },
};

const AXES = Object.keys(MOOD_AXES) as MoodAxis[];
const WORDS: ReadonlyMap<string, readonly (readonly [MoodAxis, number])[]> = places();

/** What genres say about the mood; judged by hand, as a start that the words of a synopsis correct. */
const GENRE_MOODS: ReadonlyMap<number, Mood> = new Map<number, Mood>([
  [28, { energy: 0.9, tone: -0.1, thought: -0.5 }],
  [12, { energy: 0.5, tone: 0.3, feeling: 0.3, reality: 0.3 }],
  [16, { tone: 0.5, fear: -0.4, humour: 0.2, reality: 0.6 }],
  [35, { humour: 0.9, tone: 0.7, fear: -0.3, thought: -0.2 }],
  [80, { tone: -0.6, energy: 0.4, reality: -0.3, love: -0.4, humour: -0.2 }],
  [99, { reality: -0.9, energy: -0.5, humour: -0.4, thought: 0.4 }],
  [18, { humour: -0.6, energy: -0.3, feeling: -0.2, thought: 0.2 }],
  [10751, { tone: 0.7, fear: -0.7, feeling: 0.6, energy: -0.3, thought: -0.2 }],
  [14, { reality: 0.9, tone: 0.1 }],
  [36, { reality: -0.7, humour: -0.5 }],
  [27, { fear: 0.9, tone: -0.7, energy: 0.5, love: -0.3 }],
  [10402, { feeling: 0.4, tone: 0.3 }],
  [9648, { thought: 0.8, energy: 0.3, tone: -0.2 }],
  [10749, { love: 0.9, feeling: 0.2, tone: 0.2, fear: -0.3 }],
  [878, { reality: 0.6, thought: 0.5, energy: 0.3 }],
  [53, { energy: 0.8, tone: -0.5, fear: 0.4 }],
  [10752, { tone: -0.7, energy: 0.5, feeling: -0.6, humour: -0.5, reality: -0.3 }],
  [37, { energy: 0.4, tone: -0.2, love: -0.3 }],
  [10759, { energy: 0.8, tone: 0.1 }],
  [10762, { tone: 0.8, fear: -0.7, thought: -0.5 }],
  [10763, { reality: -0.9, humour: -0.5 }],
  [10764, { reality: -0.7, thought: -0.5 }],
  [10765, { reality: 0.8, thought: 0.4, energy: 0.3 }],
  [10766, { love: 0.6, feeling: -0.2 }],
  [10767, { energy: -0.5, humour: 0.3, reality: -0.5 }],
  [10768, { tone: -0.5, humour: -0.5, thought: 0.3 }],
]);
/** A word of a synopsis counts as much as a genre that says the same with this strength. */
const WORD_STRENGTH = 0.8;

/** The mood of content, from its genres and the words of its synopsis: the sum, within -1 and 1. */
export function contentMood(genreIds: readonly number[], overview = ''): Mood {
  const moods = genreIds.flatMap((id) => GENRE_MOODS.get(id) ?? []);
  const count = Math.max(1, moods.length);
  const mood: Mood = {};
  for (const said of moods) {
    for (const axis of AXES) add(mood, axis, (said[axis] ?? 0) / count);
  }
  for (const word of overview.toLowerCase().match(/[a-z]+/g) ?? []) {
    for (const [axis, sign] of WORDS.get(word) ?? []) add(mood, axis, sign * WORD_STRENGTH);
  }
  for (const axis of AXES) {
    const value = mood[axis];
    if (value !== undefined) mood[axis] = Math.max(-1, Math.min(1, value));
  }
  return mood;
}

/** The mood that words ask for, such as `['funny', 'calm']`; words that say nothing are in `unknown`. */
export function queryMood(words: readonly string[]): { mood: Mood; unknown: string[] } {
  const mood: Mood = {};
  const unknown: string[] = [];
  for (const given of words) {
    const found = WORDS.get(given.toLowerCase().replaceAll(/[^a-z]/g, ''));
    if (found === undefined) unknown.push(given);
    for (const [axis, sign] of found ?? []) mood[axis] = Math.max(-1, Math.min(1, (mood[axis] ?? 0) + sign));
  }
  return { mood, unknown };
}

/** The half-open range of dimensions of an axis: `[from, to)`. */
export function moodRange(axis: MoodAxis, dimensions = 64): { from: number; to: number } {
  if (!(Number.isInteger(dimensions) && dimensions >= AXES.length && dimensions % AXES.length === 0)) {
    throw invalidArgument('dimensions', `must be a multiple of ${AXES.length}, not ${String(dimensions)}`);
  }
  const width = dimensions / AXES.length;
  const at = AXES.indexOf(axis);
  if (at < 0) throw invalidArgument('axis', `'${axis}' is unknown; known are ${AXES.join(', ')}`);
  return { from: at * width, to: (at + 1) * width };
}

/** The part of a vector for a mood; zeros if it is empty. */
export function encodeMood(mood: Mood, dimensions = 64): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const axis of AXES) {
    const { from, to } = moodRange(axis, dimensions);
    vector.fill(mood[axis] ?? 0, from, to);
  }
  return vector;
}

/** Every word with the ends of axes that it stands for. */
function places(): Map<string, [MoodAxis, number][]> {
  const all = new Map<string, [MoodAxis, number][]>();
  for (const axis of AXES) {
    for (const [sign, words] of [
      [-1, MOOD_AXES[axis].low],
      [1, MOOD_AXES[axis].high],
    ] as const) {
      for (const word of words) all.set(word, [...(all.get(word) ?? []), [axis, sign]]);
    }
  }
  return all;
}

function add(mood: Mood, axis: MoodAxis, value: number): void {
  if (value !== 0) mood[axis] = (mood[axis] ?? 0) + value;
}
