"""What a reader of handwriting gives: probabilities per step, not only a string.

The symbols are those of the CTC (connectionist temporal classification) alphabet
that matching scores names in: accents and case are already folded away.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

BLANK = 0
FIRST_LETTER = 1
SEPARATOR = 27
FIRST_DIGIT = 28

# Column 0 is the CTC blank, written as an empty symbol.
ALPHABET: tuple[str, ...] = ("", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ", " ", *"0123456789")
SYMBOLS = len(ALPHABET)

_MAGIC = b"KFR1"
# Stored step: 1/1000 nat, down to -65 nat; finer is below what an engine means.
_STEP_NAT = 0.001


@dataclass(frozen=True, eq=False)
class FieldReading:
    """What one field was read as.

    ``text``: the engine's own best string, for people to look at.
    ``log_steps``: (steps, 38) float32, natural logarithms of the probabilities
    of :data:`ALPHABET` at each step; zero steps when nothing is written.
    ``engine``: fingerprint of the reader.
    """

    text: str
    log_steps: NDArray[np.float32]
    engine: str

    @property
    def is_empty(self) -> bool:
        """Nothing was written, so that the field is no evidence for or against anybody."""
        return len(self.log_steps) == 0

    def to_bytes(self) -> bytes:
        """Serialise: the same reading always gives the same bytes."""
        head = json.dumps({"engine": self.engine, "text": self.text}, sort_keys=True).encode()
        steps = np.rint(np.clip(-self.log_steps / _STEP_NAT, 0, 65535)).astype("<u2")
        body = zlib.compress(steps.tobytes(), 6)
        return _MAGIC + struct.pack("<II", len(head), steps.shape[0]) + head + body

    @classmethod
    def from_bytes(cls, data: bytes) -> FieldReading:
        """Read back what :meth:`to_bytes` wrote, to the nearest thousandth of a nat.

        Raises:
            ValueError: The bytes are not a serialised reading.
        """
        if data[:4] != _MAGIC:
            raise ValueError("not a serialised field reading")
        head_size, steps = struct.unpack("<II", data[4:12])
        head = json.loads(data[12 : 12 + head_size])
        packed = np.frombuffer(zlib.decompress(data[12 + head_size :]), dtype="<u2")
        log_steps = packed.reshape(steps, SYMBOLS).astype(np.float32) * np.float32(-_STEP_NAT)
        return cls(text=head["text"], log_steps=log_steps, engine=head["engine"])


class NameReader(Protocol):
    """An engine that reads one handwritten field per image."""

    @property
    def name(self) -> str:
        """Short name: ``ppocr``, ``tesseract``, ``null``."""

    @property
    def fingerprint(self) -> str:
        """Engine and model with digest; readings of different fingerprints are not mixed."""

    def read(self, crops: Sequence[NDArray[np.uint8]]) -> list[FieldReading]:
        """Read the fields.

        Args:
            crops: each (height, width) uint8, 0 is black: one handwritten field.

        Returns:
            one reading per crop, in the same order.
        """


def empty_reading(engine: str) -> FieldReading:
    """The reading of a field in which nothing is written."""
    return FieldReading(text="", log_steps=np.zeros((0, SYMBOLS), np.float32), engine=engine)
