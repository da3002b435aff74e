"""How well one encoder's ranking agrees with another's, and how often it finds an expected word."""

import re

import numpy as np
from scipy import sparse, stats

QUERIES_AT_ONCE = 64


def top(queries, documents, depth: int) -> np.ndarray:
    """Indices of the nearest documents by inner product; equal scores go by index."""
    found = []
    for start in range(0, queries.shape[0], QUERIES_AT_ONCE):
        scores = queries[start : start + QUERIES_AT_ONCE] @ documents.T
        scores = scores.toarray() if sparse.issparse(scores) else scores
        order = np.argpartition(-scores, depth, axis=1)[:, :depth] if depth < scores.shape[1] else None
        for row, line in enumerate(scores):
            candidates = np.sort(order[row])
            found.append(candidates[np.argsort(-line[candidates], kind="stable")])
    return np.array(found)


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean share of each row of `truth` that is in the same row of `found`."""
    return float(np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, truth)]))


def rank_correlation(queries, documents, truth_queries, truth_documents) -> float:
    """Mean over the queries of Spearman's correlation of their scores over all documents."""
    scores = queries @ documents.T
    scores = scores.toarray() if sparse.issparse(scores) else scores
    truth = truth_queries @ truth_documents.T
    usable = [row for row in range(len(truth)) if np.ptp(scores[row]) > 0]
    return float(np.mean([stats.spearmanr(scores[row], truth[row]).statistic for row in usable]))


def dictionary_ranks(queries, documents, expected: list[set[str]], lemmas: list[set[str]]) -> np.ndarray:
    """The rank, from 1, of the first document that carries an expected lemma."""
    ranks = []
    answers = [np.array([i for i, own in enumerate(lemmas) if own & wanted]) for wanted in expected]
    for row, documents_with in enumerate(answers):
        scores = documents @ queries[row].T
        scores = np.asarray(scores.toarray() if sparse.issparse(scores) else scores).ravel()
        # A tie counts against the encoder: zero scores are not found.
        ranks.append(int((scores >= scores[documents_with].max()).sum()))
    return np.array(ranks)


def dictionary_scores(ranks: np.ndarray) -> tuple[float, float, float]:
    """MRR (over the first 100), hit@1, hit@10."""
    return float(np.mean(np.where(ranks <= 100, 1 / ranks, 0))), float((ranks <= 1).mean()), float((ranks <= 10).mean())


class TfIdf:
    """Lower-case alphanumeric words, raw counts times smoothed idf, unit length."""

    WORD = re.compile(r"[a-z0-9]+")

    def __init__(self, documents: list[str]):
        self.index: dict[str, int] = {}
        split = [self.WORD.findall(text.lower()) for text in documents]
        for words in split:
            for word in words:
                self.index.setdefault(word, len(self.index))
        frequency = np.zeros(len(self.index))
        for words in split:
            for word in set(words):
                frequency[self.index[word]] += 1
        self.idf = np.log((1 + len(documents)) / (1 + frequency)) + 1

    def encode(self, texts: list[str]) -> sparse.csr_matrix:
        rows = [[self.index[word] for word in self.WORD.findall(text.lower()) if word in self.index] for text in texts]
        columns = np.array([column for row in rows for column in row], np.int64)
        lines = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        matrix = sparse.csr_matrix((self.idf[columns], (lines, columns)), shape=(len(texts), len(self.index)))
        norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
        return (sparse.diags(1 / np.maximum(norms, 1e-12)) @ matrix).tocsr()
