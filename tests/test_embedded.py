"""A description is found wherever other programs put it when they save a file again."""

import html
import io
import signal
import struct
import zlib

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from animegen_core.animation import save_animation
from animegen_core.errors import AnimeGenError
from animegen_core.images import description_text, read_description

DESCRIPTION = {"program": "AnimeGen", "checkpoint": "a & b", "character": {"seed": 7}}
TEXT = description_text(DESCRIPTION)
XMP = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description {}>{}'
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
XMP_ELEMENT = XMP.format("", f"<dc:description>{html.escape(TEXT, quote=False)}</dc:description>").encode()
XMP_ATTRIBUTE = XMP.format(f'photoshop:Headline="{html.escape(TEXT)}"', "").encode()


def exif(tag, value):
    made = Image.Exif()
    made[tag] = value
    return made


def exif_comment(encoding):
    made = Image.Exif()
    made.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"UNICODE\0" + TEXT.encode(encoding)
    return made


def chunk(kind, contents):
    return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", zlib.crc32(kind + contents))


def png(*behind, **options):
    """A PNG with chunks behind its pixels."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG", **options)
    plain, end = stream.getvalue()[:-12], stream.getvalue()[-12:]
    return b"".join([plain, *behind, end])


def saved(kind, **options):
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, kind, **options)
    return stream.getvalue()


def png_info(name, text):
    info = PngImagePlugin.PngInfo()
    info.add_itxt(name, text)
    return info


def raw_profile():
    stored = exif(ExifTags.Base.ImageDescription, TEXT).tobytes()
    return f"\nexif\n {len(stored):8}\n{stored.hex()}\n".encode()


def gif(*extensions, before_pixels=b""):
    plain = saved("GIF")
    start = plain.index(b"\x2c")  # a black picture's colours have no such byte
    return b"".join([plain[:start], before_pixels, plain[start:-1], *extensions, plain[-1:]])


def box(kind, contents):
    return struct.pack(">I4s", len(contents) + 8, kind) + contents


MOVED = {
    "PNG, behind the pixels": png(chunk(b"tEXt", b"animegen\0" + TEXT.removeprefix("animegen ").encode())),
    "PNG, compressed": png(chunk(b"zTXt", b"animegen\0\0" + zlib.compress(TEXT.removeprefix("animegen ").encode()))),
    "PNG, Unicode": png(chunk(b"iTXt", b"animegen\0\0\0en\0\0" + TEXT.removeprefix("animegen ").encode())),
    "PNG, a GIF's comment": png(chunk(b"tEXt", b"Comment\0" + TEXT.encode())),
    "PNG, EXIF": png(exif=exif(ExifTags.Base.ImageDescription, TEXT)),
    "PNG, ImageMagick's EXIF": png(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw_profile()))),
    "PNG, XMP": png(pnginfo=png_info("XML:com.adobe.xmp", XMP_ELEMENT.decode())),
    "JPEG, EXIF": saved("JPEG", exif=exif(ExifTags.Base.ImageDescription, TEXT)),
    "JPEG, EXIF's comment": saved("JPEG", exif=exif_comment("utf-16-le")),
    "JPEG, EXIF's comment, Motorola": saved("JPEG", exif=exif_comment("utf-16-be")),
    "JPEG, XMP": saved("JPEG", xmp=XMP_ELEMENT),
    "JPEG, XMP's attribute": saved("JPEG", xmp=XMP_ATTRIBUTE),
    "JPEG, comment": saved("JPEG", comment=TEXT),
    "WebP, XMP": saved("WEBP", xmp=XMP_ATTRIBUTE),
    "GIF, behind the pixels": gif(b"\x21\xfe" + bytes([len(TEXT)]) + TEXT.encode() + b"\0"),
    "GIF, XMP": gif(b"\x21\xff\x0bXMP DataXMP" + XMP_ELEMENT + b"\1" + bytes(range(255, -1, -1)) + b"\0"),
    "MP4, another box": box(b"ftyp", b"isom") + box(b"mdat", b"x" * 99) + box(b"moov", box(b"meta", TEXT.encode())),
    "MP4, XMP": box(b"ftyp", b"isom") + box(b"uuid", b"0123456789abcdef" + XMP_ELEMENT) + box(b"mdat", b""),
}


@pytest.mark.parametrize("where", MOVED)
def test_a_description_is_found_where_another_program_puts_it(tmp_path, where):
    path = tmp_path / "file"
    path.write_bytes(MOVED[where])
    assert read_description(path) == DESCRIPTION


def test_an_edited_picture_saved_as_a_jpeg_still_has_it(tmp_path, draw):
    film = save_animation([draw(seed) for seed in range(3)], tmp_path / "film.webp", 10, DESCRIPTION)
    with Image.open(film) as opened:
        opened.convert("RGB").rotate(90).save(tmp_path / "edited.jpg", exif=opened.getexif())
    assert read_description(tmp_path / "edited.jpg") == DESCRIPTION


def test_a_good_description_behind_a_damaged_one_is_found(tmp_path):
    path = tmp_path / "face.png"
    path.write_bytes(png(chunk(b"tEXt", b"Comment\0" + TEXT.encode()), pnginfo=png_info("animegen", "{")))
    assert read_description(path) == DESCRIPTION


@pytest.mark.parametrize("text", ["drawn with animegen in May", "animegen, and more", "animegen {", "animegen {mine}"])
def test_a_text_that_speaks_of_us_is_no_description(tmp_path, text):
    path = tmp_path / "face.jpg"
    path.write_bytes(saved("JPEG", comment=text))
    with pytest.raises(AnimeGenError, match=r"has no AnimeGen description|is damaged"):
        read_description(path)


def test_a_gif_of_many_comments_ends_soon(tmp_path):
    """Each comment was once appended to all before it. The alarm, of this process' own time, ends that."""

    def too_long(*_):
        raise AssertionError("still reading")

    comments = b"".join([b"\x21\xfe\x82" + b"x" * 130 + b"\0"] * 60_000)
    path = tmp_path / "film.gif"
    path.write_bytes(gif(before_pixels=comments + b"\x21\xfe" + bytes([len(TEXT)]) + TEXT.encode() + b"\0"))
    before = signal.signal(signal.SIGVTALRM, too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, 10)
    try:
        assert read_description(path) == DESCRIPTION
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
