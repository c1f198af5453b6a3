"""A printed confusion matrix against what is printed beside it: n, the sizes of the classes, and the accuracy.

Rows are truth, columns are prediction: the rows add up to the classes, the diagonal to the images that were right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search.audit.grim import Figure, counts
from search.core.shown import counted, listed

MAX_CLASSES_NAMED = 3
"""Classes that one sentence names."""


def sums(matrix: Sequence[Sequence[int]], sizes: Sequence[int] | None, n: int | None, runs: int = 1) -> Iterator[str]:
    """Say what does not add up between a matrix, the sizes of its classes and the number of images.

    Args:
        matrix: images of each true class (row) and predicted class (column).
        sizes: images of each class, where they are printed.
        n: images, where they are printed.
        runs: a matrix of several runs may hold each image once, or once per run.

    Yields:
        one sentence per contradiction.
    """
    total, rows = sum(map(sum, matrix)), [sum(row) for row in matrix]
    if negative := min((cell for row in matrix for cell in row), default=0) < 0:
        yield "the confusion matrix holds a number below 0; it counts images"
    if n is not None and total not in (n, runs * n) and not negative:
        yield f"the confusion matrix adds up to {counted(total, 'image')}, n is {n:,}"
    if sizes is not None and len(sizes) != len(rows):
        yield f"the confusion matrix has {len(rows)} classes, class_sizes has {len(sizes)}"
    elif sizes is not None:
        share = runs if total == runs * sum(sizes) else 1
        wrong = [place for place, row in enumerate(rows) if row != share * sizes[place]]
        parts = [f"{rows[place]} for {share * sizes[place]} in row {place + 1}" for place in wrong[:MAX_CLASSES_NAMED]]
        more = f" and {len(wrong) - MAX_CLASSES_NAMED} more" if len(wrong) > MAX_CLASSES_NAMED else ""
        if wrong:
            text = ", ".join(parts) if more else listed(parts)
            columns = [sum(row[place] for row in matrix) for place in range(len(rows))]
            turned = "; its columns do, but rows are truth" if columns == [share * size for size in sizes] else ""
            yield f"rows of the confusion matrix do not add up to class_sizes: {text}{more}{turned}"


def trace(
    matrix: Sequence[Sequence[int]],
    figures: Sequence[Figure],
    n: int | None,
    runs: int = 1,
    truncated: bool = False,
) -> str:
    """Say that the diagonal of a matrix is not the accuracy it is printed with, or return ``""``.

    Args:
        matrix: square, rows are truth.
        figures: readings of the accuracy, not empty.
        n: images, where they are printed; where the matrix adds up to another number, either may stand below the line.
        runs: runs that figure and matrix are of.
        truncated: the figures of the table were cut, not rounded.
    """
    right, total = sum(row[place] for place, row in enumerate(matrix)), sum(map(sum, matrix))
    bases = {total} | ({n, n * runs} if n is not None else set())
    for base in bases - {0}:
        if any(right in counts(figure, base, 1, truncated) for figure in figures):
            return ""
        # The mean of rounded runs may be half a unit off the matrix of all of them.
        if runs > 1 and base % runs == 0 and any(right in counts(one, base // runs, runs) for one in figures):
            return ""
    figure, out_of = figures[0], total or n or 1
    printed = f"it is printed with {figure.text}"
    meant = list(counts(figure, out_of, 1, truncated))
    if len(meant) == 1:
        printed += f", which is {meant[0]:,}"
    share = f", {figure.shown(right, out_of)}" if total else ""
    return f"the confusion matrix has {right:,} of {counted(total, 'image')} on its diagonal{share}; {printed}"
