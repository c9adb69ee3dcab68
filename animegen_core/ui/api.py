"""The public endpoints, for other programs and for assistants through MCP.

The docstring of each is its public documentation. Returned files contain their descriptions.
"""

from dataclasses import replace
from typing import Any

import gradio as gr

from animegen_core.character import EASINGS, FPS, FRAMES, LOOPS, MAX_PSI, Animation, parse_sliders
from animegen_core.errors import AnimeGenError
from animegen_core.images import encode_png, read_description
from animegen_core.labels import EYES, HAIR
from animegen_core.latents import MAX_SEED, PATH_KINDS, parse_seeds
from animegen_core.models.styles import CROSSOVERS
from animegen_core.steering.words import read_words
from animegen_core.studio import INVERSION_STEPS, read_described
from animegen_core.ui.controls import ANY, MAX_FACES, character_of, choice, colour, consecutive_seeds, the_seed
from animegen_core.ui.films import FORMATS, film_file
from animegen_core.ui.messages import shows_errors
from animegen_core.ui.pictures import check_pixels, draw_files, file_stem, keep_file
from animegen_core.ui.studios import Studios
from animegen_core.ui.visitors import FILMS

MOST_STEPS = 300  # of a search; half a minute on two cores


class Endpoints:
    """The functions behind the endpoints. Clients see their signatures and docstrings.

    Args:
        studios: the checkpoints.
        cache: folder of the returned files.
    """

    def __init__(self, studios: Studios, cache: str) -> None:
        self.studios, self.cache = studios, cache

    @shows_errors
    def generate(
        self,
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
            seed: Seed of the first face, 0 to 4294967295. The same seed always gives the same face.
            faces: Number of faces, 1 to 100.
            hair: A hair colour, or any. A colour needs a conditional checkpoint.
            eyes: An eye colour, or any. A colour needs a conditional checkpoint.
            psi: Creativity, 0 (the average face) to 1.5.
            variation_seed: Seed of a second face, with which each face is blended.
            variation_strength: Fraction of the second face, 0 to 1.
            size: Size in pixels: the checkpoint's own, or 2, 4, 8 ... times that, up to 2048; 0 means its own.
            checkpoint: A bundled checkpoint's name, or a repository of the Hub, user/name.

        Returns:
            PNG files of the faces, each with its description.
        """
        template = character_of(the_seed(seed), hair, eyes, psi, variation_seed, variation_strength)
        characters = [replace(template, seed=s) for s in consecutive_seeds(template.seed, faces)]
        studio = self.studios.get(checkpoint)
        side = size or studio.sizes[0]
        check_pixels(len(characters), "faces", side)
        return list(draw_files(studio, characters, self.cache, side))

    @shows_errors
    def steer(
        self,
        seed: int,
        words: str,
        hair: str,
        eyes: str,
        recolour_hair: str,
        recolour_eyes: str,
        sliders: str,
        psi: float,
        size: int,
        checkpoint: str,
    ) -> str:
        """Draw an anime face and change it, by words, sliders and recolouring.

        Args:
            seed: Seed of the face, 0 to 4294967295.
            words: Words such as "pink hair, green eyes, big eyes", in English, Japanese or Chinese. The others have priority.
            hair: A hair colour, or any. Another one is another face.
            eyes: An eye colour, or any. Another one is another face.
            recolour_hair: A hair colour to which the face is recoloured, or any.
            recolour_eyes: An eye colour to which the face is recoloured, or any.
            sliders: Sliders and strengths from -1 to 1, such as "tilt=0.5, mouth=-1".
            psi: Creativity, 0 (the average face) to 1.5.
            size: Size in pixels: the checkpoint's own, or 2, 4, 8 ... times that, up to 2048; 0 means its own.
            checkpoint: A checkpoint with colours and styles: its bundled name, or a repository of the Hub, user/name.

        Returns:
            A PNG file with its description.
        """
        studio = self.studios.get(checkpoint)
        said, moved = read_words(words, studio.sliders), parse_sliders(filter(str.strip, sliders.split(",")))
        colours = [wanted if colour(wanted) else choice(heard) for wanted, heard in ((hair, said.hair), (eyes, said.eyes))]
        character = replace(
            character_of(the_seed(seed), *colours, psi),
            sliders=said.sliders | moved,
            recolour_hair=colour(recolour_hair),
            recolour_eyes=colour(recolour_eyes),
        )
        side = size or studio.sizes[0]
        png = encode_png(studio.render(character, side), studio.describe(character, side))
        return keep_file(png, f"{file_stem(studio, character, side)}.png", self.cache)

    @shows_errors
    def animate(
        self,
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
            seeds: Two to eight seeds of the key faces, such as 3,7 or 1-4.
            path: slerp, linear or circular.
            frames: Number of frames, 8 to 240.
            fps: Frames a second, 5 to 60.
            easing: linear for constant speed, ease-in-out to slow down at the key faces.
            loop: closed, back-and-forth or once.
            format: gif, webp or mp4.
            hair: A hair colour, or any. A colour needs a conditional checkpoint.
            eyes: An eye colour, or any. A colour needs a conditional checkpoint.
            psi: Creativity, 0 (the average face) to 1.5.
            size: Size in pixels: the checkpoint's own, or 2, 4, 8 ... times that, up to 2048; 0 means its own.
            checkpoint: A bundled checkpoint's name, or a repository of the Hub, user/name.

        Returns:
            The film, with its description in the file.
        """
        keys = tuple(character_of(s, hair, eyes, psi) for s in parse_seeds(seeds)[:9])
        studio, film = self.studios.get(checkpoint), Animation(keys, path, frames, fps, easing, loop)
        side = size or studio.sizes[0]
        check_pixels(film.frames, "frames", side)
        return film_file(studio, film, list(studio.animate(film, side)), format, studio.describe(film, side), self.cache)

    @shows_errors
    def mix(
        self, coarse: int, middle: int, fine: int, crossovers: str, hair: str, eyes: str, psi: float, size: int, checkpoint: str
    ) -> str:
        """Mix three anime faces: pose and shape of one, features of another, colours of a third.

        Args:
            coarse: Seed of pose and shape.
            middle: Seed of the features.
            fine: Seed of the colours.
            crossovers: Sizes in px at which middle and fine styles begin, such as 16,64.
            hair: A hair colour, or any. A colour needs a conditional checkpoint.
            eyes: An eye colour, or any. A colour needs a conditional checkpoint.
            psi: Creativity, 0 (the average face) to 1.5.
            size: Size in pixels: the checkpoint's own, or 2, 4, 8 ... times that, up to 2048; 0 means its own.
            checkpoint: A checkpoint with styles: its bundled name, or a repository of the Hub, user/name.

        Returns:
            A PNG file with its description.
        """
        own = character_of(the_seed(coarse, "Coarse"), hair, eyes, psi)
        bands = dict(middle=the_seed(middle, "Middle"), fine=the_seed(fine, "Fine"))
        character = replace(own, crossovers=tuple(parse_seeds(crossovers)), **bands)
        studio = self.studios.get(checkpoint)
        side = size or studio.sizes[0]
        png = encode_png(studio.render(character, side), studio.describe(character, side))
        return keep_file(png, f"{file_stem(studio, character, side)}.png", self.cache)

    @shows_errors
    def invert(self, file: str | None, steps: int, size: int, checkpoint: str) -> str:
        """Find the anime face that is nearest to a picture. It can then be changed and animated like one of a seed.

        Args:
            file: An image of one face; its centre square is used. It is not kept.
            steps: Steps of the search, 0 to 300; more come nearer and take longer.
            size: Size in pixels: the checkpoint's own, or 2, 4, 8 ... times that, up to 2048; 0 means its own.
            checkpoint: A checkpoint with styles or a VAE: its bundled name, or a repository of the Hub, user/name.

        Returns:
            A PNG file with its description.
        """
        if file is None:
            raise AnimeGenError("No file was given.")
        studio = self.studios.get(checkpoint)
        side = size or studio.sizes[0]
        character = studio.invert(file, steps)
        png = encode_png(studio.render(character, side), studio.describe(character, side))
        return keep_file(png, f"{file_stem(studio, character, side)}.png", self.cache)

    @shows_errors
    def restore(self, file: str | None) -> dict[str, Any]:
        """Read the description in a file of AnimeGen.

        Args:
            file: A PNG, GIF, WebP or MP4 that AnimeGen saved.

        Returns:
            The description: checkpoint, and character or animation.
        """
        if file is None:
            raise AnimeGenError("No file was given.")
        found = read_description(file)
        read_described(found)
        return found


class _Controls:
    """Gradio components that define the type, range and default of each argument; endpoints share them."""

    def __init__(self, checkpoint: str) -> None:
        self.seed, self.coarse, self.middle, self.fine = (
            gr.Number(value, precision=0, minimum=0, maximum=MAX_SEED) for value in (0, 1, 2, 3)
        )
        self.variation_seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED)
        self.variation_strength = gr.Number(0, minimum=0, maximum=1)
        self.faces = gr.Number(1, precision=0, minimum=1, maximum=MAX_FACES)
        self.hair, self.eyes = gr.Dropdown([ANY, *HAIR], value=ANY), gr.Dropdown([ANY, *EYES], value=ANY)
        self.recolour_hair, self.recolour_eyes = (gr.Dropdown([ANY, *each], value=ANY) for each in (HAIR, EYES))
        self.sliders, self.words = gr.Textbox(""), gr.Textbox("")
        self.psi = gr.Number(1.0, minimum=0, maximum=MAX_PSI)
        self.seeds, self.crossovers = gr.Textbox("3,7"), gr.Textbox(",".join(map(str, CROSSOVERS)))
        self.path, self.easing, self.loop = (gr.Dropdown(list(kinds), value=kinds[0]) for kinds in (PATH_KINDS, EASINGS, LOOPS))
        self.frames = gr.Number(60, precision=0, minimum=FRAMES[0], maximum=FRAMES[1])
        self.fps = gr.Number(30, precision=0, minimum=FPS[0], maximum=FPS[1])
        self.size = gr.Number(0, precision=0, minimum=0)
        self.steps = gr.Number(INVERSION_STEPS, precision=0, minimum=0, maximum=MOST_STEPS)
        self.kind = gr.Dropdown(list(FORMATS), value="gif")
        self.checkpoint = gr.Textbox(checkpoint)
        self.upload = gr.File(type="filepath")
        self.gallery, self.file, self.description = gr.Gallery(), gr.File(), gr.JSON()


