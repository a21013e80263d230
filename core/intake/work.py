"""What a child process does with a file that is not trusted: functions of a path and JSON values.

Each gives a JSON object and raw bytes beside it. Heavy libraries are imported by the function that needs
them: measuring a PDF needs no OpenCV.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.intake.sources import Source

Result = tuple[dict[str, Any], list[bytes]]

_kept: dict[str, Any] = {}
"""Options of ``look``, which come once; the file it looks at, which stays open."""


def inspect(path: Path, *, max_images: int) -> Result:
    """Kind and images of a file, as ``sources.inspect_source``; of a ZIP only that it is one."""
    from core.intake.kinds import Kind, kind_of

    if kind_of(path) is Kind.ZIP:
        return {"kind": Kind.ZIP.value, "sizes": []}, []
    from core.intake.sources import inspect_source

    info = inspect_source(path, max_images=max_images)
    return {
        "kind": info.kind.value,
        "sizes": [(image.width_pt, image.height_pt) for image in info.images],
    }, []


def unpack(path: Path, *, folder: str, limits: dict[str, int]) -> Result:
    """Take a ZIP apart, as ``archives.unpack``; a member written is told by the name of its file."""
    from core.intake import archives

    members = archives.unpack(path, Path(folder), limits=archives.ArchiveLimits(**limits))
    return {
        "members": [
            {"name": member.name, "file": member.path.name if member.path else None, "error": member.error}
            for member in members
        ]
    }, []


def options(path: Path, **values: Any) -> Result:  # noqa: ARG001 - options hold for any file
    """Keep the options of the images that follow."""
    _kept["options"] = values
    return {}, []


def look(path: Path, *, index: int) -> Result:
    """What ``core.intake.look`` finds on one image."""
    from core.intake.look import look as look_at

    return look_at(_source(path).pixels(index), _kept.get("options", {}))


def picture(path: Path, *, index: int, width_px: int | None = None, quality: int = 85) -> Result:
    """One image as a grey JPEG, made smaller when ``width_px`` asks for it, with the size of the whole."""
    import cv2
    import numpy as np

    from core.imaging.mask import encode_jpeg

    pixels = _source(path).pixels(index)
    gray = pixels.gray
    height, width = gray.shape
    if width_px is not None and width_px < width:
        size = (width_px, max(1, round(height * width_px / width)))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    data = {"width": width, "height": height, "dpi": pixels.dpi, "codec": pixels.codec}
    return data, [encode_jpeg(gray, quality)]


def page(path: Path, **args: Any) -> Result:
    """A part of an image for the screen, as ``draw.page``."""
    from core.intake import draw

    return draw.page(_source(path), **args)


def whole(path: Path, **args: Any) -> Result:
    """An image to be embedded in a PDF, as ``draw.whole``."""
    from core.intake import draw

    return draw.whole(_source(path), **args)


def _source(path: Path) -> Source:
    if _kept.get("path") != path:
        from core.intake.sources import source_of

        if "source" in _kept:
            _kept.pop("source").close()
        _kept.pop("path", None)
        _kept["source"], _kept["path"] = source_of(path), path
    source: Source = _kept["source"]
    return source


FUNCTIONS = {
    function.__name__: function for function in (inspect, unpack, options, look, picture, page, whole)
}
"""What a child answers to; anything else ends it."""
