"""Which WordPieces of the teacher become rows of the table, and in which order."""

from tokenizers import Tokenizer


def kept_pieces(tokenizer: Tokenizer) -> list[tuple[int, str]]:
    """(teacher id, piece) in id order, without the special tokens and the pieces that are not ASCII."""
    pieces = sorted((id, piece) for piece, id in tokenizer.get_vocab().items())
    return [(id, piece) for id, piece in pieces if not piece.startswith("[") and piece.removeprefix("##").isascii()]
