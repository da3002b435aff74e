"""The metric of a data set in FAISS."""

import faiss


def metric_of(data: dict) -> int:
    # Cosine sets have unit vectors.
    return faiss.METRIC_INNER_PRODUCT if data["metric"] == "cosine" else faiss.METRIC_L2
