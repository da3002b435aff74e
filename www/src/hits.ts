// The list of words found. Its rows are made once and filled anew for every answer: no layout jump, little to render.
import { make } from './elements';
import type { FoundSynset, PartOfSpeech } from './messages';

const PARTS_OF_SPEECH: Record<PartOfSpeech, string> = {
  noun: 'noun',
  verb: 'verb',
  adj: 'adjective',
  adv: 'adverb',
};

const COPIED_FOR_MS = 1200;

export interface HitActions {
  moreLikeThis(definition: string): void;
  /** The arrow up from the first hit. */
  leaveUpwards(): void;
}

interface Row {
  item: HTMLLIElement;
  hit: HTMLButtonElement;
  word: HTMLElement;
  others: HTMLElement;
  pos: HTMLElement;
  definition: HTMLElement;
  score: HTMLElement;
  copy: HTMLButtonElement;
}

export class HitList {
  #list: HTMLOListElement;
  #actions: HitActions;
  #rows: Row[] = [];
  #found: readonly FoundSynset[] = [];

  constructor(list: HTMLOListElement, actions: HitActions) {
    this.#list = list;
    this.#actions = actions;
    list.addEventListener('keydown', (event) => this.#onKey(event));
  }

  show(found: readonly FoundSynset[]): void {
    this.#found = found;
    while (this.#rows.length < found.length) this.#rows.push(this.#makeRow(this.#rows.length));
    for (const [at, row] of this.#rows.entries()) {
      const synset = found[at];
      row.item.hidden = synset === undefined;
      if (synset) fill(row, synset);
    }
  }

  /** Puts the focus on a hit, if it exists. */
  focus(at: number): boolean {
    if (at < 0 || at >= this.#found.length) return false;
    this.#rows[at]?.hit.focus();
    return true;
  }

  #makeRow(at: number): Row {
    const row: Row = {
      item: make('li'),
      hit: make('button', 'hit'),
      word: make('b', 'word'),
      others: make('span', 'others'),
      pos: make('i', 'pos'),
      definition: make('span', 'definition'),
      score: make('span', 'score'),
      copy: make('button', 'copy quiet', 'Copy'),
    };
    row.hit.type = 'button';
    row.copy.type = 'button';
    row.hit.title = 'More like this';
    row.score.role = 'img';
    const heading = make('span', 'heading');
    heading.append(row.word, row.others, row.pos);
    row.hit.append(heading, row.definition);
    row.item.append(row.hit, row.score, row.copy);
    row.hit.addEventListener('click', () => {
      const synset = this.#found[at];
      if (synset) this.#actions.moreLikeThis(synset.definition);
    });
    row.copy.addEventListener('click', () => void this.#copy(at));
    this.#list.append(row.item);
    return row;
  }

  #onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.#rows.findIndex(({ item }) => item.contains(document.activeElement));
    if (at < 0) return;
    if (event.key === 'ArrowDown') this.focus(at + 1);
    else if (event.key === 'ArrowUp') this.focus(at - 1) || this.#actions.leaveUpwards();
    else if (event.key === 'Home') this.focus(0);
    else if (event.key === 'End') this.focus(this.#found.length - 1);
    else if (event.key === 'c') void this.#copy(at);
    else return;
    event.preventDefault();
  }

  async #copy(at: number): Promise<void> {
    const word = this.#found[at]?.words[0];
    const copy = this.#rows[at]?.copy;
    if (!word || !copy) return;
    // Refused without the clipboard permission or outside a secure context.
    const copied = await navigator.clipboard?.writeText(word).then(
      () => true,
      () => false,
    );
    copy.textContent = copied ? 'Copied' : 'Refused';
    setTimeout(() => {
      copy.textContent = 'Copy';
    }, COPIED_FOR_MS);
  }
}

function fill(row: Row, { words, pos, definition, score }: FoundSynset): void {
  const [first = '', ...others] = words;
  row.word.textContent = first;
  row.others.textContent = others.length > 0 ? `, ${others.join(', ')}` : '';
  row.pos.textContent = PARTS_OF_SPEECH[pos];
  row.definition.textContent = definition;
  row.score.textContent = score.toFixed(2);
  row.score.ariaLabel = `similarity ${score.toFixed(2)}`;
  row.score.style.setProperty('--score', Math.max(0, Math.min(1, score)).toFixed(3));
  row.copy.ariaLabel = `Copy “${first}”`;
}
