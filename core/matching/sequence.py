"""Sheets of one pupil follow each other: who wrote each sheet, given its neighbours.

A hidden Markov chain over the sheets in scan order. State: the candidate with
how many sheets in a row (at most three), or somebody outside the roster.
"""

from __future__ import annotations

import numpy as np

from core.matching import calibration as known
from core.matching.ctc import FloatArray

STRANGER = -1


def posterior(evidence: FloatArray, log_prior: FloatArray) -> FloatArray:
    """Probability of each writer of each sheet (forward–backward).

    Args:
        evidence: (sheets, candidates) log-likelihood ratio against a stranger.
        log_prior: (sheets, candidates) further log weight, 0 for none, -inf to rule out.

    Returns:
        (sheets, candidates + 1) probabilities, the last column the stranger; rows sum to 1.
    """
    sheets, candidates = evidence.shape
    likelihood = _likelihood(evidence + log_prior)
    stay, fresh = known.SAME_PUPIL_PRIOR, 1 - known.SAME_PUPIL_PRIOR
    start = _start(candidates)
    forward = np.zeros((sheets, known.MAX_SHEETS, candidates + 1))
    state = np.zeros((known.MAX_SHEETS, candidates + 1))
    for t in range(sheets):
        leaving = 1.0 if t == 0 else fresh * state.sum() + stay * state[-1, :-1].sum()
        moved = np.zeros_like(state)
        moved[0] = leaving * start
        moved[1:, :-1] += stay * state[:-1, :-1]
        moved[0, -1] += stay * state[0, -1]
        state = moved * likelihood[t]
        state /= state.sum()
        forward[t] = state
    backward = np.ones_like(state)
    result = np.zeros((sheets, candidates + 1))
    for t in range(sheets - 1, -1, -1):
        result[t] = (forward[t] * backward).sum(axis=0)
        ahead = backward * likelihood[t]
        renewed = float((start * ahead[0]).sum())
        backward = np.full_like(state, fresh * renewed)
        backward[:-1, :-1] += stay * ahead[1:, :-1]
        backward[-1, :-1] += stay * renewed
        backward[0, -1] += stay * ahead[0, -1]
        backward /= backward.max()
    return np.asarray(result / result.sum(axis=1, keepdims=True))


def runs(writers: np.ndarray[tuple[int], np.dtype[np.intp]]) -> list[range]:
    """Cut the sheets into groups of one writer that follow each other; strangers stay alone."""
    groups: list[range] = []
    for sheet, writer in enumerate(writers):
        last = groups[-1] if groups else None
        joins = last is not None and writer != STRANGER and writer == writers[last.start]
        if last is not None and joins and len(last) < known.MAX_SHEETS:
            groups[-1] = range(last.start, sheet + 1)
        else:
            groups.append(range(sheet, sheet + 1))
    return groups


def _likelihood(evidence: FloatArray) -> FloatArray:
    """(sheets, candidates + 1), each row scaled to a largest value of 1."""
    against = np.concatenate([evidence, np.zeros((len(evidence), 1))], axis=1)
    return np.asarray(np.exp(against - against.max(axis=1, keepdims=True)))


def _start(candidates: int) -> FloatArray:
    """Prior of who writes the first sheet of a copy."""
    share = (1 - known.STRANGER_PRIOR) / max(1, candidates)
    return np.append(np.full(candidates, share), known.STRANGER_PRIOR)
