"""A picture is what it shows: the same pixels from every file that shows the same."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, TiffImagePlugin

from spoiled_data import saved, sound_folder
from vtspec.adapters.contract import DatasetJob, Split
from vtspec.adapters.data.image_decoding import (
    UnreadableImageError,
    convert_to_rgb,
    open_image,
    read_image,
)
from vtspec.adapters.evaluation.classification import SplitScores
from vtspec.adapters.evaluation.error_samples import collect_errors
from vtspec.adapters.pytorch.loading import UnreadableImage, decode_image
from vtspec.pipelines.data.inspection.image_probe import ImageInfo, inspect_images
from vtspec.pipelines.data.inspection.inspect import inspect_dataset

Pixels = npt.NDArray[np.uint8]

GRAY: Pixels = np.random.default_rng(0).integers(0, 256, (6, 5)).astype(np.uint8)
COLOUR: Pixels = np.random.default_rng(1).integers(0, 256, (6, 5, 3)).astype(np.uint8)


def shown(content: bytes) -> Pixels:
    return np.asarray(read_image(io.BytesIO(content)))


def in_gray(pixels: Pixels) -> Pixels:
    return np.stack([pixels] * 3, axis=-1)


def tags(**numbers: int) -> TiffImagePlugin.ImageFileDirectory_v2:
    found = TiffImagePlugin.ImageFileDirectory_v2()
    for name, value in numbers.items():
        found[{"photometric": 262, "orientation": 274}[name]] = value
    return found


def big_endian_tiff(pixels: npt.NDArray[np.uint16]) -> bytes:
    """An uncompressed TIFF as Motorola's byte order writes it, which Pillow does not."""
    height, width = pixels.shape
    rows = pixels.astype(">u2").tobytes()
    fields = [
        (256, 3, width), (257, 3, height), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 8),
        (277, 3, 1), (278, 3, height), (279, 4, len(rows)),
    ]  # fmt: skip
    entries = b"".join(
        struct.pack(">HHI", tag, kind, 1) + struct.pack(">HH" if kind == 3 else ">I", *values)
        for tag, kind, value in fields
        for values in [(value, 0) if kind == 3 else (value,)]
    )
    directory = struct.pack(">H", len(fields)) + entries + bytes(4)
    return b"MM\0*" + struct.pack(">I", 8 + len(rows)) + rows + directory


def twelve_bit_tiff(pixels: Pixels) -> bytes:
    """Packed 12-bit grey, two pixels in three bytes; `pixels` are its upper 8 bits."""
    wide = pixels.astype(int).reshape(-1, 2) << 4
    packed = bytes(
        byte
        for left, right in wide
        for byte in (left >> 4, (left & 15) << 4 | right >> 8, right & 255)
    )
    height, width = pixels.shape
    fields = [
        (256, width), (257, height), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1),
        (278, height), (279, len(packed)),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields)
    directory = struct.pack("<H", len(fields)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed + directory


EVEN: Pixels = np.random.default_rng(2).integers(0, 256, (4, 6)).astype(np.uint8)
SIXTEEN = GRAY.astype(np.uint16) * 257
FLOATS = (GRAY / 255).astype(np.float32)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(saved(Image.fromarray(SIXTEEN), "PNG"), GRAY, id="png-16"),
        pytest.param(
            saved(Image.fromarray(GRAY.astype(np.uint16) << 8), "PNG"), GRAY, id="png-16-padded"
        ),
        pytest.param(saved(Image.fromarray(SIXTEEN), "TIFF"), GRAY, id="tiff-16"),
        pytest.param(saved(Image.fromarray(SIXTEEN), "PPM"), GRAY, id="pgm-16"),
        pytest.param(big_endian_tiff(SIXTEEN), GRAY, id="tiff-16-big-endian"),
        pytest.param(twelve_bit_tiff(EVEN), EVEN, id="tiff-12"),
        pytest.param(
            saved(Image.fromarray(SIXTEEN), "TIFF", tiffinfo=tags(photometric=0)),
            255 - GRAY,
            id="tiff-16-white-is-zero",
        ),
        pytest.param(saved(Image.fromarray(FLOATS), "TIFF"), GRAY, id="tiff-float"),
        pytest.param(saved(Image.fromarray(FLOATS), "PPM"), GRAY, id="pfm"),
        pytest.param(saved(Image.fromarray(GRAY).convert("LA"), "PNG"), GRAY, id="opaque"),
        pytest.param(
            saved(Image.fromarray(SIXTEEN), "PNG", transparency=int(SIXTEEN[0, 0])),
            np.where(GRAY == GRAY[0, 0], 255, GRAY).astype(np.uint8),
            id="png-16-with-a-transparent-grey",
        ),
    ],
)
def test_grey_of_any_depth_is_the_same_picture_as_with_8_bits(
    content: bytes, expected: Pixels
) -> None:
    assert np.array_equal(shown(content), in_gray(expected))


