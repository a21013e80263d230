"""Whatever kind of file arrives: recognised by its bytes, measured, its images given as a viewer shows them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest
from PIL import Image

from core.errors import BadInput
from core.imaging.darkness import Gray
from core.imaging.mask import decode_jpeg
from core.intake.kinds import Kind, kind_of
from core.intake.pictures import Picture, as_shown
from core.intake.resolution import Resolution, resolution_of
from core.intake.sources import image_jpeg, image_pixels, inspect_source, iter_images
from core.pdf.pages import PagePixels
from tests.unit import drawn_files as draw

PAGE = draw.striped_page()
SHAPE = PAGE.shape
BITONAL = np.where(PAGE > 127, 255, 0).astype(np.uint8)


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "scan"
    path.write_bytes(content)
    return path


def refused(tmp_path: Path, content: bytes, max_images: int = 100) -> BadInput:
    with pytest.raises(BadInput) as caught:
        inspect_source(written(tmp_path, content), max_images=max_images)
    return caught.value


def difference(one: Gray, other: Gray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


# --- Kinds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (draw.pdf_of_page(PAGE, "jpeg"), Kind.PDF),
        (b"\n" * 300 + draw.pdf_of_page(PAGE, "jpeg"), Kind.PDF),
        (draw.tiff_of([draw.bitonal(PAGE)]), Kind.TIFF),
        (draw.picture(PAGE, "TIFF", big_tiff=True), Kind.TIFF),
        (draw.picture(PAGE, "JPEG"), Kind.JPEG),
        (draw.picture(PAGE, "PNG"), Kind.PNG),
        (draw.picture(PAGE, "WEBP", "RGB"), Kind.WEBP),
        (draw.heic_of(PAGE), Kind.HEIC),
        (draw.zip_of([("a.pdf", b"x")]), Kind.ZIP),
        (draw.zip_of([]), Kind.ZIP),
    ],
)
def test_a_file_is_known_by_its_first_bytes(tmp_path: Path, content: bytes, kind: Kind) -> None:
    assert kind_of(written(tmp_path, content)) is kind


@pytest.mark.parametrize("content", [b"hello", b"RIFF\0\0\0\0WAVE", b"\0\0\0\x20ftypavif", b"<html>"])
def test_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path, content).code == "scan_kind_unknown"


def test_an_empty_file_is_refused_as_such(tmp_path: Path) -> None:
    assert refused(tmp_path, b"").code == "file_empty"


def test_an_archive_is_not_a_source(tmp_path: Path) -> None:
    assert refused(tmp_path, draw.zip_of([("a.pdf", b"x")])).code == "archive_not_taken"


# --- Pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "mode", "save", "near"),
    [
        ("JPEG", "L", {"quality": 95}, 2),
        ("JPEG", "RGB", {"quality": 95}, 2),
        ("JPEG", "RGB", {"quality": 95, "progressive": True}, 2),
        ("JPEG", "CMYK", {"quality": 95}, 3),
        ("PNG", "L", {}, 0),
        ("PNG", "1", {}, 30),
        ("PNG", "P", {}, 0),
        ("PNG", "RGB", {}, 0),
        ("PNG", "RGBA", {}, 0),
        ("PNG", "LA", {}, 0),
        ("WEBP", "RGB", {"lossless": True}, 0.5),
        ("WEBP", "RGB", {"quality": 90}, 4),
    ],
)
def test_a_picture_gives_its_pixels(
    tmp_path: Path, form: str, mode: str, save: dict[str, Any], near: float
) -> None:
    path = written(tmp_path, draw.picture(PAGE, form, mode, dpi=(100, 100), **save))

    pixels = image_pixels(path, 0)

    assert difference(pixels.gray, PAGE) <= near
    assert pixels.codec == form.lower()
    assert pixels.dpi == pytest.approx(100, abs=0.2)
    assert not pixels.damaged


def test_a_phone_picture_in_heic_gives_its_pixels(tmp_path: Path) -> None:
    pixels = image_pixels(written(tmp_path, draw.heic_of(PAGE)), 0)

    assert difference(pixels.gray, PAGE) < 5
    assert pixels.codec == "heic"


def test_all_pictures_of_a_heic_file_are_images(tmp_path: Path) -> None:
    path = written(tmp_path, draw.heic_of(PAGE, 255 - PAGE))

    assert len(inspect_source(path, max_images=5).images) == 2
    assert difference(image_pixels(path, 1).gray, 255 - PAGE) < 5


def test_sixteen_bits_are_taken_down_to_eight(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.fromarray(PAGE.astype(np.uint16) * 256).save(out, "PNG")

    assert difference(image_pixels(written(tmp_path, out.getvalue()), 0).gray, PAGE) == 0


def test_what_is_transparent_is_paper(tmp_path: Path) -> None:
    layers = Image.fromarray(np.zeros_like(PAGE)).convert("RGBA")
    layers.putalpha(Image.fromarray(255 - PAGE))
    out = io.BytesIO()
    layers.save(out, "PNG")

    assert difference(image_pixels(written(tmp_path, out.getvalue()), 0).gray, PAGE) < 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_turn_a_camera_notes_is_applied(tmp_path: Path, orientation: int, form: str) -> None:
    """The picture is stored so that each of the eight turns of EXIF brings back the page."""
    undo = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    stored, _ = as_shown(PAGE, Picture(*PAGE.shape[::-1], undo, Resolution(100, 100)), 0)
    exif = Image.Exif()
    exif[274] = orientation
    save: dict[str, Any] = {"exif": exif, "dpi": (100, 100)}
    if form == "TIFF":
        save = {"tiffinfo": {274: orientation}, "dpi": (100, 100)}
    path = written(tmp_path, draw.picture(stored, form, "RGB", **save))

    shown = image_pixels(path, 0).gray
    (size,) = inspect_source(path, max_images=1).images

    assert shown.shape == SHAPE
    assert difference(shown, PAGE) < 4
    assert (size.width_pt, size.height_pt) == pytest.approx((595.4, 841.7), abs=2)


def test_the_turn_of_pixels_is_that_of_pillow() -> None:
    from PIL import ImageOps

    for orientation in range(1, 9):
        stored = Image.fromarray(PAGE)
        stored.getexif()[274] = orientation
        ours, _ = as_shown(PAGE, Picture(827, 1169, orientation, Resolution(100, 100)), 0)

        assert np.array_equal(ours, np.asarray(ImageOps.exif_transpose(stored)))


def test_a_jpeg_that_is_shown_as_it_is_stored_is_given_byte_for_byte(tmp_path: Path) -> None:
    jpeg = draw.picture(PAGE, "JPEG", "RGB")

    assert image_jpeg(written(tmp_path, jpeg), 0) == jpeg


def test_a_turned_jpeg_one_in_four_inks_and_other_pictures_have_none(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6

    for content in (
        draw.picture(PAGE, "JPEG", exif=exif),
        draw.picture(PAGE, "JPEG", "CMYK"),
        draw.picture(PAGE, "PNG"),
        draw.heic_of(PAGE),
        draw.tiff_of([Image.fromarray(PAGE)], "jpeg"),
    ):
        assert image_jpeg(written(tmp_path, content), 0) is None


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_cut_short_is_refused(tmp_path: Path, form: str) -> None:
    content = draw.picture(PAGE, form, "RGB")

    assert refused(tmp_path, content[: len(content) // 2]).code == "picture_truncated"


def test_a_heic_file_cut_short_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, draw.heic_of(PAGE)[:-400]).code == "picture_truncated"


def test_a_phone_may_write_more_after_the_end_of_a_jpeg(tmp_path: Path) -> None:
    path = written(tmp_path, draw.picture(PAGE, "JPEG") + b"SEFT" * 50)

    assert len(inspect_source(path, max_images=1).images) == 1


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_huge_sizes_are_refused_before_anything_is_decoded(tmp_path: Path, form: str) -> None:
    content = bytearray(draw.picture(PAGE, form, "RGB", **({"lossless": True} if form == "WEBP" else {})))
    if form == "JPEG":
        at = content.index(b"\xff\xc0") + 5
        content[at : at + 4] = b"\xff\xdc\xff\xdc"
    elif form == "PNG":
        content[16:24] = b"\x00\x01\x00\x00" * 2
    else:
        content[21:25] = b"\xff\xff\xff\x0f"

    error = refused(tmp_path, bytes(content))

    assert (error.code, error.details) == ("page_image_too_large", {"page": 1})
    with pytest.raises(BadInput, match="page_image_too_large"):
        image_pixels(tmp_path / "scan", 0)


# --- Resolution -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "stated", "dpi"),
    [
        ((1654, 2339), (200, 200), 200),
        ((4961, 3508), (300, 300), 300),
        ((3024, 4032), None, 344.8),
        ((4032, 3024), (72, 72), 344.8),
        ((3024, 4032), (96, 96), 344.8),
        ((595, 842), (72, 72), 72),
        ((1240, 1754), (96, 96), 150),
        ((1654, 2339), (0.0001, 5), 200),
        ((1654, 2339), (float("nan"), 200), 200),
    ],
)
def test_a_stated_resolution_is_believed_when_it_makes_a_sheet(
    size: tuple[int, int], stated: tuple[float, float] | None, dpi: float
) -> None:
    assert resolution_of(*size, stated).across == pytest.approx(dpi, rel=0.001)


# --- TIFF -----------------------------------------------------------------------------------------

COLOUR = Image.fromarray(PAGE).convert("RGB")


@pytest.mark.parametrize(
    ("image", "compression", "codec", "near"),
    [
        (draw.bitonal(PAGE), "group4", "ccitt", 0),
        (draw.bitonal(PAGE), "group3", "ccitt", 0),
        (draw.bitonal(PAGE), "raw", "raw", 0),
        (Image.fromarray(PAGE), "jpeg", "jpeg", 3),
        (COLOUR, "jpeg", "jpeg", 3),
        (COLOUR, "tiff_lzw", "lzw", 0),
        (COLOUR, "tiff_adobe_deflate", "flate", 0),
        (Image.fromarray(PAGE), "packbits", "packbits", 0),
        (Image.fromarray(PAGE).convert("P"), "tiff_lzw", "lzw", 0),
        (COLOUR.convert("CMYK"), "tiff_lzw", "lzw", 1),
        (Image.fromarray(PAGE.astype(np.uint16) * 256), "tiff_lzw", "lzw", 0),
        (COLOUR.convert("RGBA"), "tiff_lzw", "lzw", 0),
    ],
)
def test_each_compression_and_colour_of_tiff_gives_its_pixels(
    tmp_path: Path, image: Image.Image, compression: str, codec: str, near: float
) -> None:
    path = written(tmp_path, draw.tiff_of([image, image], compression, dpi=(100, 100)))

    for pixels in iter_images(path):
        assert isinstance(pixels, PagePixels)
        expected = BITONAL if image.mode == "1" else PAGE
        assert difference(pixels.gray, expected) <= near
        assert (pixels.codec, pixels.dpi) == (codec, pytest.approx(100))


def test_the_pages_of_a_tiff_come_in_order_and_any_of_them_alone(tmp_path: Path) -> None:
    pages = [np.full((300 + 10 * n, 200), 20 * n, np.uint8) for n in range(6)]
    path = written(tmp_path, draw.tiff_of([Image.fromarray(p) for p in pages], "tiff_lzw", dpi=(50, 50)))

    found = [(p.index, p.gray.shape[0], p.gray[0, 0]) for p in iter_images(path) if isinstance(p, PagePixels)]

    assert found == [(n, 300 + 10 * n, 20 * n) for n in range(6)]
    assert image_pixels(path, 4).gray[0, 0] == 80
    assert [p.index for p in iter_images(path, 2, 4) if isinstance(p, PagePixels)] == [2, 3]


def test_a_fax_page_is_made_square(tmp_path: Path) -> None:
    fax = draw.bitonal(PAGE).resize((1687, 1146))
    path = written(tmp_path, draw.tiff_of([fax], "group3", dpi=(204, 98)))

    pixels = image_pixels(path, 0)

    assert pixels.gray.shape == (round(1146 * 204 / 98), 1687)
    assert pixels.dpi == pytest.approx(204)


def test_a_resolution_in_centimetres_is_understood(tmp_path: Path) -> None:
    info = {282: 78.74, 283: 78.74, 296: 3}
    path = written(tmp_path, draw.tiff_of([Image.fromarray(PAGE).resize((1200, 1200))], tiffinfo=info))

    assert image_pixels(path, 0).dpi == pytest.approx(200, rel=0.001)


def test_a_small_copy_of_a_page_inside_a_tiff_is_not_a_page(tmp_path: Path) -> None:
    small = Image.fromarray(PAGE).resize((82, 116))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    out = io.BytesIO()
    Image.fromarray(PAGE).save(out, "TIFF", save_all=True, append_images=[small])

    assert len(inspect_source(written(tmp_path, out.getvalue()), max_images=9).images) == 1


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("compression", ["group4", "tiff_lzw", "jpeg"])
def test_a_tiff_cut_short_is_refused_rather_than_read_as_one_with_fewer_pages(
    tmp_path: Path, share: float, compression: str
) -> None:
    image = draw.bitonal(PAGE) if compression == "group4" else Image.fromarray(PAGE)
    content = draw.tiff_of([image] * 4, compression)

    assert refused(tmp_path, content[: int(len(content) * share)]).code == "tiff_truncated"


def test_a_tiff_whose_image_lies_beyond_its_end_is_refused(tmp_path: Path) -> None:
    content = bytearray(draw.tiff_of([Image.fromarray(PAGE)]))
    at = int.from_bytes(content[4:8], "little") + 2
    while int.from_bytes(content[at : at + 2], "little") != 273:
        at += 12
    content[at + 2 : at + 12] = b"\4\0\1\0\0\0" + (len(content) - 5).to_bytes(4, "little")

    assert refused(tmp_path, bytes(content)).code == "tiff_truncated"


def test_a_tiff_whose_pages_follow_each_other_in_a_ring_is_refused(tmp_path: Path) -> None:
    content = bytearray(draw.tiff_of([Image.fromarray(PAGE)]))
    at = int.from_bytes(content[4:8], "little")
    following = at + 2 + 12 * int.from_bytes(content[at : at + 2], "little")
    content[following : following + 4] = content[4:8]

    assert refused(tmp_path, bytes(content)).code == "tiff_damaged"


def test_too_many_pages_of_a_tiff_are_refused(tmp_path: Path) -> None:
    content = draw.tiff_of([Image.fromarray(PAGE[:50, :50])] * 5)

    assert refused(tmp_path, content, max_images=4).code == "scan_too_many_images"


def test_one_page_that_cannot_be_decoded_does_not_end_the_file(tmp_path: Path) -> None:
    content = bytearray(draw.tiff_of([Image.fromarray(PAGE)] * 3, "tiff_adobe_deflate"))
    with Image.open(io.BytesIO(bytes(content))) as opened:
        opened.seek(1)
        at = opened.tag_v2[273][0]
    content[at : at + 200] = b"\xff" * 200
    path = written(tmp_path, bytes(content))

    images = list(iter_images(path))

    assert [isinstance(image, PagePixels) for image in images] == [True, False, True]
    error = images[1]
    assert isinstance(error, BadInput)
    assert (error.code, error.details) == ("page_unreadable", {"page": 2})


# --- PDF ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["ccitt", "jbig2", "jpeg2000", "flate", "jpeg"])
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_each_codec_inside_a_pdf_gives_the_page_as_a_viewer_shows_it(
    tmp_path: Path, codec: str, rotate: int
) -> None:
    path = written(tmp_path, draw.pdf_of_page(PAGE, codec, rotate=rotate))

    pixels = image_pixels(path, 0)

    expected = np.rot90(BITONAL if codec in ("ccitt", "jbig2") else PAGE, -rotate // 90)
    assert pixels.gray.shape == expected.shape
    assert difference(pixels.gray, expected) < 2
    assert (pixels.codec, round(pixels.dpi)) == (codec, 100)


def test_the_taken_image_of_a_page_is_what_drawing_it_shows(tmp_path: Path) -> None:
    """Polarity of bitonal images, among others, is decided by the PDF and not by the codec."""
    for codec in ("ccitt", "flate", "jpeg2000"):
        taken = image_pixels(written(tmp_path, draw.pdf_of_page(PAGE, codec)), 0)
        drawn = image_pixels(written(tmp_path, draw.pdf_of_page(PAGE, codec, extra="0 0 1 1 re f")), 0)

        assert (taken.codec, drawn.codec) == (codec, "mixed")
        assert difference(taken.gray[: len(drawn.gray)], drawn.gray[: len(taken.gray)]) < 3


def test_a_bitonal_image_of_the_other_polarity_is_read_the_right_way_round(tmp_path: Path) -> None:
    size = PAGE.shape[1], PAGE.shape[0]
    parms = pikepdf.Dictionary(K=-1, Columns=size[0], Rows=size[1], BlackIs1=True)
    content = draw.pdf_page(draw.group4(255 - PAGE), size, "CCITTFaxDecode", bits=1, DecodeParms=parms)

    assert difference(image_pixels(written(tmp_path, content), 0).gray, BITONAL) < 1


def test_a_scan_cut_into_strips_is_one_image_at_its_own_resolution(tmp_path: Path) -> None:
    width, height = draw.A4_PT
    cut = 400
    share = cut / SHAPE[0] * height
    parts = [
        (PAGE[:cut], (0.0, height - share, width, share)),
        (PAGE[cut:], (0.0, 0.0, width, height - share)),
    ]

    pixels = image_pixels(written(tmp_path, draw.pdf_of_parts(parts)), 0)

    assert pixels.gray.shape == pytest.approx(SHAPE, abs=1)
    assert difference(pixels.gray[: SHAPE[0]], PAGE[: len(pixels.gray)]) < 3


def test_two_pictures_side_by_side_are_one_image(tmp_path: Path) -> None:
    width, height = draw.A4_PT
    parts = [
        (PAGE, (0.0, 0.0, width / 2, height)),
        (255 - PAGE, (width / 2, 0.0, width / 2, height)),
    ]

    pixels = image_pixels(written(tmp_path, draw.pdf_of_parts(parts)), 0)

    assert pixels.codec == "mixed"
    assert pixels.dpi == pytest.approx(200, rel=0.01)
    left, right = pixels.gray[:, : pixels.gray.shape[1] // 2], pixels.gray[:, pixels.gray.shape[1] // 2 :]
    assert left.mean() + right.mean() == pytest.approx(255, abs=3)


def test_images_that_other_pages_use_do_not_hide_the_one_of_this_page(tmp_path: Path) -> None:
    """Some programs name all images of a file on every page."""
    with pikepdf.open(io.BytesIO(draw.pdf_of_page(PAGE, "flate"))) as pdf:
        spare = draw.image_stream(pdf, b"\0" * 100, (10, 10), "")
        pdf.pages[0].obj.Resources.XObject["/Im9"] = spare
        pdf.Root.Pages.Resources = pdf.pages[0].obj.Resources
        del pdf.pages[0].obj.Resources
        content = draw.saved(pdf)

    pixels = image_pixels(written(tmp_path, content), 0)

    assert (pixels.codec, difference(pixels.gray, PAGE)) == ("flate", 0)


@pytest.mark.parametrize(("mode", "codec"), [(3, "ccitt"), (0, "mixed")])
def test_a_text_layer_is_taken_away_unless_it_is_seen(tmp_path: Path, mode: int, codec: str) -> None:
    extra = f"BT {mode} Tr /F1 40 Tf 100 700 Td (TEXTE) Tj ET"

    pixels = image_pixels(written(tmp_path, draw.pdf_of_page(PAGE, "ccitt", extra=extra)), 0)

    assert pixels.codec == codec
    assert difference(pixels.gray[: SHAPE[0]], BITONAL[: len(pixels.gray)]) < 4


def test_a_pdf_that_its_owner_locked_but_that_opens_gives_its_pixels(tmp_path: Path) -> None:
    for codec in ("ccitt", "flate", "jpeg"):
        with pikepdf.open(io.BytesIO(draw.pdf_of_page(PAGE, codec))) as pdf:
            locked = draw.saved(
                pdf, encryption=pikepdf.Encryption(owner="o", user="", allow=pikepdf.Permissions())
            )
        path = written(tmp_path, locked)

        assert len(inspect_source(path, max_images=9).images) == 1
        assert image_pixels(path, 0).codec == codec
        assert difference(image_pixels(path, 0).gray, BITONAL if codec == "ccitt" else PAGE) < 2


def test_the_jpeg_of_a_pdf_page_is_given_byte_for_byte(tmp_path: Path) -> None:
    jpeg = draw.picture(PAGE, "JPEG", quality=90)

    assert decode_jpeg(jpeg).shape == SHAPE
    assert image_jpeg(written(tmp_path, draw.pdf_of_page(PAGE, "jpeg")), 0) == jpeg


@pytest.mark.parametrize(
    ("kids", "count"), [(b"3 0 R 9 0 R", 2), (b"3 0 R null", 2), (b"3 0 R 4 0 R", 3), (b"3 0 R", 2147483647)]
)
def test_a_pdf_that_lacks_a_page_it_announces_is_refused(tmp_path: Path, kids: bytes, count: int) -> None:
    """qpdf passes over a page that is not there, and corrects the count, without a word."""
    content = draw.pdf_of_objects(
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [%b] /Count %d>>" % (kids, count),
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]>>",
        b"17",
    )

    assert refused(tmp_path, content).code == "pdf_damaged"


def test_a_count_that_says_too_few_pages_loses_none(tmp_path: Path) -> None:
    content = draw.pdf_of_objects(
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [3 0 R 4 0 R] /Count 1>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 842 595]>>",
    )

    assert len(inspect_source(written(tmp_path, content), max_images=9).images) == 2


def test_pages_are_given_from_one_place_to_another(tmp_path: Path) -> None:
    with pikepdf.new() as pdf:
        for codec in ("jpeg", "flate", "ccitt", "jpeg2000"):
            with pikepdf.open(io.BytesIO(draw.pdf_of_page(PAGE, codec))) as one:
                pdf.pages.extend(one.pages)
        path = written(tmp_path, draw.saved(pdf))

    found = [image.codec for image in iter_images(path, 1, 3) if isinstance(image, PagePixels)]

    assert found == ["flate", "ccitt"]
