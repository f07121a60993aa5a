"""What a photo's file tells beside its first picture: further pictures, and private data of who took it."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import ExifTags, Image

from yolo_koin.dataset.decoding import opened

PRIVATE = {  # EXIF tag → what it tells
    ExifTags.Base.BodySerialNumber: "the camera's serial number",
    ExifTags.Base.CameraSerialNumber: "the camera's serial number",
    ExifTags.Base.LensSerialNumber: "the lens's serial number",
    ExifTags.Base.CameraOwnerName: "the owner's name",
}
ONE_PHOTO = frozenset({"JPEG", "MPO"})  # a phone's MPO holds several views, or a preview, of one photo


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file tells.

    Attributes:
        pictures: in it: more than one where it is animated or has pages.
        private: where the photo was taken, and whose camera it was, as far as EXIF says: words, not the values.
    """

    pictures: int = 1
    private: str = ""


def metadata_of(photo: bytes) -> Metadata:
    """What the bytes of a photo tell; no pixel is decoded. A damaged block of metadata tells nothing."""
    try:
        with opened(photo) as image:
            pictures = 1 if image.format in ONE_PHOTO else int(getattr(image, "n_frames", 1))
            return Metadata(pictures, ", ".join(sorted(_private(_exif(image)))))
    except Exception:  # Pillow raises all kinds on damaged metadata, and the photo itself is judged elsewhere
        return Metadata()


def _exif(image: Image.Image) -> Image.Exif:
    if image.format != "PNG":
        return image.getexif()
    exif = Image.Exif()  # getexif() would decode all of a PNG
    exif.load(image.info.get("exif", b""))
    return exif


def _private(exif: Image.Exif) -> set[str]:
    tags = {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    told = {words for tag, words in PRIVATE.items() if str(tags.get(tag, "")).strip("\0 ")}
    return told | ({"the place"} if exif.get_ifd(ExifTags.IFD.GPSInfo).get(ExifTags.GPS.GPSLatitude) else set())
