"""Measures a table against its teacher, TF-IDF, and a hand-made reverse dictionary. Prints Markdown.

Agreement: the teacher's ten nearest documents are the truth. `overlap` is the share of them among the encoder's
ten, `in 50` among its fifty, `asymmetric` among the ten nearest *teacher* documents to the encoder's query.
"""

from pathlib import Path

import numpy as np

import fit
import measure
import recipe
import teacher
from reference import Reference
from table import Table

DEPTH, WIDE_DEPTH = 10, 50
SETS = ("meaning", "reverse", "examples")
FORMS = {"entries": "`lemmas: definition`", "definitions": "`definition`"}


class Bench:
    """Queries and documents with their teacher vectors."""

    def __init__(self, materials: recipe.Materials):
        self.materials = materials
        self.texts = materials.texts
        self.queries = self.texts.all_queries()
        self.teacher_queries = materials.vectors(self.queries)
        self.lemmas = [set(map(str.lower, synset.lemmas)) for synset in self.texts.synsets]
        self.truths: dict[tuple[str, bool], np.ndarray] = {}
        self.documents = {form: recipe.synset_texts(self.texts, form) for form in FORMS}
        self.bags = {form: materials.bags(self.documents[form]) for form in FORMS}
        matcher = Reference(materials.vocabulary, np.zeros((len(materials.vocabulary), 1)))
        self.query_bags = [matcher.pieces(text) for text in self.queries]
        ends = np.cumsum([len(texts) for texts in self.texts.queries.values()])
        self.rows = {name: slice(end - len(self.texts.queries[name]), end) for name, end in zip(SETS, ends)}

    def teacher_documents(self, form: str, held_out: bool) -> np.ndarray:
        vectors = self.materials.vectors(self.documents[form])
        return vectors[self.texts.held_out] if held_out else vectors

    def truth(self, form: str, held_out: bool) -> np.ndarray:
        key = (form, held_out)
        if key not in self.truths:
            self.truths[key] = measure.top(self.teacher_queries, self.teacher_documents(form, held_out), DEPTH)
        return self.truths[key]

    def by_set(self, found: np.ndarray, truth: np.ndarray) -> list[float]:
        return [measure.overlap(found[self.rows[name]], truth[self.rows[name]]) for name in SETS]

    def dictionary(self, queries, documents) -> tuple[float, float, float]:
        ranks = measure.dictionary_ranks(queries[self.rows["reverse"]], documents, self.texts.expected, self.lemmas)
        return measure.dictionary_scores(ranks)


class Static:
    """A table at some number of dimensions, and its space for teacher vectors."""

    def __init__(self, rows: np.ndarray, mean: np.ndarray, axes: np.ndarray, dimensions: int):
        self.rows, self.mean, self.axes = rows[:, :dimensions], mean, axes[:, :dimensions]

    def encode(self, bags: list[list[int]]) -> np.ndarray:
        return teacher.unit(fit.count_matrix(bags, len(self.rows)) @ self.rows)

    def project(self, vectors: np.ndarray) -> np.ndarray:
        return teacher.unit((vectors - self.mean) @ self.axes).astype(np.float32)


def agreement(bench: Bench, static: Static, form: str, held_out: bool) -> list[list[float]]:
    """overlap, in 50 and asymmetric, each by query set; then Spearman (on held-out documents only)."""
    queries, documents = static.encode(bench.query_bags), static.encode(bench.bags[form])
    documents = documents[bench.texts.held_out] if held_out else documents
    truth = bench.truth(form, held_out)
    found = measure.top(queries, documents, WIDE_DEPTH)
    teacher_documents = bench.teacher_documents(form, held_out)
    asymmetric = measure.top(queries, static.project(teacher_documents), DEPTH)
    figures = [bench.by_set(found[:, :DEPTH], truth), bench.by_set(found, truth), bench.by_set(asymmetric, truth)]
    if held_out:
        hand = slice(0, bench.rows["reverse"].stop)
        correlation = measure.rank_correlation(
            queries[hand], documents, bench.teacher_queries[hand], teacher_documents
        )
        figures.append([correlation])
    return figures


def line(*cells) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def figures(values) -> str:
    return " / ".join(f"{value:.3f}" for value in values)


def agreement_header() -> None:
    line("encoder", "documents", "overlap@10", "in 50", "asymmetric", "Spearman")
    line(*["---"] * 6)


def print_agreement(bench: Bench, static: Static, name: str, forms=tuple(FORMS)) -> None:
    for held_out, size in ((True, f"{len(bench.texts.held_out):,} held out"), (False, f"all {len(bench.lemmas):,}")):
        for form in forms:
            cells = [figures(values) for values in agreement(bench, static, form, held_out)]
            line(name, f"{size}, {FORMS[form]}", *cells, *[""] * (4 - len(cells)))