def test_one_bit_is_black_and_white() -> None:
    bits = Image.fromarray(GRAY).convert("1", dither=Image.Dither.NONE)
    assert np.array_equal(shown(saved(bits, "PNG")), in_gray(np.where(GRAY > 127, 255, 0)))


def test_ordinary_colour_is_read_bit_for_bit_as_pillow_reads_it() -> None:
    for form in ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM"):
        content = saved(Image.fromarray(COLOUR), form)
        with Image.open(io.BytesIO(content)) as image:
            assert np.array_equal(shown(content), np.asarray(image.convert("RGB"))), form


def test_cmyk_is_converted() -> None:
    cyan = Image.new("CMYK", (2, 2), (255, 0, 0, 0))
    assert np.array_equal(shown(saved(cyan, "TIFF"))[0, 0], [0, 255, 255])


def with_alpha(mode: str) -> Image.Image:
    """Black, seen in its left half alone."""
    image = Image.new("RGBA", (4, 2), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 2, 2))
    if mode != "P":
        return image.convert(mode)
    painted = Image.new("P", (4, 2), 1)
    painted.putpalette([0, 0, 0, 0, 0, 0])
    painted.paste(0, (0, 0, 2, 2))
    painted.info["transparency"] = 1
    return painted


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        ("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("P", "GIF"), ("RGBA", "WEBP"),
        ("RGBA", "TIFF"), ("LA", "TIFF"),
    ],
)  # fmt: skip
def test_alpha_is_laid_over_white(mode: str, form: str) -> None:
    options = {"transparency": 1} if mode == "P" else {"lossless": True} if form == "WEBP" else {}
    found = shown(saved(with_alpha(mode), form, **options))
    assert found[:, :2].max() == 0
    assert found[:, 2:].min() == 255


@pytest.mark.parametrize(("mode", "premultiplied"), [("RGBA", "RGBa"), ("LA", "La")])
def test_colours_that_were_multiplied_with_their_alpha_are_laid_over_white(
    mode: str, premultiplied: str
) -> None:
    found = np.asarray(convert_to_rgb(with_alpha(mode).convert(premultiplied)))
    assert (found[:, :2].max(), found[:, 2:].min()) == (0, 255)


