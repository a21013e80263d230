import os
from pathlib import Path

import pytest

from core.reading import reader

DATA = Path(os.environ.get("KORRIGO_REFERENCE_DATA", "../shared")) / "handwriting"


@pytest.mark.reference
@pytest.mark.skipif(not DATA.is_dir(), reason="no reference data")
def test_real_names_are_nearly_always_first_among_three_hundred() -> None:
    from tests.bench.reading import _pixels, crops, single_names

    found = crops("report")[::12]
    readings = reader("ppocr").read([_pixels(crop) for crop in found])

    # 99.4 % on the whole half; 39 crops leave room for one miss and a half.
    assert single_names(found, readings, raw=False) >= 0.96
