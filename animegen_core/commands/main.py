"""python -m animegen_core: the studio on the command line."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from tqdm import tqdm

from animegen_core.animation import check_format, save_animation
from animegen_core.character import (
    BANDS,
    EASINGS,
    EVERY_BAND,
    FPS,
    FRAMES,
    KEYS,
    LOOPS,
    MAX_PSI,
    Animation,
    Character,
    Matrix,
    parse_sliders,
)
from animegen_core.checkpoint import DEFAULT_CHECKPOINT, bundled_names, load_checkpoint
from animegen_core.commands import artwork, directions, evaluation, hub, inversion, onnx
from animegen_core.commands.errors import ExitOnError
from animegen_core.data.tags import Tag, write_tags
from animegen_core.errors import AnimeGenError, quote
from animegen_core.grids import draw_matrix
from animegen_core.helpers.labelling import LABELLER, label_pictures, load_classifier
from animegen_core.images import MAX_DESCRIPTION, make_grid, parse_description, read_description, save_png
from animegen_core.labels import ATTRIBUTES, EYES, HAIR, label_name
from animegen_core.latents import PATH_KINDS, parse_seeds
from animegen_core.models.styles import CROSSOVERS
from animegen_core.steering.words import read_words
from animegen_core.studio import Studio, read_described
from animegen_core.version import __version__

app = typer.Typer(cls=ExitOnError, no_args_is_help=True, rich_markup_mode=None)


def _print_version(wished: bool) -> None:
    if wished:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """AnimeGen: invent anime faces from seeds."""


_Checkpoint = Annotated[
    str,
    typer.Option(help="A bundled checkpoint's name, a folder, or user/repo[@revision].", autocompletion=bundled_names),
]
_Size = Annotated[
    int | None,
    typer.Option(help="Size in px: the checkpoint's own, or 2, 4, 8 ... times that, up to 2048; by default its own."),
]
_Device = Annotated[str | None, typer.Option(help="cpu, cuda ...; by default the best available.")]
_Hair = Annotated[str | None, typer.Option(help=f"{', '.join(HAIR)}; any if left out.", autocompletion=lambda: HAIR)]
_Eyes = Annotated[str | None, typer.Option(help=f"{', '.join(EYES)}; any if left out.", autocompletion=lambda: EYES)]
_RecolourHair = Annotated[
    str | None, typer.Option(help="Recolour the hair and keep the face; a colour of --hair.", autocompletion=lambda: HAIR)
]
_RecolourEyes = Annotated[
    str | None, typer.Option(help="Recolour the eyes and keep the face; a colour of --eyes.", autocompletion=lambda: EYES)
]
_Psi = Annotated[float, typer.Option(help=f"Creativity, 0 (the mean face) to {MAX_PSI}.")]
_CROSSOVERS = ",".join(map(str, CROSSOVERS))
_Json = Annotated[bool, typer.Option("--json", help="Print the written files and their descriptions as JSON.")]


@app.command()
def generate(
    seeds: Annotated[str, typer.Option(help="Seeds and ranges, such as 0-63,100.")],
    out: Annotated[Path, typer.Option(help="Folder for the images: seed00000.png and so on.")],
    checkpoint: _Checkpoint = DEFAULT_CHECKPOINT,
    hair: _Hair = None,
    eyes: _Eyes = None,
    psi: _Psi = 1.0,
    variation_seed: Annotated[int, typer.Option(help="Seed of a second face, with which each face is blended.")] = 0,
    variation_strength: Annotated[float, typer.Option(help="Fraction of the second face, 0 to 1.")] = 0.0,
    recolour_hair: _RecolourHair = None,
    recolour_eyes: _RecolourEyes = None,
    slider: Annotated[
        list[str] | None, typer.Option(help="Move a slider by -1 to 1, as in 'tilt=0.5'; may be repeated.")
    ] = None,
    describe: Annotated[
        str | None, typer.Option(help="Words such as 'pink hair, very long hair', in English, Japanese or Chinese.")
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="PNG file for a sheet of all faces; it carries the first one's description and the seeds."),
    ] = None,
    size: _Size = None,
    device: _Device = None,
    as_json: _Json = False,
) -> None:
    """Write one PNG per seed, each with its description embedded."""
    if sheet is not None:
        _check_png("A sheet", sheet)
    recoloured = dict(recolour_hair=recolour_hair, recolour_eyes=recolour_eyes)
    sliders = parse_sliders(slider or [])
    template = Character(0, hair, eyes, psi, variation_seed, variation_strength, sliders=sliders, **recoloured)
    numbers, studio = parse_seeds(seeds), Studio.load(checkpoint, device)
    if describe is not None:
        template = _described_in_words(studio, template, describe)
    studio.check(template)
    characters = [replace(template, seed=number) for number in numbers]
    faces = tqdm(studio.render_many(characters, size), "generating", len(characters), unit="face")
    written, on_sheet = [], []
    for character, picture in zip(characters, faces):
        written.append(_write_picture(studio, character, picture, out / f"seed{character.seed:05d}.png", size))
        if sheet is not None:
            on_sheet.append(picture)
    if sheet is not None:
        description = studio.describe(characters[0], size) | {"seeds": seeds}
        written.append(_entry(save_png(make_grid(on_sheet), sheet, description), description))
    _print_written(written, as_json)


@app.command()
def animate(
    seeds: Annotated[str, typer.Option(help=f"Key faces, {KEYS[0]} to {KEYS[1]} seeds, such as 3,7.")],
    out: Annotated[Path, typer.Option(help="A .gif, .webp or .mp4 file, or a new folder for one PNG per frame.")],
    checkpoint: _Checkpoint = DEFAULT_CHECKPOINT,
    path: Annotated[str, typer.Option(help=", ".join(PATH_KINDS))] = "slerp",
    frames: Annotated[int, typer.Option(help="Number of frames, {} to {}.".format(*FRAMES))] = 60,
    fps: Annotated[int, typer.Option(help="Frames a second, {} to {}.".format(*FPS))] = 30,
    easing: Annotated[str, typer.Option(help=", ".join(EASINGS))] = "linear",
    loop: Annotated[str, typer.Option(help=", ".join(LOOPS))] = "closed",
    hair: _Hair = None,
    eyes: _Eyes = None,
    psi: _Psi = 1.0,
    size: _Size = None,
    device: _Device = None,
    as_json: _Json = False,
) -> None:
    """Write an animation through several faces, with its description embedded."""
    numbers = parse_seeds(seeds)
    keys = tuple(Character(seed, hair, eyes, psi) for seed in numbers[: KEYS[1] + 1])
    written = _save(Studio.load(checkpoint, device), Animation(keys, path, frames, fps, easing, loop), out, size)
    _print_written(written, as_json)


@app.command()
def mix(
    out: Annotated[Path, typer.Option(help="The PNG to write.")],
    checkpoint: _Checkpoint = DEFAULT_CHECKPOINT,
    coarse: Annotated[int | None, typer.Option(help="Seed of the face that gives pose and shape.")] = None,
    middle: Annotated[int | None, typer.Option(help="Seed of the face that gives features.")] = None,
    fine: Annotated[int | None, typer.Option(help="Seed of the face that gives colours.")] = None,
    rows: Annotated[str | None, typer.Option(help="For a matrix of mixes: seeds of the colours, one row each.")] = None,
    columns: Annotated[
        str | None, typer.Option(help="For a matrix of mixes: seeds of pose, shape and features, one column each.")
    ] = None,
    crossovers: Annotated[str, typer.Option(help="Sizes in px at which middle and fine styles begin.")] = _CROSSOVERS,
    hair: _Hair = None,
    eyes: _Eyes = None,
    psi: _Psi = 1.0,
    size: _Size = None,
    device: _Device = None,
    as_json: _Json = False,
) -> None:
    """Mix the styles of several faces into one face or a matrix. Needs a checkpoint with styles."""
    sources = (coarse, middle, fine)
    one, matrix = None not in sources, rows is not None and columns is not None
    if one == matrix or (matrix and sources != (None,) * 3):
        raise AnimeGenError("Give either --coarse, --middle and --fine, or --rows and --columns.")
    template = Character(0, hair, eyes, psi, crossovers=tuple(parse_seeds(crossovers)))
    if matrix:
        described = Matrix(parse_seeds(rows), parse_seeds(columns), template=template)
    else:
        described = replace(template, seed=coarse, middle=middle, fine=fine)
    _print_written(_save(Studio.load(checkpoint, device), described, out, size), as_json)


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A PNG, GIF, WebP or MP4 that AnimeGen wrote.")]) -> None:
    """Print the description in a file as JSON. ``render`` draws it again."""
    description = read_description(file)
    read_described(description)
    typer.echo(json.dumps(description, indent=2))


@app.command()
def render(
    description: Annotated[Path, typer.Argument(help="A JSON file with the output of restore, or a file that AnimeGen wrote.")],
    out: Annotated[Path, typer.Option(help="A .png file for a face; for an animation as in animate.")],
    checkpoint: Annotated[str | None, typer.Option(help="Checkpoint; by default that of the description.")] = None,
    size: Annotated[int | None, typer.Option(help="Size in px; by default that of the description.")] = None,
    device: _Device = None,
    as_json: _Json = False,
) -> None:
    """Draw a description."""
    studio, described, found = _open(description, checkpoint, device)
    _print_written(_save(studio, described, out, found.get("size") if size is None else size), as_json)


@app.command("relatives")
def draw_relatives(
    description: Annotated[Path, typer.Argument(help="A face that AnimeGen wrote, or a JSON file with the output of restore.")],
    out: Annotated[Path, typer.Option(help="Folder for the images: relative00.png and so on.")],
    count: Annotated[int, typer.Option(help="Number of relatives, 1 to 64.")] = 8,
    spread: Annotated[float, typer.Option(help="How far they are, 0 (the same face) to 1 (another one).")] = 0.4,
    band: Annotated[str, typer.Option(help=f"What changes: {', '.join(BANDS)} layers, or {EVERY_BAND}.")] = EVERY_BAND,
    seed: Annotated[int, typer.Option(help="Another seed gives other relatives.")] = 0,
    checkpoint: Annotated[str | None, typer.Option(help="Checkpoint; by default that of the description.")] = None,
    size: _Size = None,
    device: _Device = None,
    as_json: _Json = False,
) -> None:
    """Draw relatives of a face. Each keeps its line, so pick one and draw its relatives in turn."""
    studio, described, _ = _open(description, checkpoint, device)
    if not isinstance(described, Character):
        raise AnimeGenError(f"{quote(description.name)} is no face; relatives are of one face.")
    found = studio.relatives(described, count, spread, band, seed)
    faces = zip(found, tqdm(studio.render_many(found, size), "drawing", count, unit="face"))
    written = [
        _write_picture(studio, character, picture, out / f"relative{index:02d}.png", size)
        for index, (character, picture) in enumerate(faces)
    ]
    _print_written(written, as_json)


@app.command()
def info(
    checkpoint: Annotated[
        str | None, typer.Argument(help="A bundled checkpoint's name, a folder, or user/repo[@revision].")
    ] = None,
) -> None:
    """Print the facts about a checkpoint as JSON. Without a name, list the bundled checkpoints."""
    found = bundled_names() if checkpoint is None else load_checkpoint(checkpoint).info()
    typer.echo(json.dumps(found, indent=2))


@app.command()
def label(
    data: Annotated[Path, typer.Option(help="Folder or zip of faces.")],
    out: Annotated[Path, typer.Option(help="Output: CSV with file, hair, eyes and a probability of each.")],
    classifier: Annotated[str, typer.Option(help="A bundled classifier's name, or its folder.")] = LABELLER,
    as_json: Annotated[bool, typer.Option("--json", help="Print the number of images of each colour as JSON.")] = False,
) -> None:
    """Tag faces with hair and eye colours, for train.py --labels."""
    labelled = label_pictures(data, load_classifier(classifier))
    if labelled.skipped_message:
        typer.echo(labelled.skipped_message, err=True)
    write_tags(out, labelled.tags)
    if as_json:
        typer.echo(json.dumps({"file": str(out), "pictures": len(labelled.tags), **_count_colours(labelled.tags)}, indent=2))
    else:
        typer.echo(f"Tagged {len(labelled.tags):,} images in '{out}'.")


@app.command("space")
def publish_space(
    name: Annotated[str, typer.Argument(help="The Space, as user/name; created if missing.")],
    private: Annotated[bool, typer.Option("--private", help="Create a private Space.")] = False,
) -> None:
    """Publish this clone's studio as a Hugging Face Space, or update it. Log in first: hf auth login."""
    from animegen_core.commands import space

    typer.echo(space.publish(name, private))


