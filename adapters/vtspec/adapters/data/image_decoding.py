"""Image files as what they show: one reader for training, prediction, inspection and reports.

A file's format is told by its content, and only a few are opened: Pillow also knows formats that
it hands to other programs (EPS to Ghostscript). What they show, as 8-bit RGB:

- 16-bit grey (and 12-bit in TIFF) keeps its upper 8 bits, as Pillow does with 16-bit colour;
- alpha, also of palettes and of a transparent colour, is laid over white;
- floats are brightness from 0 to 1; beyond, black and white are anyone's guess: refused;
- EXIF orientation is applied; of several frames the first is taken;
- CMYK is converted without colour profiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from vtspec.adapters.system_errors import is_shortage

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
"""What is opened, by Pillow's names; JPEG is also MPO, and PPM is PBM, PGM and PFM, too."""

_SIGNATURES: Final = (
    (0, b"%!PS", "EPS"),
    (0, b"\xc5\xd0\xd3\xc6", "EPS"),
    (0, b"%PDF", "PDF"),
    (0, b"8BPS", "PSD"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"\xd7\xcd\xc6\x9a", "WMF"),
    (40, b" EMF", "EMF"),
    (0, b"<svg", "SVG"),
    (0, b"<?xml", "XML, such as SVG"),
    (0, b"<!--", "XML, such as SVG"),
    (0, b"#define", "XBM"),
    (0, b"/* XPM", "XPM"),
    (0, b"icns", "ICNS"),
    (0, b"\0\0\1\0", "ICO"),
    (0, b"\0\0\2\0\0\0", "TGA"),
    (0, b"\0\0\2\0", "CUR"),
    (8, b"ACON", "ANI"),
    (0, b"\xb1\x68\xde\x3a", "DCX"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypheic", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"DDS ", "DDS"),
    (0, b"\x89HDF", "HDF5"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (128, b"DICM", "DICOM"),
)
"""Where which bytes stand in formats that are not opened, so that they can be named."""

MAX_PIXELS: Final = 178_956_970
"""Of one image, such as 13,377 x 13,377: half a GiB in RGB."""

_HEAD_BYTES: Final = 256
_PAPER: Final = (255, 255, 255, 255)
_WIDE: Final = ("I;16", "I;16B", "I;16L", "I;16N")
_PLAIN: Final = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr")
_BITS_TAG, _PHOTOMETRIC_TAG, _ORIENTATION_TAG = 258, 262, 274


class UnreadableImageError(Exception):
    """Why a file shows no image, in a few words; what differs from file to file stands last, in
    parentheses."""


@contextmanager
def open_image(source: Path | BinaryIO) -> Iterator[Image]:
    """An image file with its pixels as they are stored, decoded when they are asked for.

    Raises:
        UnreadableImageError: it is none, or of a format not in `FORMATS`; also in place of
            whatever decoding raises within the block.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(source, formats=FORMATS) as image:
            # Pillow's own limit is a setting of the whole process, that anyone may have lifted.
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImageError(
                    f"it has more than {MAX_PIXELS:,} pixels ({image.width} x {image.height})"
                )
            yield image
    except UnidentifiedImageError as error:
        raise UnreadableImageError(_describe_content(source)) from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError("it has too many pixels to be opened safely") from error
    except UnreadableImageError:
        raise
    except Exception as error:
        if is_shortage(error):
            raise
        # Decoders meet bytes that anyone may have written, and raise almost anything for them.
        raise UnreadableImageError(str(error) or type(error).__name__) from error


def read_image(source: Path | BinaryIO) -> Image:
    """What an image file shows, as 8-bit RGB. Raises `UnreadableImageError`."""
    with open_image(source) as image:
        return convert_to_rgb(image)


def convert_to_rgb(image: Image) -> Image:
    """What an opened image shows, as 8-bit RGB; the opened one may be turned by that.

    Raises:
        UnreadableImageError: how bright its pixels are meant to be is not known.
    """
    from PIL import Image, ImageOps

    image.load()
    if read_orientation(image) != 1:
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode in _WIDE or (image.mode == "I" and image.format == "PPM"):
        image = _narrow(image)
    elif image.mode == "F":
        image = _expose(image)
    elif image.mode not in _PLAIN:
        named = {"I": "32-bit or signed integers", "LAB": "CIELAB colours"}
        what = named.get(image.mode, f"pixels of mode {image.mode}")
        raise UnreadableImageError(
            f"it holds {what}, not 8-bit or 16-bit brightness: save it as such"
        )
    if not image.has_transparency_data:
        return image.convert("RGB")
    if image.mode == "La":
        image = image.convert("LA")
    shown = Image.new("RGBA", image.size, _PAPER)
    shown.alpha_composite(image.convert("RGBA"))
    return shown.convert("RGB")


def read_orientation(image: Image) -> int:
    """The EXIF orientation of an image whose pixels were loaded (a TIFF is turned by that); 1,
    upright, where it is absent or unreadable."""
    try:
        found = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:
        # Viewers show an image whose EXIF is damaged, upright.
        return 1
    return found if found in range(2, 9) else 1


def get_bits(image: Image) -> int:
    """Bits of one channel of an opened image's pixels, as far as they are kept."""
    if image.mode not in _WIDE:
        return {"1": 1, "I": 32, "F": 32}.get(image.mode, 8)
    tags = getattr(image, "tag_v2", {})
    return int(tags.get(_BITS_TAG, (16,))[0])


def get_range(image: Image) -> tuple[float, float]:
    """The lowest and the highest value of the pixels of an image with one channel."""
    return cast("tuple[float, float]", image.getextrema())


def has_more_frames(image: Image) -> bool:
    """Whether an opened image is to be seen in frames or pages, and not only in the first; looked
    for behind the first, so that this comes last."""
    # Cameras put previews and depth behind the picture in an MPO.
    if image.format == "MPO":
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:
        # What lies behind the first is not read, and may be damaged.
        return True


def _narrow(image: Image) -> Image:
    """16-bit (or 12-bit) grey as 8-bit grey, with alpha where one grey is transparent."""
    from PIL import ImageMath

    bits = get_bits(image) if image.mode in _WIDE else 16
    wide = image.convert("I")
    # Truncated and not rounded: 8 bits that were stored as 16, either way, come back as they were.
    gray = _invert_where_white_is_zero(wide.point(lambda v: v * 2.0 ** (8 - bits)), image, 255)
    narrow = gray.convert("L")
    clear = image.info.get("transparency")
    if clear is not None:
        narrow.info.pop("transparency", None)
        narrow.putalpha(
            ImageMath.lambda_eval(
                lambda v: v["convert"]((v["wide"] != clear) * 255, "L"), wide=wide
            )
        )
    return narrow


def _expose(image: Image) -> Image:
    """Floats from 0, black, to 1, white, as 8-bit grey."""
    from PIL import ImageMath

    lowest, highest = get_range(image)
    # A number that is none differs from itself, and extrema pass over it.
    odd = ImageMath.lambda_eval(lambda v: v["v"] != v["v"], v=image).getextrema()
    if not 0 <= lowest <= highest <= 1 or odd != (0, 0):
        raise UnreadableImageError(
            "it holds floating-point pixels beyond 0 (black) to 1 (white): save it with 8 or 16 "
            f"bits ({lowest:g} to {highest:g})"
        )
    upright = _invert_where_white_is_zero(image, image, 1)
    return upright.point(lambda v: v * 255 + 0.5).convert("L")


def _invert_where_white_is_zero(pixels: Image, image: Image, white: int) -> Image:
    # Pillow does so itself with 8 bits, and not beyond.
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC_TAG) != 0:
        return pixels
    return pixels.point(lambda v: v * -1 + white)


def _describe_content(source: Path | BinaryIO) -> str:
    if isinstance(source, Path):
        with source.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    else:
        source.seek(0)
        head = source.read(_HEAD_BYTES)
    if not head:
        return "the file is empty"
    # Before what is text a byte order mark and blank lines may stand.
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for place, signature, name in _SIGNATURES:
        if head[place:].startswith(signature) or (not place and text.startswith(signature)):
            return f"it is {name}, which is not read: save it as PNG or JPEG"
    return "it is no image"
