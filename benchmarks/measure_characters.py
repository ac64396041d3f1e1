"""Measure learning curves of character language models on the source text of Python's standard library.

The models are interpolated Kneser-Ney n-grams of orders 3 to 6 over a fixed alphabet of 98 symbols:
printable ASCII, newline, tab, and one symbol for every other character. Their discounts come from the
training text's own counts, so nothing is tuned. A fixed random set of files is held out, and one passage
of at most 4,096 characters from each is scored in bits per character. Each of three seeds shuffles the
remaining files and joins them; the training text of size n is its first n characters, hence contained in
the next larger one.

The text is that of the interpreter which runs this script, so the numbers depend on its version.
"""

import platform
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measuring import Row, parse_arguments, progress_bar, write_table
from rich.console import Console

COLUMNS = ("domain", "task", "architecture", "n", "error", "metric", "seed")
ORDERS = (3, 4, 5, 6)
SIZES = tuple(2**exponent for exponent in range(12, 25))
SHUFFLES = 3
HELD_OUT = 400_000
PASSAGE = 4096

SYMBOLS = "".join(map(chr, range(32, 127))) + "\n\t"
ALPHABET = len(SYMBOLS) + 1  # the last symbol stands for every other character

# Installed packages, tables written by programs, and what differs from one build of Python to the next.
SKIPPED_FOLDERS = frozenset({"site-packages", "dist-packages", "encodings", "pydoc_data", "__pycache__"})
SKIPPED_PREFIXES = ("_sysconfigdata", "config-", "sitecustomize")


def source_files(root: Path) -> list[Path]:
    """The standard library's Python files, tests included, in an order that no file system decides."""
    kept = [
        path
        for path in root.rglob("*.py")
        if SKIPPED_FOLDERS.isdisjoint(path.relative_to(root).parts)
        and not any(part.startswith(SKIPPED_PREFIXES) for part in path.relative_to(root).parts)
    ]
    return sorted(kept, key=lambda path: path.relative_to(root).as_posix())


def encode(text: str) -> np.ndarray:
    """Number each character by its place in the alphabet."""
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    table = np.full(128, ALPHABET - 1, dtype=np.uint8)
    table[[ord(symbol) for symbol in SYMBOLS]] = np.arange(len(SYMBOLS))
    return table[np.minimum(points, 127)]


def read_texts(root: Path) -> list[np.ndarray]:
    """The files as symbols, without empty files and repeated copies of one text."""
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in source_files(root))
    return [encode(text) for text in dict.fromkeys(texts) if text.strip()]


def hold_out(texts: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray], int]:
    """Hold files out at random until their passages suffice: the passages, the other files, their number.

    One passage a file, of bounded length, keeps any single file from ruling the score. Passages are joined;
    the few n-grams that straddle two of them are scored like the rest.
    """
    order = rng.permutation(len(texts))
    passages: list[np.ndarray] = []
    while sum(map(len, passages)) < HELD_OUT:
        text = texts[order[len(passages)]]
        start = int(rng.integers(max(len(text) - PASSAGE, 0) + 1))
        passages.append(text[start : start + PASSAGE])
    files = len(passages)
    return np.concatenate(passages), [texts[index] for index in np.sort(order[files:])], files


def gram_codes(symbols: np.ndarray, order: int) -> np.ndarray:
    """Each run of `order` symbols as one integer, the earliest symbol in the highest place."""
    codes = np.zeros(len(symbols) - order + 1, dtype=np.int64)
    for offset in range(order):
        codes *= ALPHABET
        codes += symbols[offset : offset + len(codes)]
    return codes


