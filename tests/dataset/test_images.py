"""Decoding whatever people have on their disks, and fitting it to a square."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tests.conftest import att
from tests.dataset.conftest import picture
from yolo_koin.dataset.images import (
    FACE_SHARE,
    MAX_PIXELS,
    PAD_COLOUR,
    PhotoError,
    crop,
    crop_face,
    fingerprint,
    header_of,
    open_photo,
    pad,
    prepare,
    read_photo,
    size_of,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "photo.jpg"


def pixels(image: Image.Image) -> NDArray[np.int16]:
    return np.asarray(image, dtype=np.int16)


def psnr(a: Image.Image, b: Image.Image) -> float:
    """Peak signal-to-noise ratio, in dB."""
    error = float(np.mean((pixels(a).astype(float) - pixels(b)) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def portrait(width: int = 1080, height: int = 1350) -> Image.Image:
    """A photo as phones make them: a face, enlarged, in colour, with the noise of a sensor."""
    face = pixels(att(1, 1).resize((width, height), Image.Resampling.BICUBIC).convert("RGB")) * np.array([1.0, 0.85, 0.7])
    return Image.fromarray((face + np.random.default_rng(0).normal(0, 6, face.shape)).clip(0, 255).astype(np.uint8))


# ------------------------------------------------------------------------------------------------------------ orientation
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "avif"])
def test_orientation(path: Path, orientation: int, ending: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = path.with_suffix(f".{ending}")
    picture(1, 90, 160).save(path, exif=exif)
    before = path.read_bytes()
    expected = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    image, size = open_photo(path)
    assert image.size == size == size_of(path) == expected.size
    assert header_of(path).orientation == orientation
    assert np.array_equal(pixels(image), pixels(expected))
    assert path.read_bytes() == before


def test_orientation_of_a_reduced_photo(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    portrait(400, 800).save(path, exif=exif)
    image, size = open_photo(path, at_least=50)
    assert size == (800, 400), "the size of the original, upright"
    assert image.size == (200, 100)


CROOKED = b"Exif\0\0MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x01\0\x63\0\0\x01\x0e\0\x09\0\0\xff\xff"


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", CROOKED], ids=["no EXIF at all", "ends early, orientation 99"])
def test_a_damaged_exif_block_takes_nothing_from_the_photo(path: Path, exif: bytes) -> None:
    picture(1).save(path, exif=exif)
    assert open_photo(path)[1] == (45, 48)


def test_an_exif_block_that_cannot_be_written_again(path: Path) -> None:
    width_as_text = struct.pack(">HHI4s", 0x0100, 2, 4, b"20 px")
    turned_right = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02" + width_as_text + turned_right + bytes(4)
    picture(1, 20, 30).save(path, exif=exif)
    with pytest.raises(struct.error):
        ImageOps.exif_transpose(Image.open(path))
    assert open_photo(path)[1] == (30, 20)


def test_the_library_is_quiet_about_damage_and_size(path: Path) -> None:
    picture(1).save(path, exif=CROOKED)
    (large := path.with_suffix(".png")).write_bytes(png(10_000, 9_000, 8, 0, b""))
    code = f"""
from pathlib import Path
from yolo_koin.dataset.images import PhotoError, open_photo
open_photo(Path({str(path)!r}))
try:
    open_photo(Path({str(large)!r}))
except PhotoError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("truncated or damaged\n", "")


# ------------------------------------------------------------------------------------------------------------------ modes
def test_cmyk(path: Path) -> None:
    Image.new("CMYK", (64, 64), (0, 255, 255, 0)).save(path, quality=95)
    image, _ = open_photo(path, at_least=16)
    assert image.mode == "RGB"
    assert np.abs(pixels(image) - (255, 0, 0)).max() <= 8, "cyan 0, magenta and yellow full: red"


