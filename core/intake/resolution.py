"""How large a picture is on paper: what its file says, when that can be true."""

from __future__ import annotations

from dataclasses import dataclass

A4_MM = (210.0, 297.0)
_PAPERS_MM = (A4_MM, (297.0, 420.0), (148.0, 210.0), (215.9, 279.4), (215.9, 355.6), (279.4, 431.8))
"""A4, A3, A5, US letter, legal, tabloid."""

_UNSET_DPI = (72.0, 96.0)
"""What programs write when they do not know."""

_PAPER_SLACK = 0.04
_SIDE_MM = (60.0, 620.0)
"""A longer side outside of this is no sheet that a school scans: A6 fits, and A3 with room around it."""

_EVEN = 0.01
"""Resolutions across and down that differ by less are one."""


@dataclass(frozen=True)
class Resolution:
    """Pixels per inch across and down, of the picture as stored."""

    across: float
    down: float

    def turned(self) -> Resolution:
        """The same after a quarter turn."""
        return Resolution(self.down, self.across)

    @property
    def is_square(self) -> bool:
        """Whether a pixel is as wide as it is high."""
        return abs(self.across - self.down) <= _EVEN * max(self.across, self.down)


def resolution_of(width_px: int, height_px: int, stated: tuple[float, float] | None) -> Resolution:
    """The resolution a picture is taken to have.

    A phone states none, or 72 for a page of 12 million pixels, which would be 1.4 m high. Then the
    picture is taken for an A4 page that fills it as far as its proportions allow: writing, ruling and
    headers have about their true size, and edges of the page are looked for within it.

    Args:
        width_px: width as stored.
        height_px: height as stored.
        stated: dots per inch across and down that the file gives, if it gives any.
    """
    if stated is not None and _believable(width_px, height_px, *stated):
        return Resolution(*stated)
    short, long = sorted((width_px, height_px))
    dpi = min(short / A4_MM[0], long / A4_MM[1]) * 25.4
    return Resolution(dpi, dpi)


def _believable(width_px: int, height_px: int, across: float, down: float) -> bool:
    if not (20 <= across <= 4800 and 20 <= down <= 4800 and 0.25 <= across / down <= 4):
        return False
    short, long = sorted((width_px / across * 25.4, height_px / down * 25.4))
    if round(across) in _UNSET_DPI and round(down) in _UNSET_DPI:
        return any(
            abs(short - paper[0]) <= _PAPER_SLACK * paper[0]
            and abs(long - paper[1]) <= _PAPER_SLACK * paper[1]
            for paper in _PAPERS_MM
        )
    return _SIDE_MM[0] <= long <= _SIDE_MM[1]