@dataclass(frozen=True)
class Counts:
    """Counts of the distinct n-grams of one order, sorted, and of the contexts that they begin with."""

    grams: np.ndarray
    counts: np.ndarray
    contexts: np.ndarray
    totals: np.ndarray
    followers: np.ndarray
    discount: float

    @classmethod
    def of(cls, codes: np.ndarray) -> "Counts":
        """Count the n-grams in `codes`; the discount is n1 / (n1 + 2 n2), kept away from 0 and 1."""
        grams, counts = np.unique(codes, return_counts=True)
        contexts, starts, followers = np.unique(grams // ALPHABET, return_index=True, return_counts=True)
        once, twice = int(np.sum(counts == 1)), int(np.sum(counts == 2))
        discount = float(np.clip(once / max(once + 2 * twice, 1), 0.1, 0.95))
        return cls(grams, counts, contexts, np.add.reduceat(counts, starts), followers, discount)

    def interpolate(self, queries: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """Probability of each queried n-gram's last symbol, given `lower`, that of the shorter context.

        A context that was never seen leaves `lower` as it is.
        """
        _, gram = _look_up(self.grams, queries)
        seen, context = _look_up(self.contexts, queries // ALPHABET)
        count = np.where(gram >= 0, self.counts[gram], 0)
        total = np.where(seen, self.totals[context], 1)
        kept = np.maximum(count - self.discount, 0.0) / total
        freed = self.discount * self.followers[context] / total
        return np.where(seen, kept + freed * lower, lower)


def _look_up(table: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether each query is in the sorted table, and its place there, or -1."""
    place = np.minimum(np.searchsorted(table, queries), len(table) - 1)
    found = table[place] == queries
    return found, np.where(found, place, -1)


def bits_per_character(train: np.ndarray, held: np.ndarray) -> dict[int, float]:
    """Cross entropy on `held` of the model of each order trained on `train`.

    Below a model's own order, Kneser-Ney counts the distinct symbols seen before an n-gram in place of its
    occurrences. These shorter models are the same whatever the order on top, and so are built once.
    """
    longest = max(ORDERS)
    targets, weights = np.unique(gram_codes(held, longest), return_counts=True)
    lower = np.full(len(targets), 1.0 / ALPHABET)
    bits = {}
    for order in range(1, longest + 1):
        queries = targets % ALPHABET**order
        if order in ORDERS:
            probabilities = Counts.of(gram_codes(train, order)).interpolate(queries, lower)
            bits[order] = float(-np.average(np.log2(probabilities), weights=weights))
        if order < longest:
            longer = np.unique(gram_codes(train, order + 1))
            lower = Counts.of(longer % ALPHABET**order).interpolate(queries, lower)
    return bits


def measure(texts: list[np.ndarray], held: np.ndarray, seed: int) -> Iterator[list[Row]]:
    """Yield, for each shuffle and training size, one row per order."""
    for shuffle in range(SHUFFLES):
        order = np.random.default_rng([seed, 1, shuffle]).permutation(len(texts))
        text = np.concatenate([texts[index] for index in order])
        for n in SIZES:
            yield [
                {
                    "domain": "character-language-modelling",
                    "task": "python-stdlib",
                    "architecture": f"{order}-gram",
                    "n": n,
                    "error": bits,
                    "metric": "bits per character",
                    "seed": shuffle,
                }
                for order, bits in bits_per_character(text[:n], held).items()
            ]


def main() -> None:
    """Measure everything, showing progress, and write the table sorted by architecture, size and seed."""
    arguments = parse_arguments(__doc__, "characters.csv")
    console = Console()
    texts = read_texts(Path(sysconfig.get_path("stdlib")))
    held, training, files = hold_out(texts, np.random.default_rng([arguments.seed, 0]))
    available = sum(map(len, training))
    console.print(
        f"CPython {platform.python_version()}: {len(training):,} files of {available:,} characters to train "
        f"on, {len(held):,} characters from {files} files held out"
    )
    if available < SIZES[-1]:
        raise SystemExit(
            f"The standard library here has too little text: {available:,} characters, {SIZES[-1]:,} needed. "
            "Some distributions leave its tests out; use an interpreter that includes them."
        )
    rows: list[Row] = []
    with progress_bar() as progress:
        bar = progress.add_task("", total=SHUFFLES * sum(SIZES))
        for batch in measure(training, held, arguments.seed):
            rows.extend(batch)
            n = int(batch[0]["n"])
            progress.update(bar, advance=n, description=f"seed {batch[0]['seed']}, n = {n:,}")
    rows.sort(key=lambda row: (str(row["architecture"]), row["n"], row["seed"]))
    write_table(arguments.output, COLUMNS, rows)
    console.print(f"{len(rows)} rows to {arguments.output}")


if __name__ == "__main__":
    main()
