"""What a user can cause or mend.

Core raises codes with details; the shell owns the French sentence for each
code (``workbench/messages.py``). Anything else that is raised is a bug.
"""

from __future__ import annotations


class WorkbenchError(Exception):
    """Something a person can cause or repair.

    ``code`` names the sentence; ``details`` fill it in. They must never hold
    more than the person asking may see.
    """

    def __init__(self, code: str, /, **details: object) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details

    def __str__(self) -> str:
        return f"{self.code} {self.details}" if self.details else self.code


class NotAllowed(WorkbenchError):
    """The actor has no right to this action on this object."""

    def __init__(self, **details: object) -> None:
        super().__init__("not_allowed", **details)


class NotFound(WorkbenchError):
    """The object does not exist, or its existence is not the actor's business."""

    def __init__(self, kind: str, /, **details: object) -> None:
        super().__init__("not_found", kind=kind, **details)


class Conflict(WorkbenchError):
    """The object changed meanwhile, or a constraint of the schema refuses the act."""

    def __init__(self, code: str = "conflict", /, **details: object) -> None:
        super().__init__(code, **details)


class ImpossibleTransition(WorkbenchError):
    """The workflow table has no such step from the present status."""

    def __init__(self, status: str, event: str) -> None:
        super().__init__("impossible_transition", status=status, event=event)


class BadInput(WorkbenchError):
    """A file, table or value that cannot be used as given; ``code`` says why."""
