"""Tesseract: printed names and figures, and the rival in the bench.

The binary gives a string; it becomes peaked probabilities so that the same
scoring serves every engine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.domain.names import fold
from core.errors import WorkbenchError
from core.reading.line import Gray, text_lines
from core.reading.protocol import (
    ALPHABET,
    BLANK,
    FIRST_DIGIT,
    SEPARATOR,
    SYMBOLS,
    FieldReading,
    empty_reading,
)

LANGUAGE = "fra"
TIMEOUT_S = 20
LINE_HEIGHT_PX = 60
# Share of a step's probability on the character read; about the share of characters that
# Tesseract reads rightly on handwritten capitals.
PEAK = 0.8


class TesseractReader:
    """Runs the ``tesseract`` binary on each line."""

    name = "tesseract"

    def __init__(self) -> None:
        """Find the binary.

        Raises:
            WorkbenchError: ``reader_tesseract_missing`` when the binary or its French data are absent.
        """
        self._binary = shutil.which("tesseract") or ""
        if not self._binary or LANGUAGE not in self._output("--list-langs").split():
            raise WorkbenchError("reader_tesseract_missing", language=LANGUAGE)
        self.fingerprint = f"tesseract:{self._output('--version').split()[1]}:{LANGUAGE}"

    def read(self, crops: Sequence[NDArray[np.uint8]]) -> list[FieldReading]:
        """Read one field per crop; see :class:`core.reading.protocol.NameReader`."""
        return [self._read(crop) for crop in crops]

    def _read(self, crop: Gray) -> FieldReading:
        lines = text_lines(crop)
        if not lines:
            return empty_reading(self.fingerprint)
        scale = LINE_HEIGHT_PX / lines[0].shape[0]
        line = cv2.resize(lines[0], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        line = cv2.copyMakeBorder(line, 15, 15, 15, 15, cv2.BORDER_CONSTANT, value=(255,))
        _, encoded = cv2.imencode(".png", line)
        text = self._output("stdin", "stdout", "-l", LANGUAGE, "--psm", "7", stdin=encoded.tobytes()).strip()
        steps = peaked_steps(text)
        return FieldReading(text, steps, self.fingerprint) if len(steps) else empty_reading(self.fingerprint)

    def _output(self, *arguments: str, stdin: bytes = b"") -> str:
        environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        done = subprocess.run(
            [self._binary, *arguments],
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
            env=environment,
        )
        return done.stdout.decode("utf-8", "replace")


def peaked_steps(text: str, peak: float = PEAK) -> NDArray[np.float32]:
    """Turn a string into log-probabilities of :data:`ALPHABET`.

    Each character is one step, with a blank step between two, as an ideal CTC
    recogniser that is right with probability ``peak`` would give.

    Returns:
        (steps, 38) float32; zero steps when ``text`` has no letter or figure.
    """
    symbols = _symbols(text)
    if not any(s not in (BLANK, SEPARATOR) for s in symbols):
        return np.zeros((0, SYMBOLS), np.float32)
    sequence = [BLANK]
    for symbol in symbols:
        sequence += [symbol, BLANK]
    steps = np.full((len(sequence), SYMBOLS), (1 - peak) / (SYMBOLS - 1))
    steps[np.arange(len(sequence)), sequence] = peak
    return np.asarray(np.log(steps), dtype=np.float32)


def _symbols(text: str) -> list[int]:
    found: list[int] = []
    for character in text:
        digit = unicodedata.digit(character, None)
        if digit is not None:
            found.append(FIRST_DIGIT + digit)
            continue
        letters = fold(character)
        found += [ALPHABET.index(letter) for letter in letters] if letters else [SEPARATOR]
    return found
