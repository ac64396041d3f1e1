"""Tables of curves that tests of reading and of curves share."""

from __future__ import annotations

import pandas as pd

HEADER = "domain,architecture,n,error"
GOOD = ["vision,cnn,100,0.5", "vision,cnn,1000,0.3", "vision,cnn,10000,0.2"]


def write(tmp_path, text, name="curves.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def table(*rows, header=HEADER, good=GOOD):
    """CSV text: the good rows (lines 2 to 4, padded with blanks to the header's width), then ``rows``."""
    padding = "," * (header.count(",") - HEADER.count(","))
    return "\n".join([header, *(row + padding for row in good), *rows]) + "\n"


def frame(**changes):
    columns = {"domain": "vision", "architecture": "cnn", "n": [100, 1000, 10000], "error": [0.5, 0.3, 0.2]}
    return pd.DataFrame(columns | changes)


def codes(notes):
    return [note.code for note in notes]
