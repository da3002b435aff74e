"""Writes the fixture that ties the Rust encoder to the reference: texts, their pieces, and parts of their vectors."""

import json

import numpy as np

from reference import Reference
from table import Table

# One column of every eight, and each of the eight lanes of a sum in turn: enough to see any wrong column.
COLUMNS = [8 * step + step % 8 for step in range(32)]

TEXTS = [
    "",
    " \t\r\n",
    "a",
    "fear of heights",
    "Fear of Heights!",
    "a person who loves books",
    "to walk slowly, without any hurry at all",
    "the the the the",
    "Crème brûlée à la carte",
    "NAÏVE café façade Ångström",
    "Zoë's jalapeño-flavoured piñata",
    "Trần Hưng Đạo",
    "İstanbul",
    "U.S. troops' 3,000-mile march; well-known (and feared)?",
    "hello,world",
    "e-mail me@example.com #1 $5 50% [x] {y} a_b ~tilde `tick` ^caret |pipe",
    "“curly quotes” — and dashes… ‘too’",
    "¿Qué pasa? ¡Nada!",
    "antidisestablishmentarianism",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "x" * 100,
    "x" * 101,
    "y" * 5000 + " after",
    "unaffable embeddings tokenisation",
    "emoji 😀 between words",
    "glued😀emoji next",
    "family 👩\u200d👩\u200d👧 emoji",
    "heart ❤\ufe0f symbol",
    "東京 tower",
    "東京tower",
    "Москва and Moscow",
    "Ελλάδα",
    "soft\u00adhyphen zero\u200bwidth \ufeffmark",
    "non\u00a0breaking\u2003spaces\u3000here",
    "line\u2028separator\u0085next",
    "control\x07char \x1cfile\x1f separator\x0bvertical\x0cfeed",
    "e\u0301 combining o\u0308\u0323 marks a\u0300\u0301\u0302\u0303",
    "\u0301 lone accent",
    "\u212aelvin \u212bngstrom",
    "a≠b c≮d e≯f g;h i`j".replace("≠", "\u2260"),
    "greek question mark\u037e and varia\u1fef",
    "ﬁne ligature ① circled ½ ｗｉｄｅ",
    "straße STRASSE",
    "1234567890 3.14159 1e-9",
    "qqqqzzzzxxxx jjjjkkkk",
    "don't can't won't it's",
    "state-of-the-art vector search engine for the browser",
    "a computer program that does harm",
    "Hawai'i ʻokina",
    "हिन्दी text العربية text 한국어 text",
    "\U000e0041tag \U0001f1fa\U0001f1f8 flag \ue000private",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
]  # fmt: skip


def write_fixture(table: Table, file) -> None:
    reference = Reference(table.vocabulary, table.rows(table.codes.shape[1]))
    cases = []
    for text in TEXTS:
        vector = reference.encode(text)
        values = [round(float(vector[column]), 6) for column in COLUMNS]
        cases.append({"text": text, "pieces": reference.pieces(text), "values": values})
    # Any vector will do for the projection; this one needs no file: 1/1, -1/2, 1/3, ...
    teacher = np.array([(-1.0) ** i / (i + 1) for i in range(len(table.mean))], np.float32)
    projected = (teacher / np.linalg.norm(teacher) - table.mean) @ table.axes.astype(np.float64)
    projected /= np.linalg.norm(projected)
    head = {"columns": COLUMNS, "projected": [round(float(projected[column]), 6) for column in COLUMNS]}
    file.write_text("".join(json.dumps(line) + "\n" for line in (head, *cases)))