def add_endpoints(studios: Studios) -> None:
    """Declare the endpoints inside the current Blocks, without visible components."""
    with gr.Column(visible=False):
        given = _Controls(studios.default)
        call = gr.Button().click
    does = Endpoints(studios, given.gallery.GRADIO_CACHE)
    colours = [given.hair, given.eyes, given.psi]
    variation = [given.variation_seed, given.variation_strength]
    call(
        does.generate,
        [given.seed, given.faces, *colours, *variation, given.size, given.checkpoint],
        given.gallery,
        api_name="generate",
    )
    recoloured = [given.hair, given.eyes, given.recolour_hair, given.recolour_eyes]
    steered = [given.seed, given.words, *recoloured, given.sliders, given.psi, given.size, given.checkpoint]
    call(does.steer, steered, given.file, api_name="steer")
    film = [given.seeds, given.path, given.frames, given.fps, given.easing, given.loop, given.kind]
    call(does.animate, [*film, *colours, given.size, given.checkpoint], given.file, api_name="animate", concurrency_id=FILMS)
    call(
        does.mix,
        [given.coarse, given.middle, given.fine, given.crossovers, *colours, given.size, given.checkpoint],
        given.file,
        api_name="mix",
    )
    call(
        does.invert,
        [given.upload, given.steps, given.size, given.checkpoint],
        given.file,
        api_name="invert",
        concurrency_id=FILMS,
    )
    call(does.restore, given.upload, given.description, api_name="restore")