def test_grey(path: Path) -> None:
    att(1, 1).save(path, quality=95)
    image, size = open_photo(path)
    assert (image.mode, size) == ("RGB", (92, 112))
    assert np.abs(pixels(image)[..., 0] - pixels(att(1, 1))).mean() < 2


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparency_becomes_white(path: Path, mode: str) -> None:
    image = Image.new(mode, (4, 1), (0, 255) if mode == "LA" else (0, 0, 0, 255))
    for x, alpha in enumerate((255, 128, 0)):
        image.putpixel((x, 0), (0, alpha) if mode == "LA" else (0, 0, 0, alpha))
    image.save(path, "PNG")
    assert pixels(open_photo(path)[0])[0, :3, 0].tolist() == pytest.approx([0, 127, 255], abs=1)


def test_transparent_colour_of_a_palette(path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.save(path, "PNG", transparency=1)
    assert pixels(open_photo(path)[0]).tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_palette(path: Path) -> None:
    quantised = portrait(40, 50).quantize(16)
    quantised.save(path, "PNG")
    assert np.array_equal(pixels(open_photo(path)[0]), pixels(quantised.convert("RGB")))


@pytest.mark.parametrize("values", [[0, 255, 256, 32768, 65535], [0, 100, 255, 200, 3]], ids=["full range", "a night photo"])
def test_sixteen_bit_grey(path: Path, values: list[int]) -> None:
    Image.fromarray(np.array([values], dtype=np.uint16)).save(path, "PNG")
    assert pixels(open_photo(path)[0])[0, :, 1].tolist() == [value >> 8 for value in values]


def png(width: int, height: int, depth: int, colour: int, data: bytes) -> bytes:
    """A PNG of raw bytes, which Pillow itself cannot write for 16-bit colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def test_sixteen_bit_colour(path: Path) -> None:
    path.write_bytes(png(2, 1, 16, 2, b"\0" + struct.pack(">6H", 0x12FF, 0x8000, 0xFFFF, 0, 255, 0x7F01)))
    assert pixels(open_photo(path)[0]).tolist() == [[[0x12, 0x80, 0xFF], [0, 0, 0x7F]]]


def test_one_bit(path: Path) -> None:
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    image.save(path, "PNG")
    assert pixels(open_photo(path)[0])[0, :, 0].tolist() == [0, 255]


# ---------------------------------------------------------------------------------------------------------------- formats
@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_a_photo_of_a_phone_whose_pixels_are_lost_is_damaged(kind: str) -> None:
    """The decoder of AVIF raises a RuntimeError, which stopped every verb at the first such photo."""
    stream = io.BytesIO()
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").from_pillow(picture(1)).save(stream)
    else:
        picture(1).save(stream, kind)
    data = stream.getvalue()
    pixels = data.index(b"mdat") + 4
    with pytest.raises(PhotoError, match="damaged"):
        open_photo(data[:pixels] + bytes(len(data) - pixels))


@pytest.mark.parametrize("written", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_the_content_counts_and_not_the_ending(path: Path, written: str, ending: str) -> None:
    path = path.with_suffix(f".{ending}")
    portrait(80, 100).save(path, written)
    image, _ = open_photo(path)
    assert psnr(image, portrait(80, 100)) > 25


def test_progressive_jpeg(path: Path) -> None:
    portrait(320, 400).save(path, progressive=True, quality=95)
    assert psnr(open_photo(path, at_least=100)[0].resize((100, 125)), portrait(320, 400).resize((100, 125))) > 35


def test_photo_with_a_second_one_inside(path: Path) -> None:
    portrait(800, 1000).save(path, "MPO", save_all=True, append_images=[portrait(80, 100)])
    image, size = open_photo(path, at_least=100)
    assert size == (800, 1000)
    assert image.size == (200, 250), "reduced like any JPEG"


@pytest.mark.parametrize("written", ["GIF", "PPM", "ICO"])
def test_other_formats_are_no_photos_whatever_their_ending(path: Path, written: str) -> None:
    portrait(80, 100).save(path, written)
    with pytest.raises(PhotoError, match=r"^not an image$"):
        open_photo(path)


# ------------------------------------------------------------------------------------------------------- what is no photo
def encoded(kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    portrait(200, 250).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty file"),
        (b"hello, I am a text", "not an image"),
        (b"<html>403 Forbidden</html>", "not an image"),
        (encoded()[:3000], "truncated or damaged"),
        (encoded()[:-2000], "truncated or damaged"),
        (encoded("PNG")[:3000], "truncated or damaged"),
        (encoded("WEBP")[:300], "truncated or damaged"),
        (b"\xff\xd8\xff\xe0", "not an image"),
    ],
    ids=["empty", "text", "a web page saved as a photo", "early end", "late end", "PNG", "WebP", "head only"],
)
def test_what_cannot_be_decoded(path: Path, data: bytes, message: str) -> None:
    path.write_bytes(data)
    for at_least in (None, 32):
        with pytest.raises(PhotoError, match=rf"^{message}$"):
            open_photo(path, at_least)
    assert path.read_bytes() == data


def test_a_folder_and_a_missing_photo(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="a folder"):
        open_photo(tmp_path)
    with pytest.raises(PhotoError, match="No such file"):
        open_photo(tmp_path / "none.jpg")


def test_a_bomb_is_refused_before_it_is_unpacked(path: Path) -> None:
    resource = pytest.importorskip("resource", reason="memory is measured on POSIX systems")
    side = 30_000
    path.write_bytes(png(side, side, 8, 2, bytes(3_000_000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PhotoError, match=r"too large: .*178 megapixels"):
        open_photo(path)
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 100e6, "the picture would take 2.7 GB"


def test_a_bomb_is_refused_even_when_another_library_switched_pillows_check_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # as Ultralytics does
    path.write_bytes(png(30_000, 30_000, 8, 2, bytes(10)))
    with pytest.raises(PhotoError, match="too large: 30000 × 30000 px"):
        open_photo(path)


@pytest.mark.filterwarnings("ignore")
def test_a_photo_of_100_megapixels_is_none(path: Path) -> None:
    Image.new("L", (10_000, 10_000), 77).save(path, quality=50)
    image, size = open_photo(path, at_least=256)
    assert size == (10_000, 10_000)
    assert size[0] * size[1] < MAX_PIXELS
    assert image.size == (1250, 1250)


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_raise_nothing_but_photo_errors(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2020:01:01 00:00:00"
    kinds: list[tuple[Image.Image, str, dict[str, object]]] = [
        (portrait(45, 56), "JPEG", {"exif": exif}),
        (portrait(45, 56).quantize(16), "PNG", {"exif": exif, "transparency": 3}),
        (portrait(45, 56), "WEBP", {"exif": exif}),
        (portrait(45, 56), "BMP", {}),
    ]
    chance = random.Random(4)
    refused: list[str] = []
    for image, kind, options in kinds:
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        for _ in range(120):
            data = bytearray(stream.getvalue())
            for _ in range(chance.choice((1, 2, 8))):
                data[chance.randrange(min(len(data), 250))] = chance.choice((0, 255, chance.randrange(256)))
            path.write_bytes(data)
            try:
                assert open_photo(path, at_least=10)[0].mode == "RGB"
            except PhotoError as error:
                refused.append(str(error))
    assert 50 < len(refused) < 450, "some of the damage matters, and some does not"
    assert not any("\n" in reason for reason in refused)


# ---------------------------------------------------------------------------------------------------------- reduced decode
@pytest.mark.parametrize(
    ("side", "expected"),
    [(256, (540, 675)), (128, (270, 338)), (64, (135, 169)), (32, (135, 169)), (600, (1080, 1350))],
    ids=["half", "quarter", "eighth", "no further", "not needed"],
)
def test_reduced_decode_leaves_twice_the_pixels(path: Path, side: int, expected: tuple[int, int]) -> None:
    portrait().save(path, quality=90)
    image, size = open_photo(path, at_least=side)
    assert size == (1080, 1350)
    assert image.size == expected
    assert open_photo(path)[0].size == size


@pytest.mark.parametrize("side", [224, 128])
@pytest.mark.parametrize("fit", [crop, pad])
def test_reduced_decode_loses_nothing_after_fitting(path: Path, side: int, fit: object) -> None:
    portrait().save(path, quality=90)
    assert callable(fit)
    reduced, full = fit(open_photo(path, at_least=side)[0], side), fit(open_photo(path)[0], side)
    assert psnr(reduced, full) > 38  # above 36 dB, two photos look the same side by side


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((1080, 1350), 640, (540, 675)),
        ((1350, 1080), 640, (675, 540)),
        ((1080, 1350), 676, (1080, 1350)),
        ((1280, 100), 640, (640, 50)),
        ((1279, 100), 640, (1279, 100)),
        ((1600, 3), 200, (800, 2)),
        ((300, 200), 640, (300, 200)),
    ],
    ids=["half", "lying", "a pixel short of half", "just half", "just not", "a strip, which has few rows to spare", "small"],
)
def test_reduced_decode_leaves_the_longer_side_as_long_as_needed(
    path: Path, size: tuple[int, int], longest: int, expected: tuple[int, int]
) -> None:
    portrait(*size).save(path)
    image, full = open_photo(path, longest=longest)
    assert full == size
    assert image.size == expected


@pytest.mark.parametrize("orientation", [6, 8])
def test_a_turned_photo_of_which_the_longer_side_is_enough(path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    portrait(1080, 1350).save(path, exif=exif)
    image, full = open_photo(path, longest=640)
    assert (full, image.size) == ((1350, 1080), (675, 540))


# ------------------------------------------------------------------------------------------------------------- from bytes
def test_bytes_are_decoded_like_their_file(path: Path) -> None:
    portrait(400, 500).save(path)
    content = read_photo(path)
    assert content == path.read_bytes()
    for at_least in (None, 50):
        (one, size), (other, again) = open_photo(path, at_least), open_photo(content, at_least)
        assert size == again
        assert np.array_equal(pixels(one), pixels(other))


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "empty file"), (b"text", "not an image"), (encoded()[:3000], "truncated or damaged")]
)
def test_bytes_that_cannot_be_decoded(content: bytes, message: str) -> None:
    with pytest.raises(PhotoError, match=rf"^{message}$"):
        open_photo(content)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="a folder, not a photo"):
        read_photo(tmp_path)
    with pytest.raises(PhotoError, match=r"cannot read \(No such file"):
        read_photo(tmp_path / "none.jpg")


# ---------------------------------------------------------------------------------------------------------------- fitting
def test_crop_takes_the_centre() -> None:
    photo = Image.new("RGB", (300, 100), "red")
    photo.paste("blue", (100, 0, 200, 100))
    assert np.all(pixels(crop(photo, 50))[:, 1:-1] == (0, 0, 255))  # the filter mixes a border pixel with its neighbour


@pytest.mark.parametrize("size", [(300, 100), (100, 300)])
def test_pad_keeps_everything(size: tuple[int, int]) -> None:
    photo = Image.new("RGB", size, "blue")
    fitted = pixels(pad(photo, 90))
    if size[0] < size[1]:
        fitted = fitted.transpose(1, 0, 2)
    assert np.all(fitted[30:60] == (0, 0, 255))
    assert np.all(fitted[:30] == PAD_COLOUR)
    assert np.all(fitted[60:] == PAD_COLOUR)


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 1), (3, 700)])
def test_extreme_shapes(path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, "blue").save(path, "PNG")
    for fit in ("crop", "pad"):
        prepared = prepare(path, fit, 64)
        assert (prepared.width, prepared.height) == size
        fitted = Image.open(io.BytesIO(prepared.jpeg))
        assert fitted.size == (64, 64)
        assert pixels(fitted)[..., 2].max() > 200, "something of the photo is left"


def test_crop_face_centres_the_face() -> None:
    photo = Image.new("RGB", (200, 300), "green")
    photo.paste("red", (80, 100, 120, 160))  # 40 wide, 60 high
    length = round(FACE_SHARE * 60)
    red = (pixels(crop_face(photo, length, (80, 100, 40, 60)))[..., 0]) > 200  # one pixel for each of the photo
    assert red.sum() == 40 * min(60, length)
    rows, columns = np.nonzero(red)
    assert rows.min() + rows.max() == pytest.approx(length - 1, abs=1)
    assert columns.min() + columns.max() == pytest.approx(length - 1, abs=1)


def test_a_face_at_the_border_is_framed_in_grey() -> None:
    length = round(FACE_SHARE * 60)
    fitted = pixels(crop_face(Image.new("RGB", (100, 100), "blue"), length, (-20, 40, 60, 50)))
    outside = round(length / 2 - 10)  # the middle of the face is 10 px inside of the photo
    assert np.all(fitted[:, : outside - 1] == PAD_COLOUR)
    assert np.all(fitted[1:30, outside + 1 :] == (0, 0, 255))


@pytest.mark.parametrize("box", [(0, 0, 0, 0), (50, 50, 0.2, 0.1), (500, 500, 30, 30), (-300, 0, 20, 20), (0, 0, 4000, 10)])
def test_any_box_gives_a_square(box: tuple[float, float, float, float]) -> None:
    assert crop_face(Image.new("RGB", (100, 80)), 32, box).size == (32, 32)


# ---------------------------------------------------------------------------------------------------------------- prepare
def test_prepare_writes_a_plain_jpeg_of_full_colour_resolution(path: Path) -> None:
    portrait(300, 400).save(path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    prepared = prepare(path, "pad", 128)
    image = Image.open(io.BytesIO(prepared.jpeg))
    assert (image.format, image.size, image.mode) == ("JPEG", (128, 128), "RGB")
    assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]  # 4:4:4
    assert not image.getexif()
    assert (prepared.width, prepared.height) == (300, 400)
    assert prepared == prepare(path, "pad", 128), "the same bytes each time"
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_prepare_around_the_face(path: Path) -> None:
    photo = Image.new("RGB", (1600, 2000), "green")
    photo.paste("red", (400, 400, 800, 800))
    photo.save(path)

    prepared = prepare(path, "face", 64, (400, 400, 400, 400))
    fitted = pixels(Image.open(io.BytesIO(prepared.jpeg)))
    assert (prepared.width, prepared.height) == (1600, 2000)
    assert fitted[32, 32, 0] > 200
    assert fitted[2, 2, 0] < 60
    assert (fitted[..., 0] > 128).mean() == pytest.approx(1 / FACE_SHARE**2, abs=0.03)


def test_prepare_without_a_face(path: Path) -> None:
    picture(1).save(path)
    with pytest.raises(PhotoError, match="no face found"):
        prepare(path, "face", 64)


# ------------------------------------------------------------------------------------------------------------ fingerprints
def test_fingerprint_reads_left_to_right_and_top_to_bottom() -> None:
    grey = np.zeros((8, 9), dtype=np.uint8)
    grey[0, 1] = 200  # darker than its right neighbour: the very first pixel
    grey[7, 8] = 200  # and the last but one of the last row
    assert fingerprint(Image.fromarray(grey)) == (1 << 63) | 1


def bits(a: int, b: int) -> int:
    return (a ^ b).bit_count()


@pytest.mark.parametrize("person", [1, 7, 20])
def test_fingerprint_of_a_copy_is_near_and_of_another_person_far(person: int, path: Path) -> None:
    photo = att(person, 1).convert("RGB").resize((460, 560))
    photo.save(path, quality=40)
    original = fingerprint(photo)
    assert bits(original, fingerprint(open_photo(path)[0])) <= 4
    assert bits(original, fingerprint(photo.resize((230, 280)))) <= 4
    assert bits(original, fingerprint(att(person + 1, 1))) > 4


def test_fingerprint_does_not_depend_on_the_fit(path: Path) -> None:
    portrait().save(path)
    face = prepare(path, "face", 256, (10.0, 10.0, 50.0, 50.0)).fingerprint
    assert prepare(path, "crop", 256).fingerprint == prepare(path, "pad", 256).fingerprint
    assert bits(prepare(path, "pad", 256).fingerprint, face) <= 2  # decoded at another scale
