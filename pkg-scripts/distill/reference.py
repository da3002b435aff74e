"""The encoder in its plainest form: the truth that the Rust crate is tested against.

Text -> words -> WordPieces -> sum of rows -> unit length. The rules are those of `FORMAT.md` in the
crate; they follow the teacher's tokenizer as far as pieces in ASCII are concerned.
"""

import unicodedata

import numpy as np

MAX_PIECE = 24
# The teacher's tokenizer gives up on longer words; the limit also bounds the work on hostile text.
MAX_WORD = 100

CJK = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


def is_white_space(char: str) -> bool:
    """Unicode White_Space; U+001C..U+001F are white space to Python alone."""
    return char.isspace() and char not in "\x1c\x1d\x1e\x1f"


def stands_alone(char: str) -> bool:
    """Punctuation and ideographs are words of their own."""
    if char.isascii():
        return 33 <= ord(char) <= 47 or 58 <= ord(char) <= 64 or 91 <= ord(char) <= 96 or 123 <= ord(char) <= 126
    return unicodedata.category(char).startswith("P") or any(low <= ord(char) <= high for low, high in CJK)


def words(text: str) -> list[str]:
    found, word = [], ""
    for char in unicodedata.normalize("NFD", text.lower()):
        if is_white_space(char):
            found.append(word)
            word = ""
        elif unicodedata.category(char) in ("Mn", "Cc", "Cf"):
            continue
        elif stands_alone(char):
            found += [word, char]
            word = ""
        else:
            word += char
    found.append(word)
    return [word for word in found if word]


class Reference:
    def __init__(self, vocabulary: list[str], rows: np.ndarray):
        self.index = {piece: row for row, piece in enumerate(vocabulary)}
        self.rows = rows
        self.cache: dict[str, list[int]] = {}

    def word_pieces(self, word: str) -> list[int]:
        """Greedy longest match from the left; a word with a part that matches nothing is skipped."""
        if len(word) > MAX_WORD:
            return []
        pieces, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(min(len(word), start + MAX_PIECE), start, -1):
                row = self.index.get(prefix + word[start:end])
                if row is not None:
                    break
            else:
                return []
            pieces.append(row)
            start = end
        return pieces

    def pieces(self, text: str) -> list[int]:
        found = []
        for word in words(text):
            if word not in self.cache:
                self.cache[word] = self.word_pieces(word)
            found += self.cache[word]
        return found

    def encode(self, text: str, limit: int | None = None) -> np.ndarray:
        """The unit vector, or zeros for a text without known pieces."""
        total = self.rows[self.pieces(text)[:limit]].sum(axis=0, dtype=np.float64)
        return (total / max(np.linalg.norm(total), 1e-12)).astype(np.float32)
