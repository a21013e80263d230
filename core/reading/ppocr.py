"""PP-OCRv6 small recognition, run directly with onnxruntime.

The model file lies in the ``rapidocr`` wheel (Apache-2.0); the rest of that
package, which downloads other models, is never imported.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Since 1.29 onnxruntime reports to its vendor by default; it reads this when imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core.domain.names import fold
from core.errors import WorkbenchError
from core.reading.line import Gray, text_lines
from core.reading.protocol import (
    ALPHABET,
    BLANK,
    FIRST_DIGIT,
    FIRST_LETTER,
    SEPARATOR,
    SYMBOLS,
    FieldReading,
    empty_reading,
)

MODEL_PACKAGE = "rapidocr"
MODEL_FILE = "rapidocr/models/PP-OCRv6_rec_small.onnx"
MODEL_SHA256 = "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"

LINE_HEIGHT_PX = 48
WIDTH_STEP_PX = 32
MIN_WIDTH_PX = 96
MAX_WIDTH_PX = 1280
BATCH = 8
THREADS = 2
# Probabilities below this are noise of the softmax, and keep the logarithm finite.
FLOOR = 1e-9

# Signs that the model takes handwritten letters for.
_LOOK_ALIKE = {
    "|": "I", "!": "I", "丨": "I", "エ": "I", "ユ": "I", "コ": "I", "士": "I", "工": "I", "口": "O", "〇": "O", "○": "O", "Ο": "O", "О": "O", "ο": "O",
    "Α": "A", "А": "A", "Λ": "A", "∩": "N", "∏": "M", "∪": "U", "∠": "L", "∈": "E", "ω": "W", "Β": "B", "В": "B", "С": "C", "Ε": "E", "Е": "E", "Σ": "E", "€": "E",
    "Η": "H", "Н": "H", "Ι": "I", "І": "I", "Κ": "K", "К": "K", "Μ": "M", "М": "M", "Ν": "N", "И": "N",
    "Ρ": "P", "Р": "P", "Я": "R", "Τ": "T", "Т": "T", "丁": "T", "Υ": "Y", "У": "Y", "Χ": "X", "Х": "X",
    "×": "X", "Ζ": "Z", "乙": "Z", "Δ": "A", "∧": "A", "∨": "V", "$": "S", "£": "L", "人": "A",
}  # fmt: skip
_SEPARATORS = frozenset(" -‐‑–—_'’‘`´.,;:/\\·•一―~　")

# What is printed in front of the writing on the forms seen, also when its first letters are cut off:
# removed when it leads the line.
_PRINTED_LABEL = re.compile(
    r"^\W{0,2}\w{0,2}?(?:"
    r"P?R[EÉ]NOMS?|(?:NOMS?(?: ?DE ?FAMILLE)?|N[EÉ]\(?E?\)? ?LE|CLASSE|DATE)\b|(?:DATE ?)?DE ?NAISSANCE"
    r")(?:\s*\([^)]{0,20}\))?[\s:.;']*"
    r"|^(?:[^\W\d][^:\d]{0,6}|\d?[OM]{1,2})?:\s*(?=\S)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _LineReading:
    reading: FieldReading
    labelled: bool


class PpOcrReader:
    """Reads lines with PP-OCRv6 small; one instance per process, made on first use."""

    name = "ppocr"

    def __init__(self, model: Path | None = None) -> None:
        """Locate and verify the model.

        Raises:
            WorkbenchError: ``reader_model_missing`` when the file is absent or is not the pinned one.
        """
        self._model = model or _installed_model()
        _verify(self._model)
        self.fingerprint = f"ppocr-v6-small:{MODEL_SHA256[:16]}"

    def read(self, crops: Sequence[NDArray[np.uint8]]) -> list[FieldReading]:
        """Read one field per crop; see :class:`core.reading.protocol.NameReader`."""
        owners: list[int] = []
        lines: list[Gray] = []
        for index, crop in enumerate(crops):
            for line in text_lines(crop):
                owners.append(index)
                lines.append(_resized(line))
        by_crop: dict[int, list[_LineReading]] = defaultdict(list)
        for owner, reading in zip(owners, self._recognise(lines), strict=True):
            by_crop[owner].append(reading)
        return [_main(by_crop[index], self.fingerprint) for index in range(len(crops))]

    def _recognise(self, lines: Sequence[Gray]) -> list[_LineReading]:
        by_width: dict[int, list[int]] = defaultdict(list)
        for index, line in enumerate(lines):
            by_width[line.shape[1]].append(index)
        readings: dict[int, _LineReading] = {}
        for indices in by_width.values():
            for start in range(0, len(indices), BATCH):
                chunk = indices[start : start + BATCH]
                images = np.stack([lines[i] for i in chunk]).astype(np.float32) / 127.5 - 1.0
                batch = np.repeat(images[:, None], 3, axis=1)
                output = self._session.run(None, {self._input: batch})[0]
                for i, probabilities in zip(chunk, output, strict=True):
                    readings[i] = self._reading(probabilities)
        return [readings[i] for i in range(len(lines))]

    def _reading(self, probabilities: NDArray[np.float32]) -> _LineReading:
        best = probabilities.argmax(axis=1)
        starts = [t for t, c in enumerate(best) if c and (t == 0 or c != best[t - 1])]
        text = "".join(self._characters[best[t]] for t in starts)
        end = _label_end(text)
        if end:
            cut = starts[end] if end < len(starts) else len(best)
            probabilities, text = probabilities[cut:], text[end:]
        if not any(c.isalnum() for c in text):
            return _LineReading(empty_reading(self.fingerprint), labelled=end > 0)
        steps = _log(self._folded(probabilities))
        return _LineReading(FieldReading(text.strip(), steps, self.fingerprint), labelled=end > 0)

    def _folded(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        columns, sums = self._folding
        folded = probabilities[:, columns] @ sums
        folded[:, BLANK] = np.maximum(0.0, 1.0 - folded[:, 1:].sum(axis=1))
        return folded

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(self._model), options, providers=["CPUExecutionProvider"])

    @cached_property
    def _input(self) -> str:
        return str(self._session.get_inputs()[0].name)

    @cached_property
    def _characters(self) -> list[str]:
        """Class by number: 0 is blank, the last is the space that the metadata leave out."""
        listed = self._session.get_modelmeta().custom_metadata_map["character"].split("\n")
        classes = self._session.get_outputs()[0].shape[2]
        size = classes if isinstance(classes, int) else len(listed) + 2
        return ["", *listed, " "][:size]

    @cached_property
    def _folding(self) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Classes that fold to a symbol, and the (classes, 38) matrix that sums them."""
        pairs = [(i, s) for i, c in enumerate(self._characters) if (s := _symbol(c)) is not None]
        sums = np.zeros((len(pairs), SYMBOLS), np.float32)
        sums[np.arange(len(pairs)), [s for _, s in pairs]] = 1.0
        return np.array([i for i, _ in pairs], dtype=np.intp), sums