app.command()(artwork.cutout)
app.command()(artwork.lineart)
app.command()(artwork.palette)
app.command()(artwork.sheet)
app.command()(inversion.invert)
app.command()(hub.push)
app.command()(hub.pull)
app.command()(onnx.export)
app.command()(directions.directions)
app.command()(evaluation.evaluate)
app.command()(evaluation.compare)
app.command()(evaluation.features)


def _described_in_words(studio: Studio, template: Character, text: str) -> Character:
    """The template with what the words say; flags have priority."""
    words = read_words(text, studio.sliders)
    if words.feedback:
        typer.echo(words.feedback, err=True)
    colours = {name: getattr(template, name) or getattr(words, name) for name in ATTRIBUTES}
    return replace(template, **colours, sliders=words.sliders | dict(template.sliders))


def _open(description: Path, checkpoint: str | None, device: str | None) -> tuple[Studio, Character | Animation | Matrix, dict]:
    """The studio that draws the description in a file, what is described, and the whole description."""
    found = _read_json(description) if description.suffix.lower() == ".json" else read_description(description)
    name, described = read_described(found)
    try:
        studio = Studio.load(checkpoint or name, device)
    except AnimeGenError as error:
        if checkpoint is not None:
            raise
        wanted = f"the hash of its weights is {quote(found.get('checkpoint_hash'))}"
        raise AnimeGenError(f"{error} The description names it; {wanted}. Give the path with --checkpoint.") from error
    if found.get("checkpoint_hash") != studio.checkpoint.hash:
        typer.echo(f"Note: {studio.checkpoint.name} has other weights than the description; faces will differ.", err=True)
    elif found.get("directions_hash") != studio.describe(described).get("directions_hash"):
        typer.echo(f"Note: {studio.checkpoint.name} has other sliders than the description; faces will differ.", err=True)
    return studio, described, found


