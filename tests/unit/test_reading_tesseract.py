import shutil

import cv2
import numpy as np
import pytest

from core.domain.names import fold
from core.errors import WorkbenchError
from core.reading.tesseract import TesseractReader


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_tesseract_reads_a_printed_name_and_finds_blank_paper_empty() -> None:
    image = np.full((60, 420), 255, np.uint8)
    cv2.putText(image, "MARTIN", (20, 42), cv2.FONT_HERSHEY_DUPLEX, 1.2, 0, 2, cv2.LINE_AA)

    name, nothing = TesseractReader().read([image, np.full((60, 420), 255, np.uint8)])

    assert fold(name.text) == "MARTIN"
    assert nothing.is_empty


def test_a_machine_without_tesseract_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    with pytest.raises(WorkbenchError) as caught:
        TesseractReader()

    assert caught.value.code == "reader_tesseract_missing"