def test_half_an_alpha_is_half_the_colour() -> None:
    assert (
        shown(saved(Image.new("RGBA", (1, 1), (0, 0, 0, 51)), "PNG"))[0, 0].tolist() == [204] * 3
    )


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_a_picture_as_viewers_do(form: str, orientation: int) -> None:
    upright = Image.new("L", (16, 8), 0)
    upright.paste(255, (0, 0, 8, 4))
    # What a camera that was held otherwise stores, and says how to turn back.
    undo = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    stored = (upright if undo is None else upright.transpose(undo)).convert("RGB")
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if form == "WEBP" else {"quality": 100} if form == "JPEG" else {}
    found = shown(saved(stored, form, exif=exif, **options)).astype(int)
    assert np.abs(found - np.asarray(upright.convert("RGB"))).max() <= 2


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_leaves_a_picture_upright() -> None:
    content = saved(Image.fromarray(COLOUR), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    with Image.open(io.BytesIO(content)) as image:
        assert np.array_equal(shown(content), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("form", ["GIF", "TIFF", "PNG", "WEBP", "MPO"])
def test_of_several_frames_the_first_is_read_and_inspection_says_so(
    tmp_path: Path, form: str
) -> None:
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    options = {"lossless": True} if form == "WEBP" else {}
    content = saved(first, form, save_all=True, append_images=[second], **options)
    assert np.abs(shown(content).astype(int) - [255, 0, 0]).max() <= 2
    (tmp_path / "a.img").write_bytes(content)
    (look,) = inspect_images(tmp_path, ["a.img"])
    # The second picture of an MPO is a camera's preview.
    assert look.animated == (form != "MPO")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (saved(Image.fromarray(GRAY.astype(np.int32)), "TIFF"), "32-bit or signed integers"),
        (saved(Image.fromarray(FLOATS * 300), "TIFF"), r"floating-point pixels beyond 0 \(black"),
        (saved(Image.fromarray(FLOATS - 1), "TIFF"), "floating-point pixels beyond"),
        (
            saved(Image.fromarray(np.where(FLOATS > 0.5, np.nan, FLOATS)), "TIFF"),
            "floating-point pixels beyond",
        ),
        (saved(Image.new("LAB", (2, 2)), "TIFF"), "CIELAB"),
    ],
)
def test_pixels_of_unknown_brightness_are_refused_by_name_everywhere(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "image.tif"
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match=reason):
        read_image(path)
    trained = decode_image(path)
    (look,) = inspect_images(tmp_path, ["image.tif"])
    assert isinstance(trained, UnreadableImage)
    assert trained.reason == look.fault
    # A mask's or a depth's pixels are numbers, and no brightness.
    (target,) = inspect_images(tmp_path, ["image.tif"], {"image.tif"})
    assert target.fault is None


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(x) show\nshowpage\n"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (EPS, "EPS"),
        (b"\xc5\xd0\xd3\xc6" + struct.pack("<II", 30, len(EPS)) + bytes(18) + EPS, "EPS"),
        (b"%PDF-1.7\n", "PDF"),
        (saved(Image.new("L", (8, 8)), "ICO"), "ICO"),
        (saved(Image.new("RGBA", (16, 16)), "ICNS"), "ICNS"),
        (saved(Image.new("L", (8, 8)), "JPEG2000"), "JPEG 2000"),
        (saved(Image.new("1", (8, 8)), "XBM"), "XBM"),
        (saved(Image.new("RGB", (8, 8)), "DDS"), "DDS"),
        (saved(Image.new("RGB", (8, 8)), "AVIF"), "AVIF"),
        (b"8BPS\0\1" + bytes(40), "PSD"),
        (b"SIMPLE  =                    T" + b" " * 2850, "FITS"),
        (b"\xd7\xcd\xc6\x9a" + bytes(40), "WMF"),
        (b"\x01\0\0\0" + bytes(36) + b" EMF" + bytes(40), "EMF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf\r\n <svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<!-- drawn by hand --><svg/>", "XML"),
        (saved(Image.new("RGB", (8, 8)), "TGA"), "TGA"),
        (b"\0\0\2\0\1\0" + bytes(40), "CUR"),
        (b"RIFF\x10\0\0\0ACON" + bytes(40), "ANI"),
        (b"\xb1\x68\xde\x3a" + bytes(40), "DCX"),
        (bytes(128) + b"DICM" + bytes(40), "DICOM"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_formats_are_refused_by_name_and_start_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, name: str
) -> None:
    ghostscript = tmp_path / "bin" / "gs"
    ghostscript.parent.mkdir()
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ghostscript.parent}{os.pathsep}{os.environ['PATH']}")
    # By its ending it is an image that every dataset may hold.
    path = tmp_path / "x.png"
    path.write_bytes(content)
    trained = decode_image(path)
    (look,) = inspect_images(tmp_path, ["x.png"])
    (target,) = inspect_images(tmp_path, ["x.png"], {"x.png"})
    assert isinstance(trained, UnreadableImage)
    assert trained.reason == look.fault == target.fault
    assert trained.reason.startswith(f"it is {name}")
    assert not (tmp_path / "started").exists()


