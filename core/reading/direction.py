"""Which way up is a page that no header tells: lines upright or upside down.

Two judges: the classifier of line directions that lies in the ``rapidocr`` wheel (1 ms a piece, right about print
and plain handwriting, at a loss before cursive), and, when it hesitates, the recogniser of names: of a line
upside down it reads fewer letters, and less surely.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

# Since 1.29 onnxruntime reports to its vendor by default; it reads this when imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core.errors import WorkbenchError
from core.imaging.darkness import DarkMap, Gray, dark_map
from core.imaging.direction import PIECE_PX, Direction, Writing, writing_of
from core.reading.ppocr import MODEL_PACKAGE, THREADS, WIDTH_STEP_PX, PpOcrReader

CLASSIFIER_FILE = "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx"
CLASSIFIER_SHA256 = "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c"

CLASSIFIER_WIDTH_PX = 192
READ_PIECES = 8
"""Pieces that the recogniser reads, both ways up."""

SURE_MEAN = 5.0
SURE_SPREAD = 2.5
SURE_PIECES = 4
READ_MEAN = 0.5
READ_SPREAD = 2.0


class DirectionReader:
    """Tells which way up pages are; one instance per process, models are loaded on first use."""

    def __init__(self) -> None:
        """Locate and verify the models.

        Raises:
            WorkbenchError: ``reader_model_missing`` when a file is absent or is not the pinned one.
        """
        self._model = _verified(CLASSIFIER_FILE, CLASSIFIER_SHA256)
        self._recogniser = _Recogniser()

    def of_image(self, gray: Gray, dpi: float) -> Direction:
        """Direction of one page.

        Args:
            gray: (height, width) uint8, 0 is black, as fed.
            dpi: its resolution.
        """
        return self.of_maps([dark_map(gray, dpi)])

    def of_maps(self, parts: Sequence[DarkMap], skew_deg: float | None = None) -> Direction:
        """Direction of one page, or of both halves of one side of a sheet, from their maps as fed."""
        return self.of_writing(writing_of(parts, skew_deg))

    def of_writing(self, writing: Writing) -> Direction:
        """Direction of a page whose lines are already cut out."""
        if not writing.pieces:
            return Direction(None, 0.0)
        seen = self._seen(writing.pieces)
        mean, spread = _evidence(seen)
        if len(seen) >= SURE_PIECES and abs(mean) >= SURE_MEAN and spread >= SURE_SPREAD:
            return _direction(writing, mean > 0, 0.99)
        read = self._recogniser.upright(writing.pieces[:READ_PIECES])
        read_mean, read_spread = _evidence(read)
        if abs(read_mean) < READ_MEAN or read_spread < READ_SPREAD:
            return Direction(None, 0.0)
        against = (read_mean > 0) != (mean > 0) and spread > READ_SPREAD
        return Direction(None, 0.0) if against else _direction(writing, read_mean > 0, 0.95)

    def _seen(self, pieces: Sequence[Gray]) -> NDArray[np.float64]:
        """Per piece, log-odds that it is upright: as it is, less those of it turned."""
        batch = np.concatenate([_batch(pieces), _batch([piece[::-1, ::-1] for piece in pieces])])
        odds = np.log(np.clip(self._session.run(None, {self._input: batch})[0], 1e-4, 1.0))
        upright = (odds[:, 0] - odds[:, 1]).astype(np.float64)
        return np.asarray(upright[: len(pieces)] - upright[len(pieces) :])

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


class _Recogniser(PpOcrReader):
    """The recogniser of names, asked how much it can read rather than what."""

    def upright(self, pieces: Sequence[Gray]) -> NDArray[np.float64]:
        """Per piece, how many more letters are read as it is than upside down, each as far as it is sure."""
        return np.array([self._letters(piece) - self._letters(piece[::-1, ::-1]) for piece in pieces])

    def _letters(self, piece: Gray) -> float:
        wide = -(-piece.shape[1] // WIDTH_STEP_PX) * WIDTH_STEP_PX
        line = np.full((PIECE_PX, wide), 255, np.uint8)
        line[:, : piece.shape[1]] = piece
        image = np.repeat((line.astype(np.float32) / 127.5 - 1.0)[None, None], 3, axis=1)
        steps = self._session.run(None, {self._input: image})[0][0]
        best = steps.argmax(axis=1)
        starts = np.r_[True, best[1:] != best[:-1]] & self._is_letter[best]
        return float(steps.max(axis=1)[starts].sum())

    @cached_property
    def _is_letter(self) -> NDArray[np.bool_]:
        """Classes that French and mathematics are written with; the others are what strokes resemble."""
        return np.array([_is_letter(character) for character in self._characters])


def _is_letter(character: str) -> bool:
    if len(character) != 1 or character.isspace():
        return False
    if character.isascii():
        return character.isalnum()
    return "LATIN" in unicodedata.name(character, "")


def _verified(file: str, digest: str) -> Path:
    try:
        distribution = importlib.metadata.distribution(MODEL_PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise WorkbenchError("reader_model_missing", package=MODEL_PACKAGE, file=file) from error
    path = Path(str(distribution.locate_file(file)))
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise WorkbenchError("reader_model_missing", package=MODEL_PACKAGE, file=file)
    return path


def _batch(pieces: Sequence[Gray]) -> NDArray[np.float32]:
    """Pieces as the classifier wants them: scaled to -1..1, squeezed to its width, padded with grey."""
    images = np.zeros((len(pieces), PIECE_PX, CLASSIFIER_WIDTH_PX), np.float32)
    for image, piece in zip(images, pieces, strict=True):
        width = min(CLASSIFIER_WIDTH_PX, piece.shape[1])
        squeezed = cv2.resize(np.ascontiguousarray(piece), (width, PIECE_PX), interpolation=cv2.INTER_AREA)
        image[:, :width] = squeezed / np.float32(127.5) - np.float32(1.0)
    return np.repeat(images[:, None], 3, axis=1)


def _evidence(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean of the pieces' evidence, and how many standard errors it is away from none."""
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else abs(mean)
    return mean, abs(mean) / (error + 0.05)


def _direction(writing: Writing, upright: bool, confidence: float) -> Direction:
    return Direction(writing.quarter_deg + (0 if upright else 180), confidence)
