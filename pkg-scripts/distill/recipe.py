"""The recipe: which texts, which weights, which ridge; and the table they give."""

from dataclasses import dataclass

import numpy as np

import data
import fit
import teacher
import vocabulary

# Forms of fit text. `entries`: `lemma, lemma: definition`. `definitions`: the definition alone.
# `examples`: usage examples.
RELEASE = ("entries", "examples")


@dataclass
class Recipe:
    forms: tuple[str, ...] = RELEASE
    ridge: float | None = fit.RIDGE
    constant: float = fit.WEIGHT_CONSTANT


class Materials:
    """Teacher vectors and bags of pieces of the fit texts, made once per process."""

    def __init__(self, texts: data.Data, folder):
        self.folder = folder
        self.tokenizer = teacher.load_tokenizer(folder)
        self.kept = vocabulary.kept_pieces(self.tokenizer)
        self.vocabulary = [piece for _, piece in self.kept]
        self.row_of = {id: row for row, (id, _) in enumerate(self.kept)}
        self.pieces = teacher.embed_single_pieces(folder, [id for id, _ in self.kept])
        self.texts = texts

    def bags(self, texts: list[str]) -> list[list[int]]:
        """Rows of the table in each text, cut where the teacher was."""
        return [[self.row_of[id] for id in ids if id in self.row_of] for ids in teacher.tokenize(self.tokenizer, texts)]

    def vectors(self, texts: list[str]) -> np.ndarray:
        return teacher.embed_texts(self.folder, texts)

    def form(self, name: str) -> tuple[list[list[int]], np.ndarray]:
        """Bags and teacher vectors of one form of fit text, without what is held out."""
        if name == "examples":
            texts = self.texts.fit_examples()
            return self.bags(texts), self.vectors(texts)
        texts = synset_texts(self.texts, name)
        kept = np.ones(len(texts), bool)
        kept[self.texts.held_out] = False
        bags = [bag for bag, keep in zip(self.bags(texts), kept) if keep]
        return bags, self.vectors(texts)[kept]

    def fit(self, recipe: Recipe) -> tuple[fit.Fit, fit.Space]:
        bags: list[list[int]] = []
        vectors = []
        for name in recipe.forms:
            form_bags, form_vectors = self.form(name)
            bags += form_bags
            vectors.append(form_vectors)
        space = fit.build_space(self.pieces, np.concatenate(vectors))
        counts = fit.count_matrix(bags, len(self.vocabulary))
        result = fit.fit(space, counts, recipe.ridge, recipe.constant)
        print(f"{recipe}: {len(bags)} texts, residual {result.residual_before:.3f} -> {result.residual_after:.3f}")
        return result, space


def synset_texts(texts: data.Data, form: str) -> list[str]:
    return [synset.with_lemmas() if form == "entries" else synset.definition for synset in texts.synsets]
