"""``python -m workbench.demo RECIPE OUT_DIR [--fonts DIR …]``: draw the scans of a recipe."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import cv2

from core.errors import BadInput
from workbench.demo.draw import DEFAULT_REFERENCE_DATA, draw_scan
from workbench.demo.fonts import SYSTEM_FONT_DIRS
from workbench.demo.recipe import load


def main() -> int:
    """Draw and say what was drawn; 1 when the user can mend what went wrong."""
    parser = argparse.ArgumentParser(prog="python -m workbench.demo", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("--fonts", type=Path, nargs="+", default=[], help="font folders beside the system's")
    parser.add_argument("--pupils", type=int, help="draw the first N copies only")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    started = time.perf_counter()
    try:
        recipe = load(options.recipe)
        recipe = recipe.only(pupils=options.pupils) if options.pupils else recipe
        drawn = draw_scan(
            recipe,
            options.out_dir,
            font_dirs=(*SYSTEM_FONT_DIRS, *options.fonts),
            reference_data=Path(os.environ.get("KORRIGO_REFERENCE_DATA", DEFAULT_REFERENCE_DATA)),
        )
    except BadInput as error:
        print(error, file=sys.stderr)
        return 1
    size_mb = sum(pdf.stat().st_size for pdf in drawn.pdfs) / 1e6
    print(f"{2 * recipe.sheets} images, {size_mb:.1f} Mo, {time.perf_counter() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