def _label_end(text: str) -> int:
    """Number of leading characters that are a printed label."""
    end = 0
    while match := _PRINTED_LABEL.match(text[end:]):
        if not match.end():
            break
        end += match.end()
    return end


def _symbol(character: str) -> int | None:
    """Column of :data:`ALPHABET` a class folds to, or ``None`` when it is neither letter nor figure."""
    if not character:
        return None
    if character in _SEPARATORS:
        return SEPARATOR
    plain = unicodedata.normalize("NFKC", _LOOK_ALIKE.get(character, character))
    if len(plain) == 1 and plain.isascii() and plain.isdigit():
        return FIRST_DIGIT + int(plain)
    letters = fold(plain)
    return FIRST_LETTER + ALPHABET[1:27].index(letters[0]) if len(letters) in (1, 2) else None


def _main(lines: Sequence[_LineReading], engine: str) -> FieldReading:
    """Of the lines of one crop, keep the one after a printed label, else the one with most sure letters."""
    written = [line for line in lines if not line.reading.is_empty]
    if not written:
        return empty_reading(engine)
    return max(written, key=lambda line: (line.labelled, _sure_letters(line.reading))).reading


def _sure_letters(reading: FieldReading) -> float:
    best = reading.log_steps.argmax(axis=1)
    sure = np.exp(reading.log_steps.max(axis=1))
    return float(sure[(best != BLANK) & (best != SEPARATOR)].sum())


def _resized(line: Gray) -> Gray:
    """Scale a line to the model's height and pad it with paper to a width that batches share."""
    height, width = line.shape
    scaled = min(MAX_WIDTH_PX, max(8, round(width * LINE_HEIGHT_PX / height)))
    interpolation = cv2.INTER_AREA if height > LINE_HEIGHT_PX else cv2.INTER_CUBIC
    resized = cv2.resize(line, (scaled, LINE_HEIGHT_PX), interpolation=interpolation)
    padded_width = max(MIN_WIDTH_PX, -(-(scaled + 8) // WIDTH_STEP_PX) * WIDTH_STEP_PX)
    padded = np.full((LINE_HEIGHT_PX, padded_width), 255, np.uint8)
    padded[:, 4 : 4 + scaled] = resized
    return padded


def _log(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.log(np.maximum(probabilities, FLOOR)).astype(np.float32)


def _installed_model() -> Path:
    try:
        distribution = importlib.metadata.distribution(MODEL_PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise WorkbenchError("reader_model_missing", package=MODEL_PACKAGE, file=MODEL_FILE) from error
    return Path(str(distribution.locate_file(MODEL_FILE)))


def _verify(model: Path) -> None:
    digest = hashlib.sha256(model.read_bytes()).hexdigest() if model.is_file() else ""
    if digest != MODEL_SHA256:
        raise WorkbenchError("reader_model_missing", package=MODEL_PACKAGE, file=model.name)
