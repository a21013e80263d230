"""CTC forward scores of many labels at once.

The probability of a label under a recogniser's steps is the sum over all
alignments (Graves et al. 2006, "Connectionist temporal classification", §4.1).
Labels that share a beginning share the work: they are the nodes of one trie,
and one pass over the steps scores a whole roster, for several readings together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.reading.protocol import BLANK, SYMBOLS

FloatArray = NDArray[np.float64]

# Readings scored in one pass: wide enough for numpy, small enough for the cache.
BATCH = 16
# Smoothed emissions are above 1e-4, so that four steps without rescaling cannot underflow.
RESCALE_STEPS = 4


class LabelTrie:
    """The labels of a roster as one tree of prefixes, in the order of depth."""

    def __init__(self, labels: Sequence[Sequence[int]]) -> None:
        """Build the tree; a label is a sequence of columns of the alphabet, without blanks."""
        children: dict[tuple[int, int], int] = {}
        parents, symbols, depths = [0], [BLANK], [0]
        ends = []
        for label in labels:
            node = 0
            for symbol in label:
                key = (node, symbol)
                if key not in children:
                    children[key] = len(parents)
                    parents.append(node)
                    symbols.append(symbol)
                    depths.append(depths[node] + 1)
                node = children[key]
            ends.append(node)
        self.size = len(labels)
        self._parent = np.array(parents, dtype=np.intp)
        self._symbol = np.array(symbols, dtype=np.intp)
        self._end = np.array(ends, dtype=np.intp)
        # A letter repeated needs a blank between: no way straight from its twin.
        straight = self._symbol != self._symbol[self._parent]
        straight[0] = False
        self._straight = straight.astype(np.float32)[:, None]

    def scores(self, readings: Sequence[NDArray[np.float32]]) -> FloatArray:
        """Log-probability of every label under every reading.

        Args:
            readings: per reading, (steps, 38) probabilities (not logarithms).

        Returns:
            (readings, labels) natural logarithms; -inf where a label cannot be aligned.
        """
        result = np.full((len(readings), self.size), -np.inf)
        order = sorted(range(len(readings)), key=lambda i: len(readings[i]))
        for start in range(0, len(order), BATCH):
            chunk = order[start : start + BATCH]
            result[chunk] = self._forward([readings[i] for i in chunk])
        return result

    def _forward(self, readings: Sequence[NDArray[np.float32]]) -> FloatArray:
        steps = _padded(readings)
        nodes, count = len(self._parent), len(readings)
        ends_in_blank = np.zeros((nodes, count), np.float32)
        ends_in_letter = np.zeros((nodes, count), np.float32)
        ends_in_blank[0] = 1.0
        log_scale = np.zeros(count)
        for number, step in enumerate(steps, start=1):
            letter = ends_in_blank[self._parent]
            letter += ends_in_letter[self._parent] * self._straight
            letter += ends_in_letter
            letter *= step[self._symbol]
            letter[0] = 0.0
            ends_in_blank += ends_in_letter
            ends_in_blank *= step[BLANK]
            ends_in_letter = letter
            if number % RESCALE_STEPS and number < len(steps):
                continue
            # Single precision is enough for all labels within e^-60 of the best, and
            # further ones are all equally hopeless.
            top = np.maximum(ends_in_blank.max(axis=0), letter.max(axis=0))
            np.maximum(top, np.finfo(np.float32).tiny, out=top)
            ends_in_blank /= top
            ends_in_letter /= top
            log_scale += np.log(top.astype(np.float64))
        total = (ends_in_blank[self._end] + ends_in_letter[self._end]).astype(np.float64)
        with np.errstate(divide="ignore"):
            return np.asarray((np.log(total) + log_scale).T)


def free_labels(readings: Sequence[NDArray[np.float32]]) -> list[tuple[int, ...]]:
    """The unconstrained reading of each: best symbol per step, repeats and blanks taken out."""
    found = []
    for reading in readings:
        best = reading.argmax(axis=1)
        changed = np.concatenate(([True], best[1:] != best[:-1])) if len(best) else np.zeros(0, bool)
        found.append(tuple(int(s) for s in best[changed & (best != BLANK)]))
    return found


def free_scores(readings: Sequence[NDArray[np.float32]]) -> tuple[FloatArray, list[tuple[int, ...]]]:
    """Log-probability of the unconstrained reading of each, and that reading."""
    labels = free_labels(readings)
    scores = np.empty(len(readings))
    for start in range(0, len(readings), BATCH):
        chunk = slice(start, start + BATCH)
        scores[chunk] = np.diagonal(LabelTrie(labels[chunk]).scores(readings[chunk]))
    return scores, labels


def _padded(readings: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Stack to (steps, 38, readings); shorter ones go on in sure blanks, which change no score."""
    longest = max((len(reading) for reading in readings), default=0)
    steps = np.zeros((longest, SYMBOLS, len(readings)), np.float32)
    steps[:, BLANK] = 1.0
    for column, reading in enumerate(readings):
        steps[: len(reading), :, column] = reading
    return steps
