"""The reader that reads nothing: identification by keyboard only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.reading.protocol import FieldReading, empty_reading


class NullReader:
    """Gives an empty reading for every crop, so that every copy goes to a person."""

    name = "null"
    fingerprint = "null"

    def read(self, crops: Sequence[NDArray[np.uint8]]) -> list[FieldReading]:
        """Return one empty reading per crop."""
        return [empty_reading(self.fingerprint) for _ in crops]
