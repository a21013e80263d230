"""Reading handwritten fields: one protocol, several engines."""

from __future__ import annotations

from core.errors import BadInput
from core.reading.null import NullReader
from core.reading.protocol import FieldReading, NameReader
from core.settings import READERS

__all__ = ["READERS", "FieldReading", "NameReader", "reader"]


def reader(name: str = "ppocr") -> NameReader:
    """Make a reader; engines are imported only when asked for.

    Raises:
        BadInput: ``unknown_reader``.
        WorkbenchError: ``reader_model_missing`` or ``reader_tesseract_missing``.
    """
    if name == "ppocr":
        from core.reading.ppocr import PpOcrReader

        return PpOcrReader()
    if name == "tesseract":
        from core.reading.tesseract import TesseractReader

        return TesseractReader()
    if name == "null":
        return NullReader()
    raise BadInput("unknown_reader", name=name, known=", ".join(READERS))