def test_an_error_of_any_kind_while_decoding_is_a_reason() -> None:
    whole = bytearray(saved(Image.fromarray(SIXTEEN), "TIFF", compression="tiff_lzw"))
    random = np.random.default_rng(3)
    for _ in range(300):
        spoiled = bytearray(whole)
        for place in random.integers(8, len(whole), 4):
            spoiled[place] = random.integers(0, 256)
        try:
            assert read_image(io.BytesIO(bytes(spoiled))).mode == "RGB"
        except UnreadableImageError as error:
            assert str(error)


def look_at(tmp_path: Path, image: Image.Image) -> ImageInfo:
    image.save(tmp_path / "a.png")
    (look,) = inspect_images(tmp_path, ["a.png"])
    assert look.fault is None
    return look


def test_what_shows_next_to_nothing_is_told(tmp_path: Path) -> None:
    white = Image.new("RGBA", (4, 4), (255, 255, 255, 0))
    white.paste((255, 255, 255, 255), (0, 0, 2, 2))
    assert look_at(tmp_path, white).blank
    assert not look_at(tmp_path, with_alpha("RGBA")).blank
    assert not look_at(tmp_path, Image.new("RGB", (4, 4), "white")).blank
    assert look_at(tmp_path, Image.fromarray(SIXTEEN >> 4)).dark
    assert not look_at(tmp_path, Image.fromarray(SIXTEEN)).dark
    data = sound_folder(tmp_path / "data")
    white.save(data / "train" / "cat" / "0.png")
    Image.fromarray(SIXTEEN >> 4).save(data / "train" / "cat" / "1.png")
    messages = [(found.severity, found.message) for found in inspect_dataset(data).findings]
    assert messages == [
        ("warning", "1 image whose alpha, laid over white, leaves one colour"),
        (
            "warning",
            "1 image of 16 bits that use the lowest 12 or fewer: they show almost black",
        ),
    ]


@pytest.mark.parametrize(
    "content",
    [
        saved(Image.fromarray(SIXTEEN), "PNG"),
        saved(with_alpha("RGBA"), "PNG"),
        saved(Image.new("CMYK", (4, 2), (9, 99, 9, 9)), "TIFF"),
        saved(Image.fromarray(FLOATS), "TIFF"),
    ],
)
def test_training_and_the_reports_thumbnails_show_the_same(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "image"
    path.write_bytes(content)
    trained = decode_image(path)
    scored = SplitScores(np.array([[1.0, 0.0]]), np.array([1]))
    names = ("cat", "dog")
    data = DatasetJob(
        root=tmp_path,
        format="imagefolder",
        classes=names,
        all_classes=names,
        splits={"test": Split(path="test")},
        final_split="test",
    )
    (error,) = collect_errors(scored, [path], data, tmp_path)
    assert isinstance(trained, Image.Image)
    with open_image(tmp_path / error["thumbnail"]) as small:
        assert np.array_equal(np.asarray(trained), np.asarray(small))


def test_no_other_module_opens_an_image_by_itself() -> None:
    root = Path(__file__).parents[3]
    parts = ("adapters", "pipelines", "cli")
    files = [file for part in parts for file in (root / part).rglob("*.py")]
    opening = [file.name for file in files if "Image.open(" in file.read_text(encoding="utf-8")]
    assert opening == ["image_decoding.py"]
