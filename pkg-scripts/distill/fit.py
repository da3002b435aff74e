"""Fits the table: one vector per WordPiece such that the weighted sum over a text points where the teacher points.

    V   teacher vectors of the single pieces      mu, U   their mean and principal axes      P = (V - mu) U
    y   unit teacher vectors of the texts         m       their mean                         T = (y - m) U
    s   piece weights a / (a + p)                 S       rows: unit(counts * s)

    W = c P + St A   with   (S St + lambda I) A = T - c S P        (ridge regression around c P, dual form)
    E = s * W        the weight is folded in, so at run time a plain sum is enough
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

DIMENSIONS = 256

# Chosen by measurement: npm/encoder-en/QUALITY.md.
WEIGHT_CONSTANT = 3e-4
RIDGE = 1.0

ITERATIONS = 40

# Columns solved at once: few enough for a cache to hold one vector per piece.
BLOCK = 32


@dataclass
class Space:
    """What does not depend on the fit texts' weights: axes, start, and targets."""

    start: np.ndarray  # P, pieces x 256
    mean: np.ndarray  # m, 384
    axes: np.ndarray  # U, 384 x 256
    targets: np.ndarray  # T, texts x 256


@dataclass
class Fit:
    rows: np.ndarray  # E, pieces x 256
    residual_before: float
    residual_after: float


def principal_axes(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean, axes by falling variance, and the share of the variance the axes hold."""
    wide = vectors.astype(np.float64)
    mean = wide.mean(axis=0)
    values, columns = np.linalg.eigh(np.cov((wide - mean).T))
    order = np.argsort(values)[::-1][:DIMENSIONS]
    axes = columns[:, order]
    # An eigenvector's sign is arbitrary; this fixes it whatever library computed it.
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(DIMENSIONS)])
    return mean, axes, values[order].sum() / values.sum()


def build_space(piece_vectors: np.ndarray, text_vectors: np.ndarray) -> Space:
    piece_mean, axes, share = principal_axes(piece_vectors)
    print(f"axes hold {share:.4f} of the variance of the piece vectors")
    start = ((piece_vectors - piece_mean) @ axes).astype(np.float32)
    mean = text_vectors.mean(axis=0, dtype=np.float64)
    targets = ((text_vectors - mean) @ axes).astype(np.float32)
    return Space(start, mean.astype(np.float32), axes.astype(np.float32), targets)


def count_matrix(texts: list[list[int]], pieces: int) -> sparse.csr_matrix:
    """How often each row of the table occurs in each text."""
    lengths = np.fromiter((len(rows) for rows in texts), np.int64, len(texts))
    columns = np.fromiter((row for rows in texts for row in rows), np.int32, int(lengths.sum()))
    pointers = np.concatenate([[0], np.cumsum(lengths)])
    counts = sparse.csr_matrix((np.ones(len(columns), np.float32), columns, pointers), shape=(len(texts), pieces))
    counts.sum_duplicates()
    return counts


def piece_weights(counts: sparse.csr_matrix, constant: float) -> np.ndarray:
    totals = np.asarray(counts.sum(axis=0, dtype=np.float64)).ravel()
    return (constant / (constant + (totals + 0.5) / totals.sum())).astype(np.float32)


def fit(space: Space, counts: sparse.csr_matrix, ridge: float | None, constant: float) -> Fit:
    """The table for these texts; without a ridge, the weighted start itself."""
    weights = piece_weights(counts, constant)
    if ridge is None:
        return Fit(space.start * weights[:, None], 1.0, 1.0)
    design = counts @ sparse.diags(weights)
    norms = np.sqrt(np.asarray(design.multiply(design).sum(axis=1)).ravel())
    design = (sparse.diags(1.0 / np.maximum(norms, 1e-12)) @ design).tocsr().astype(np.float32)

    predicted = design @ space.start
    share = float(np.vdot(predicted, space.targets) / np.vdot(predicted, predicted))
    rest = space.targets - share * predicted
    multipliers = conjugate_gradients(design, rest, ridge)
    table = share * space.start + design.T.tocsr() @ multipliers

    norm = float(np.vdot(space.targets, space.targets))
    left = space.targets - design @ table
    return Fit(table * weights[:, None], float(np.vdot(rest, rest)) / norm, float(np.vdot(left, left)) / norm)


def conjugate_gradients(design: sparse.csr_matrix, right: np.ndarray, ridge: float) -> np.ndarray:
    """Solves (S St + ridge I) A = right; the columns are independent and keep their own steps."""
    transposed = design.T.tocsr()
    blocks = [
        conjugate_gradients_of_block(design, transposed, np.ascontiguousarray(right[:, start : start + BLOCK]), ridge)
        for start in range(0, right.shape[1], BLOCK)
    ]
    return np.concatenate(blocks, axis=1)


def conjugate_gradients_of_block(
    design: sparse.csr_matrix, transposed: sparse.csr_matrix, right: np.ndarray, ridge: float
) -> np.ndarray:
    solution = np.zeros_like(right)
    residual = right.copy()
    direction = right.copy()
    energy = np.einsum("ij,ij->j", residual, residual)
    for _ in range(ITERATIONS):
        image = design @ (transposed @ direction) + np.float32(ridge) * direction
        step = energy / np.maximum(np.einsum("ij,ij->j", direction, image), 1e-30)
        solution += step * direction
        residual -= step * image
        renewed = np.einsum("ij,ij->j", residual, residual)
        direction *= renewed / np.maximum(energy, 1e-30)
        direction += residual
        energy = renewed
    return solution