def _save(studio: Studio, described: Character | Animation | Matrix, out: Path, size: int | None) -> list[dict]:
    if isinstance(described, Animation):
        check_format(out)
        frames = tqdm(studio.animate(described, size), "drawing", described.frames, unit="frame")
        description = studio.describe(described, size)
        save_animation(frames, out, described.fps, description, loop=described.loop != "once")
        return [_entry(path, description) for path in (sorted(out.iterdir()) if out.is_dir() else [out])]
    is_matrix = isinstance(described, Matrix)
    _check_png("A matrix" if is_matrix else "A face", out)
    picture = draw_matrix(studio, described, size) if is_matrix else studio.render(described, size)
    return [_write_picture(studio, described, picture, out, size)]


def _write_picture(studio: Studio, described: Character | Matrix, picture: Image.Image, out: Path, size: int | None) -> dict:
    description = studio.describe(described, size)
    return _entry(save_png(picture, out, description), description)


def _check_png(what: str, path: Path) -> None:
    if path.suffix.lower() != ".png":
        raise AnimeGenError(f"{what} is written as .png, not to {quote(path.name)}.")


def _entry(path: Path, description: dict | None) -> dict:
    return {"file": str(path), "description": description}


def _print_written(written: list[dict], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(written, indent=2))


def _count_colours(tags: list[Tag]) -> dict[str, dict[str, int]]:
    """Number of images of each colour, most frequent first."""
    named = ([label_name(name, tag.labels[index]) for tag in tags] for index, name in enumerate(ATTRIBUTES))
    return {name: dict(Counter(colours).most_common()) for name, colours in zip(ATTRIBUTES, named)}


def _read_json(path: Path) -> dict:
    try:
        with path.open(encoding="utf-8") as stream:
            text = stream.read(MAX_DESCRIPTION + 1)
    except UnicodeDecodeError as error:
        raise AnimeGenError(f"{quote(path.name)} is not UTF-8 text.") from error
    return parse_description(text, f"The description in {quote(path.name)}")
