"""Several files in one, the same bytes for the same files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can bear: dates would change the bytes


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of ``files`` by name, stored as they are: PDFs of scans do not shrink."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _NO_DATE), files[name])
    return target.getvalue()
