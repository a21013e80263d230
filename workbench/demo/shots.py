"""The images of a pile, each with what is true of its halves, before anybody makes a file of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from workbench.demo.fonts import Gray
from workbench.demo.recipe import CopyPlan, Pupil
from workbench.demo.sheet import DrawnImage, SheetArtist

Pixels = npt.NDArray[np.uint8]
"""(height, width) grey or (height, width, 3) blue, green, red."""

Kind = Literal["page", "blank", "annex", "loose", "double"]

QUALITY = 85
_TURNED: dict[str, str] = {"left": "top", "top": "right", "right": "bottom", "bottom": "left", "full": "full"}
"""Where a half lies after a quarter turn clockwise."""


@dataclass(frozen=True)
class HalfTruth:
    """What one half of an image is.

    Attributes:
        unit: what must stay together and apart from the rest: a sheet of a pupil, or a whole A4 copy.
        order: its place in the reading order of the unit.
        page: its label, P1..P4 or a number.
        written: whether it bears writing or print.
        kind: ``double``: a page that is in the pile already.
        fault: what was done to its sheet, empty for a sheet that nothing happened to.
    """

    unit: tuple[str, int]
    order: int
    page: str
    written: bool
    kind: Kind = "page"
    fault: str = ""


@dataclass(frozen=True, eq=False)
class Shot:
    """One image as fed.

    Attributes:
        jpeg: its picture.
        dpi: resolution.
        turn: degrees clockwise by which it was fed.
        halves: by their names as fed.
    """

    jpeg: bytes
    dpi: float
    turn: int
    halves: Mapping[str, HalfTruth]

    def pixels(self) -> Gray:
        """The picture, (height, width) uint8."""
        found = cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        if found is None:
            raise ValueError("not a picture")
        return found.astype(np.uint8, copy=False)

    def changed(self, change: Callable[[Gray], Pixels]) -> Shot:
        """The same with another picture of the same halves."""
        return replace(self, jpeg=encoded(change(self.pixels())))

    def turned(self, degrees: int) -> Shot:
        """Fed turned clockwise by more quarter turns."""
        quarters = degrees // 90 % 4
        halves = dict(self.halves)
        for _ in range(quarters):
            halves = {_TURNED[name]: truth for name, truth in halves.items()}
        pixels = np.ascontiguousarray(np.rot90(self.pixels(), -quarters))
        return replace(self, jpeg=encoded(pixels), turn=(self.turn + degrees) % 360, halves=halves)

    def told(self, **changes: object) -> Shot:
        """The same with something else true of all its halves."""
        return replace(self, halves={n: replace(h, **changes) for n, h in self.halves.items()})  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class PiledSheet:
    """Both sides of a sheet of somebody's, upright."""

    front: Shot
    back: Shot

    @property
    def unit(self) -> tuple[str, int]:
        """Whose sheet it is, and which."""
        return next(iter(self.front.halves.values())).unit

    @property
    def shots(self) -> list[Shot]:
        """As it is fed."""
        return [self.front, self.back]

    def each(self, change: Callable[[Shot], Shot]) -> PiledSheet:
        """The sheet with both sides changed."""
        return PiledSheet(change(self.front), change(self.back))

    def faulty(self, fault: str) -> PiledSheet:
        """The sheet, said to be faulty."""
        return self.each(lambda shot: shot.told(fault=fault))


def encoded(pixels: Pixels) -> bytes:
    """JPEG of a picture."""
    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return jpeg.tobytes()


def pile_of(
    artist: SheetArtist,
    drawn_dpi: int,
    dpi: int,
    plans: Sequence[tuple[CopyPlan, Pupil]],
    sheets: int | None = None,
) -> list[PiledSheet]:
    """Draw the sheets of some copies, in order; the first ``sheets`` of them.

    What is drawn finer than ``dpi`` is averaged, as a scanner does: a thin line drawn at a low resolution
    would be thinner than any printer's.
    """
    planned = [(copy, pupil, sheet) for copy, pupil in plans for sheet in range(1, copy.sheets + 1)]
    return [
        PiledSheet(
            *(_shot(image, drawn_dpi, dpi) for image in artist.draw(copy, pupil, sheet, first_image=0))
        )
        for copy, pupil, sheet in planned[:sheets]
    ]


def _shot(drawn: DrawnImage, drawn_dpi: int, dpi: int) -> Shot:
    truth, pixels = drawn.truth, drawn.pixels
    if dpi != drawn_dpi:
        height, width = (round(side * dpi / drawn_dpi) for side in pixels.shape)
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(
            np.uint8, copy=False
        )
    halves = {
        half: HalfTruth(
            unit=(truth.pupil, truth.sheet),
            order=int(page[1]),
            page=page,
            written=truth.written[page] > 0 or page == "P1",
        )
        for half, page in truth.halves.items()
    }
    return Shot(encoded(pixels), dpi, truth.rotate, halves)


def leaf(shot: Shot, page: str) -> Shot:
    """One page of an upright A3 image, as an A4 image of its own."""
    (half,) = (name for name, truth in shot.halves.items() if truth.page == page)
    pixels = shot.pixels()
    fold = pixels.shape[1] // 2
    part = pixels[:, :fold] if half == "left" else pixels[:, fold:]
    return Shot(encoded(np.ascontiguousarray(part)), shot.dpi, shot.turn, {"full": shot.halves[half]})
