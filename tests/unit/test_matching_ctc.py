import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from core.matching.ctc import LabelTrie, free_labels, free_scores
from core.matching.views import CLASS_VIEW, DATE_VIEW, NAME_VIEW, seen_as, symbols, text_of
from core.reading.protocol import FieldReading
from core.reading.tesseract import peaked_steps


def random_steps(steps: int, used: int, seed: int = 0) -> NDArray[np.float32]:
    result = np.zeros((steps, 38), np.float32)
    result[:, :used] = np.random.default_rng(seed).dirichlet(np.ones(used), steps)
    return result


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(s for s, _ in itertools.groupby(path) if s)


def by_enumeration(steps: NDArray[np.float32], label: tuple[int, ...], used: int) -> float:
    paths = itertools.product(range(used), repeat=len(steps))
    return sum(
        float(np.prod([steps[t, s] for t, s in enumerate(path)]))
        for path in paths
        if collapsed(path) == label
    )


@pytest.mark.parametrize("label", [(1,), (1, 2), (1, 1), (2, 1, 2), (3, 3, 1), ()])
def test_a_score_is_the_sum_over_all_alignments(label: tuple[int, ...]) -> None:
    steps = random_steps(6, 4)

    (score,) = LabelTrie([label]).scores([steps])[0]

    assert np.exp(score) == pytest.approx(by_enumeration(steps, label, 4), rel=1e-4)


def test_labels_sharing_a_beginning_are_scored_as_if_alone() -> None:
    labels = [(1, 2, 3), (1, 2), (1, 2, 2), (4,), (1, 2, 3)]
    steps = random_steps(9, 5)

    together = LabelTrie(labels).scores([steps])[0]
    alone = [LabelTrie([label]).scores([steps])[0, 0] for label in labels]

    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_readings_of_different_length_are_scored_as_if_alone() -> None:
    readings = [random_steps(n, 6, seed=n) for n in (12, 3, 40, 7)]
    trie = LabelTrie([(1, 2), (3,), (5, 4, 1)])

    together = trie.scores(readings)
    alone = np.array([trie.scores([reading])[0] for reading in readings])

    np.testing.assert_allclose(together, alone, rtol=1e-4)


def test_a_label_longer_than_the_reading_is_impossible() -> None:
    assert LabelTrie([(1, 2, 3)]).scores([random_steps(2, 5)])[0, 0] == -np.inf


def test_long_readings_do_not_underflow() -> None:
    steps = seen_as(FieldReading("", peaked_steps("MAXIMILIEN" * 12), "t"), NAME_VIEW)

    (right, wrong) = LabelTrie([symbols("MAXIMILIEN" * 12), symbols("MAXIMILIEN" * 11)]).scores([steps])[0]

    assert np.isfinite(right)
    assert right > wrong


def test_the_free_reading_collapses_repeats_and_drops_blanks() -> None:
    reading = peaked_steps("ANNA")

    assert [text_of(label) for label in free_labels([reading])] == ["ANNA"]
    scores, _ = free_scores([np.exp(reading), np.exp(peaked_steps("B"))])
    assert scores.shape == (2,)


def test_nothing_to_score_gives_nothing() -> None:
    assert LabelTrie([]).scores([random_steps(3, 3)]).shape == (1, 0)
    assert LabelTrie([(1,)]).scores([]).shape == (0, 1)
    assert free_scores([])[1] == []


def score_as(view: NDArray[np.float32], written: str, *labels: str) -> NDArray[np.float64]:
    steps = seen_as(FieldReading(written, peaked_steps(written), "t"), view)
    return np.asarray(LabelTrie([symbols(label) for label in labels]).scores([steps])[0])


def test_a_separator_in_a_name_costs_nothing() -> None:
    spaced, joined = (score_as(NAME_VIEW, text, "JEANROCH")[0] for text in ("JEAN-ROCH", "JEANROCH"))

    assert spaced == pytest.approx(joined, abs=1.5)


def test_a_figure_counts_for_the_letter_it_looks_like() -> None:
    right, other = score_as(NAME_VIEW, "L0LA", "LOLA", "LILA")

    assert right > other + 2


def test_a_slash_read_as_one_does_not_spoil_a_date() -> None:
    right, other = score_as(DATE_VIEW, "0710312009", "07/03/2009", "07/03/2008")

    assert right > other + 2


def test_letters_count_for_figures_in_a_date() -> None:
    right, other = score_as(DATE_VIEW, "O7/O3/2OO9", "07/03/2009", "17/03/2009")

    assert right > other + 2


def test_a_class_keeps_letters_and_figures_apart() -> None:
    right, other = score_as(CLASS_VIEW, "TG4", "TG 4", "TG 5")

    assert right > other + 2
