"""The public endpoints: what another program, or an assistant through MCP, can ask of the studio.

The docstring of each is its documentation there. Files that come back carry their descriptions.
"""

from dataclasses import replace
from typing import Any

import gradio as gr

from animegen_core.character import EASINGS, FPS, FRAMES, LOOPS, MAX_PSI, Animation
from animegen_core.errors import AnimeGenError
from animegen_core.images import encode_png, read_description
from animegen_core.labels import EYES, HAIR
from animegen_core.latents import MAX_SEED, PATH_KINDS, parse_seeds
from animegen_core.studio import read_described
from animegen_core.ui.controls import ANY, MAX_FACES, consecutive_seeds, look, the_seed
from animegen_core.ui.films import FORMATS, check_size, film_file
from animegen_core.ui.messages import told
from animegen_core.ui.pictures import draw_files, file_stem, keep_file
from animegen_core.ui.studios import Studios


def add_endpoints(studios: Studios) -> None:
    """Declare the endpoints inside the current Blocks; nothing of them shows."""
    with gr.Column(visible=False):
        seed, coarse, middle, fine = (gr.Number(value, precision=0, minimum=0, maximum=MAX_SEED) for value in (0, 1, 2, 3))
        variation_seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED)
        variation_strength = gr.Number(0, minimum=0, maximum=1)
        faces = gr.Number(1, precision=0, minimum=1, maximum=MAX_FACES)
        hair, eyes = gr.Dropdown([ANY, *HAIR], value=ANY), gr.Dropdown([ANY, *EYES], value=ANY)
        psi = gr.Number(1.0, minimum=0, maximum=MAX_PSI)
        seeds, crossovers = gr.Textbox("3,7"), gr.Textbox("16,64")
        path, easing, loop = (gr.Dropdown(list(kinds), value=kinds[0]) for kinds in (PATH_KINDS, EASINGS, LOOPS))
        frames = gr.Number(60, precision=0, minimum=FRAMES[0], maximum=FRAMES[1])
        fps = gr.Number(30, precision=0, minimum=FPS[0], maximum=FPS[1])
        size = gr.Number(0, precision=0, minimum=0)
        kind = gr.Dropdown(list(FORMATS), value="gif")
        checkpoint = gr.Textbox(studios.default)
        upload = gr.File(type="filepath")
        gallery, file, description = gr.Gallery(), gr.File(), gr.JSON()
        button = gr.Button()

    cache = gallery.GRADIO_CACHE

    @told
    def generate(
        seed: int,
        faces: int,
        hair: str,
        eyes: str,
        psi: float,
        variation_seed: int,
        variation_strength: float,
        size: int,
        checkpoint: str,
    ) -> list[tuple[str, str]]:
        """Draw anime faces from consecutive seeds.

        Args:
            seed: Seed of the first face, 0 to 4294967295; the same seed is always the same face.
            faces: How many faces, 1 to 64.
            hair: A hair colour or any; other than any needs a conditional checkpoint.
            eyes: An eye colour or any, likewise.
            psi: Creativity, 0 (the average face) to 1.5.
            variation_seed: Seed toward which each face is moved ...
            variation_strength: ... by this share of the way, 0 to 1.
            size: Side in pixels: the checkpoint's own, or 2, 4 or 8 times that; 0 for its own.
            checkpoint: A bundled checkpoint's name, or a repository of the Hub as in user/name.

        Returns:
            PNG files of the faces, each carrying its description.
        """
        template = look(seed, hair, eyes, psi, variation_seed, variation_strength)
        characters = [replace(template, seed=s) for s in consecutive_seeds(seed, faces)]
        studio = studios.get(checkpoint)
        return draw_files(studio, characters, cache, size or studio.sizes[0])

    @told
    def animate(
        seeds: str,
        path: str,
        frames: int,
        fps: int,
        easing: str,
        loop: str,
        format: str,
        hair: str,
        eyes: str,
        psi: float,
        size: int,
        checkpoint: str,
    ) -> str:
        """Morph between anime faces and write the film.

        Args:
            seeds: Two to eight seeds of the key faces, as in 3,7 or 1-4.
            path: slerp, linear or circular.
            frames: Number of pictures, 8 to 240.
            fps: Pictures a second, 5 to 60.
            easing: linear for an even speed, ease-in-out to linger at the key faces.
            loop: closed, back-and-forth or once.
            format: gif, webp or mp4.
            hair: A hair colour or any; other than any needs a conditional checkpoint.
            eyes: An eye colour or any, likewise.
            psi: Creativity, 0 (the average face) to 1.5.
            size: Side in pixels: the checkpoint's own, or 2, 4 or 8 times that; 0 for its own.
            checkpoint: A bundled checkpoint's name, or a repository of the Hub as in user/name.

        Returns:
            The film, a file that carries its description.
        """
        keys = tuple(look(s, hair, eyes, psi) for s in parse_seeds(seeds)[:9])
        studio, film = studios.get(checkpoint), Animation(keys, path, frames, fps, easing, loop)
        side = size or studio.sizes[0]
        check_size(film.frames, side)
        return film_file(studio, film, list(studio.animate(film, side)), format, studio.describe(film, side), cache)

    @told
    def mix(
        coarse: int, middle: int, fine: int, crossovers: str, hair: str, eyes: str, psi: float, size: int, checkpoint: str
    ) -> str:
        """Mix three anime faces: pose and shape of one, features of another, colours of a third.

        Args:
            coarse: Seed of pose and shape.
            middle: Seed of the features.
            fine: Seed of the colours.
            crossovers: Sizes in px from which on layers are middle and fine, as in 16,64.
            hair: A hair colour or any; other than any needs a conditional checkpoint.
            eyes: An eye colour or any, likewise.
            psi: Creativity, 0 (the average face) to 1.5.
            size: Side in pixels: the checkpoint's own, or 2, 4 or 8 times that; 0 for its own.
            checkpoint: A checkpoint with styles: its bundled name, or a repository of the Hub as in user/name.

        Returns:
            A PNG file that carries its description.
        """
        bands = dict(middle=the_seed(middle, "Middle"), fine=the_seed(fine, "Fine"))
        character = replace(look(coarse, hair, eyes, psi), crossovers=tuple(parse_seeds(crossovers)), **bands)
        studio = studios.get(checkpoint)
        side = size or studio.sizes[0]
        png = encode_png(studio.render(character, side), studio.describe(character, side))
        return keep_file(png, f"{file_stem(studio, character)}.png", cache)

    @told
    def restore(file: str | None) -> dict[str, Any]:
        """Read the description that a file of AnimeGen carries.

        Args:
            file: A PNG, GIF, WebP or MP4 that AnimeGen saved.

        Returns:
            The description: checkpoint, and the character or the animation.
        """
        if file is None:
            raise AnimeGenError("No file was given.")
        found = read_description(file)
        read_described(found)
        return found

    looks = [hair, eyes, psi]
    button.click(
        generate,
        [seed, faces, *looks, variation_seed, variation_strength, size, checkpoint],
        gallery,
        api_name="generate",
    )
    button.click(animate, [seeds, path, frames, fps, easing, loop, kind, *looks, size, checkpoint], file, api_name="animate")
    button.click(mix, [coarse, middle, fine, crossovers, *looks, size, checkpoint], file, api_name="mix")
    button.click(restore, upload, description, api_name="restore")
