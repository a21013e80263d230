"""The workflow page says what the table in the code says."""

from __future__ import annotations

from pathlib import Path

from core.domain.access import POLICY, Action, Role
from core.domain.copies import MARKABLE, TRANSITIONS, CopyEvent, CopyStatus

PAGE = (Path(__file__).parents[2] / "docs/workflow.md").read_text(encoding="utf-8")


def table(first_header: str) -> list[list[str]]:
    """The cells of the table that begins with a header, the header row first and without the rule."""
    lines = PAGE.split(f"| {first_header} |", 1)[1].split("\n\n", 1)[0].splitlines()
    rows = [f"| {first_header} |{lines[0]}", *lines[2:]]
    return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]


def test_each_cell_of_the_table_is_the_transition_of_the_code() -> None:
    header, *rows = table("status")

    written = {
        (CopyStatus(row[0]), CopyEvent(event)): CopyStatus(after)
        for row in rows
        for event, after in zip(header[1:], row[1:], strict=True)
        if after
    }
    assert written == TRANSITIONS


def test_every_status_has_a_row_and_every_event_a_column() -> None:
    header, *rows = table("status")

    assert [row[0] for row in rows] == [status.value for status in CopyStatus]
    assert header[1:] == [event.value for event in CopyEvent]


def test_every_event_is_explained_once() -> None:
    _, *rows = table("event")

    assert [row[0] for row in rows] == [event.value for event in CopyEvent]


def test_who_makes_an_event_holds_the_right_to_it() -> None:
    _, *rows = table("event")
    rights = {
        "identify": Action.IDENTIFY,
        "unidentify": Action.IDENTIFY,
        "release": Action.RELEASE,
        "claim": Action.MARK,
        "surrender": Action.MARK,
        "finalise": Action.FINALISE,
        "publish": Action.PUBLISH,
        "withdraw": Action.PUBLISH,
    }

    for event, who, _ in rows:
        if event in rights:
            # The administrator stands in for everybody and is not named.
            holders = set(POLICY[rights[event]]) - {Role.ADMIN}
            assert {Role(role.strip()) for role in who.split(",")} == holders, event


def test_the_last_sentence_names_the_statuses_in_which_marks_are_written() -> None:
    last = PAGE.strip().splitlines()[-1]

    assert {status for status in CopyStatus if f"*{status.value}*" in last} == MARKABLE
