"""Frames as a browser sends them: shares of a page, or a refusal with a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import BadInput
from workbench.routes.header_models import _drawing, _files

GOOD = {
    "image": 3,
    "half": "left",
    "turn": 90,
    "zone": [0, 0.1, 1, 0.2],
    "fields": {"surname": [0.1, 0.1, 0.5, 0.2]},
}


def test_a_drawing_reaches_the_service_as_shares_of_the_page() -> None:
    assert _drawing(GOOD) == {
        "scan_image_id": 3,
        "half": "left",
        "turn": 90,
        "zone": (0.0, 0.1, 1.0, 0.2),
        "fields": {"surname": (0.1, 0.1, 0.5, 0.2)},
    }


@pytest.mark.parametrize(
    "change",
    [
        {"image": None},
        {"image": "3"},
        {"image": 2**40},
        {"half": ["left"]},
        {"turn": 90.5},
        {"turn": True},
        {"zone": None},
        {"zone": [0, 0, 1]},
        {"zone": [0, 0, 1, "1"]},
        {"zone": [0, 0, 1, 1.01]},
        {"zone": [-0.1, 0, 1, 1]},
        {"zone": [0, 0, 1, float("nan")]},
        {"zone": [0, 0, 1, float("inf")]},
        {"zone": [0, 0, 1, 10**400]},
        {"zone": [False, 0, 1, 1]},
        {"fields": None},
        {"fields": [[0, 0, 1, 1]]},
        {"fields": {"surname": 1}},
        {"fields": {str(n): [0, 0, 1, 1] for n in range(21)}},
    ],
)
def test_what_is_no_drawing_is_refused(change: dict[str, Any]) -> None:
    body = json.loads(json.dumps({**GOOD, **change}))

    with pytest.raises(BadInput) as refused:
        _drawing(body)

    assert refused.value.code == "parameter_unreadable"


@pytest.mark.parametrize("files", [None, 1, ["1"], [1.0], [True], [-1], [2**40], [1] * 5001])
def test_files_to_be_read_again_are_numbers_of_rows(files: object) -> None:
    with pytest.raises(BadInput):
        _files({"files": files})

    assert _files({"files": [1, 2]}) == [1, 2]