def print_dictionary(bench: Bench, static: Static, name: str) -> None:
    queries = static.encode(bench.query_bags)
    for form in FORMS:
        line(name, FORMS[form], figures(bench.dictionary(queries, static.encode(bench.bags[form]))))
    for form in FORMS:
        documents = static.project(bench.teacher_documents(form, False))
        line(f"{name}, asymmetric", FORMS[form], figures(bench.dictionary(queries, documents)))


def report(materials: recipe.Materials, file: Path) -> None:
    """The committed table."""
    bench, table = Bench(materials), Table(file.read_bytes())
    print("### Agreement\n\nIn each cell: meaning / reverse / examples.\n")
    agreement_header()
    for dimensions in (256, 128, 64):
        static = Static(table.rows(dimensions), table.mean, table.axes, dimensions)
        print_agreement(bench, static, f"static {dimensions} d")
    print_baseline_agreement(bench, table)

    print("\n### Reverse dictionary\n\nMRR / hit@1 / hit@10.\n")
    line("encoder", "documents", "MRR / hit@1 / hit@10")
    line(*["---"] * 3)
    for dimensions in (256, 128, 64):
        print_dictionary(bench, Static(table.rows(dimensions), table.mean, table.axes, dimensions), f"static {dimensions} d")
    for form in FORMS:
        line("MiniLM", FORMS[form], figures(bench.dictionary(bench.teacher_queries, bench.teacher_documents(form, False))))
    for form in FORMS:
        tf_idf = measure.TfIdf(bench.documents[form])
        line("TF-IDF", FORMS[form], figures(bench.dictionary(tf_idf.encode(bench.queries), tf_idf.encode(bench.documents[form]))))

    print("\n### Tokenisation\n")
    print_parity(bench)


def print_baseline_agreement(bench: Bench, table: Table) -> None:
    """TF-IDF, and the teacher itself squeezed into the table's space: the ceiling of that space."""
    for form in FORMS:
        documents = [bench.documents[form][index] for index in bench.texts.held_out]
        tf_idf = measure.TfIdf(documents)
        found = measure.top(tf_idf.encode(bench.queries), tf_idf.encode(documents), WIDE_DEPTH)
        truth = bench.truth(form, True)
        cells = [figures(bench.by_set(found[:, :DEPTH], truth)), figures(bench.by_set(found, truth)), "", ""]
        line("TF-IDF", f"{len(documents):,} held out, {FORMS[form]}", *cells)
    static = Static(table.rows(256), table.mean, table.axes, 256)
    for form in FORMS:
        queries = static.project(bench.teacher_queries)
        found = measure.top(queries, static.project(bench.teacher_documents(form, True)), WIDE_DEPTH)
        truth = bench.truth(form, True)
        cells = [figures(bench.by_set(found[:, :DEPTH], truth)), figures(bench.by_set(found, truth)), "", ""]
        line("MiniLM in the table's space", f"{len(bench.texts.held_out):,} held out, {FORMS[form]}", *cells)


def print_parity(bench: Bench) -> None:
    """Our rules against the teacher's tokenizer, on every text, uncut."""
    materials = bench.materials
    ours = Reference(materials.vocabulary, np.zeros((len(materials.vocabulary), 1)))
    for name, texts in (("entries", bench.documents["entries"]), ("queries", bench.queries)):
        theirs = materials.tokenizer.encode_batch(texts, add_special_tokens=False)
        equal = sum(
            ours.pieces(text) == [materials.row_of[id] for id in encoding.ids if id in materials.row_of]
            for text, encoding in zip(texts, theirs)
        )
        print(f"- {name}: the same pieces as the teacher's tokenizer on {equal:,} of {len(texts):,} texts")


def ablations(materials: recipe.Materials) -> None:
    """Every recipe that was tried, in float32."""
    bench = Bench(materials)
    agreement_header()
    dictionary = []
    for tried in (
        recipe.Recipe(("entries",), None),
        recipe.Recipe(("entries",), None, 1e-3),
        recipe.Recipe(("entries",), 0.5),
        recipe.Recipe(("entries",), 1.0),
        recipe.Recipe(("entries",), 2.0),
        recipe.Recipe(("entries",), 3.0),
        recipe.Recipe(("entries",), 1.0, 1e-3),
        recipe.Recipe(("entries", "examples"), 1.0),
        recipe.Recipe(("entries", "examples"), 1.0, 1e-3),
        recipe.Recipe(("entries", "definitions", "examples"), 1.0),
        recipe.Recipe(("entries", "definitions", "examples"), 2.0),
    ):
        result, space = materials.fit(tried)
        name = f"{' + '.join(tried.forms)}, λ {tried.ridge}, a {tried.constant}"
        static = Static(result.rows, space.mean, space.axes, fit.DIMENSIONS)
        print_agreement(bench, static, name)
        dictionary.append((name, static))
    line("encoder", "documents", "MRR / hit@1 / hit@10")
    for name, static in dictionary:
        print_dictionary(bench, static, name)
