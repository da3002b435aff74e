"""Which texts are fitted and which are kept for measuring. Everything here is fixed by seeds."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import wordnet

# Synsets whose text is in no fit: the documents of the strictest measurement.
HELD_OUT = 2000
HELD_OUT_SEED = 20261122

# Usage examples that serve as queries and are in no fit. Shorter ones say too little to have neighbours.
EXAMPLE_QUERIES = 500
EXAMPLE_SEED = 7
EXAMPLE_WORDS = 4


@dataclass
class Data:
    synsets: list[wordnet.Synset]
    held_out: np.ndarray
    """Indices of the held-out synsets."""
    queries: dict[str, list[str]]
    """By set: `meaning`, `reverse`, `examples`."""
    expected: list[set[str]]
    """The lemmas that answer each query of `reverse`."""

    def fitted(self) -> list[wordnet.Synset]:
        held_out = set(self.held_out.tolist())
        return [synset for index, synset in enumerate(self.synsets) if index not in held_out]

    def fit_examples(self) -> list[str]:
        """Usage examples but the queries. Those of held-out synsets stay: their definitions are what is measured."""
        queries = set(self.queries["examples"])
        return [text for synset in self.synsets for text in synset.examples if text not in queries]

    def all_queries(self) -> list[str]:
        return [text for texts in self.queries.values() for text in texts]


def load(dictionary: Path) -> Data:
    synsets = wordnet.read_synsets(dictionary)
    held_out = np.sort(np.random.default_rng(HELD_OUT_SEED).choice(len(synsets), HELD_OUT, replace=False))
    written = json.loads((Path(__file__).parent / "queries.json").read_text())
    examples = [text for synset in synsets for text in synset.examples if len(text.split()) >= EXAMPLE_WORDS]
    picked = np.sort(np.random.default_rng(EXAMPLE_SEED).choice(len(examples), EXAMPLE_QUERIES, replace=False))
    queries = {
        "meaning": written["meaning"],
        "reverse": [entry["query"] for entry in written["reverse"]],
        "examples": [examples[index] for index in picked],
    }
    return Data(synsets, held_out, queries, [set(map(str.lower, entry["lemmas"])) for entry in written["reverse"]])
