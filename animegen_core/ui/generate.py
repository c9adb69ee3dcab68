"""The Generate tab: seeds in, faces out."""

import secrets
from pathlib import Path

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from animegen_core.character import Character
from animegen_core.errors import AnimeGenError
from animegen_core.images import encode_png
from animegen_core.latents import MAX_SEED, check_seed
from animegen_core.studio import Studio

MAX_FACES = 64
_FACES_AT_FIRST = 16
_SEED_AT_FIRST = 2  # a cheerful face to open with
_NEW_SEEDS = 1_000_000  # drawn seeds stay below: six digits can be noted on paper, and a million faces last a while
_RENDER_QUEUE = "render"  # one queue for all that draws: visitors take turns, and torch's threads do not fight


def consecutive_seeds(seed: object, faces: object) -> list[int]:
    """``faces`` seeds from ``seed`` on, starting again at 0 after the highest.

    Raises:
        AnimeGenError: the seed or the number of faces is out of range.
    """
    if seed is None:
        raise AnimeGenError(f"Seed is empty; give a whole number from 0 to {MAX_SEED}.")
    first = check_seed(_whole(seed))
    if not isinstance(_whole(faces), int) or not 1 <= _whole(faces) <= MAX_FACES:
        raise AnimeGenError(f"Faces is {faces!r}, but must be a whole number from 1 to {MAX_FACES}.")
    return [(first + index) % (MAX_SEED + 1) for index in range(_whole(faces))]


def _whole(number: object) -> object:
    """Browsers send 7 as 7 or as 7.0."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


def build(studio: Studio, demo: gr.Blocks) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=240):
            go = gr.Button("Generate", variant="primary", size="lg", elem_id="generate")
            seed = gr.Number(
                value=_SEED_AT_FIRST,
                label="Seed",
                info=f"A whole number, 0 to {MAX_SEED}.",
                precision=0,
                minimum=0,
                maximum=MAX_SEED,
                elem_id="seed",
            )
            lock = gr.Checkbox(label="Lock seed", info="Ticked: the same faces again.", elem_id="lock")
            faces = gr.Slider(1, MAX_FACES, _FACES_AT_FIRST, step=1, label="Faces", elem_id="faces")
        with gr.Column(scale=5, min_width=320):
            gallery = gr.Gallery(
                label="Faces",
                show_label=False,
                columns=8,
                height="auto",
                allow_preview=False,
                object_fit="cover",
                interactive=False,
                buttons=[],
                elem_id="gallery",
            )
        with gr.Column(scale=3, min_width=280):
            portrait = gr.Image(
                label="Selected face",
                show_label=False,
                alt_text="The selected face, enlarged",
                interactive=False,
                buttons=["fullscreen"],
                elem_id="portrait",
            )
            caption = gr.Markdown(elem_id="portrait-caption")
            download = gr.DownloadButton("Download PNG", elem_id="download")
    shown = gr.State([])  # the files in the gallery with their seeds, so that a click needs no rendering
    api = gr.Button(visible=False)

    def draw(seed: int, faces: int) -> list[tuple[str, str]]:
        """Draw faces from consecutive seeds.

        Args:
            seed: Seed of the first face, 0 to 4294967295; the same seed is always the same face.
            faces: How many faces, 1 to 64.

        Returns:
            PNG files of the faces, each carrying its description.
        """
        try:
            characters = [Character(s) for s in consecutive_seeds(seed, faces)]
            drawn = []
            for character, picture in zip(characters, studio.render_many(characters)):
                png = encode_png(picture, studio.describe(character))
                name = f"{studio.checkpoint.name}-seed{character.seed:05d}.png"
                drawn.append((save_bytes_to_cache(png, name, gallery.GRADIO_CACHE), f"Seed {character.seed}"))
        except AnimeGenError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return drawn

    def portrait_of(seed: int, file: str) -> tuple[str, str, str]:
        return file, f"Seed **{seed}** · {studio.checkpoint.name}", file

    def fresh_or_same(seed: int | None, locked: bool, faces: int) -> tuple:
        chosen = seed if locked else secrets.randbelow(_NEW_SEEDS)
        drawn = draw(chosen, faces)
        files = [(s, file) for s, (file, _) in zip(consecutive_seeds(chosen, faces), drawn)]
        return chosen, gr.Gallery(drawn, selected_index=0), files, *portrait_of(*files[0])

    def same_again(seed: int, faces: int) -> tuple:
        return fresh_or_same(seed, True, faces)

    def select(files: list[tuple[int, str]], event: gr.SelectData) -> tuple:
        chosen, file = files[event.index]
        if not Path(file).exists():  # the hourly cleaning has been there
            file = draw(chosen, 1)[0][0]
        return chosen, *portrait_of(chosen, file)

    rendering = dict(concurrency_id=_RENDER_QUEUE, concurrency_limit=1)
    results = [seed, gallery, shown, portrait, caption, download]
    go.click(fresh_or_same, [seed, lock, faces], results, api_visibility="private", **rendering)
    seed.submit(same_again, [seed, faces], results, api_visibility="private", **rendering)
    seed.input(lambda: True, None, lock, api_visibility="private", queue=False)  # who types a seed wants that seed
    gallery.select(select, shown, [seed, portrait, caption, download], api_visibility="private", **rendering)
    demo.load(same_again, [seed, faces], results, api_visibility="private", **rendering)
    api.click(draw, [seed, faces], gallery, api_name="generate", **rendering)
