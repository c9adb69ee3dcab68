"""Controls that change a face and keep it: recolouring, a line of words, sliders, and relatives of the chosen face."""

from dataclasses import replace
from typing import Any

import gradio as gr

from animegen_core.character import BANDS, EVERY_BAND, Character
from animegen_core.checkpoint import BUNDLED
from animegen_core.checkpoint.directions import slider_names
from animegen_core.labels import ATTRIBUTES
from animegen_core.steering.words import MOST_TEXT, read_words
from animegen_core.studio import Studio
from animegen_core.ui.controls import ANY, colour, new_seed
from animegen_core.ui.messages import shows_errors
from animegen_core.ui.studios import Studios

RELATIVES = 8
_KEEP = 5  # its place among the controls of a description
_BANDS = [("Everything", EVERY_BAND), ("Pose", BANDS[0]), ("Features", BANDS[1]), ("Colours", BANDS[2])]
_QUIET = dict(api_visibility="private", show_progress="hidden")


def can_recolour(studio: Studio) -> bool:
    """Whether a checkpoint can change a colour and keep the face."""
    return studio.capabilities.labels and studio.capabilities.styles


class Change:
    """Builds the controls inside the current Blocks.

    Attributes:
        keep: whether the colours of the controls recolour the faces.
        sliders: strength of each slider that is not 0, by name.
        words: the line of words.
    """

    def __init__(self, studios: Studios) -> None:
        self.studios = studios
        first = studios.get(studios.default)
        self.keep = gr.Checkbox(label="Keep the face", elem_id="keep-face", visible=can_recolour(first))
        self.sliders = gr.State({})
        self.words = gr.Textbox(
            label="In words",
            placeholder="pink hair, green eyes, very big eyes",
            max_length=MOST_TEXT,
            elem_id="words",
        )
        self._understood = gr.Markdown(elem_id="understood", visible=False)
        bundled = [slider for name in studios.names for slider in slider_names(BUNDLED / name)]
        self._names = sorted({*first.sliders, *bundled})
        with gr.Accordion(
            "Sliders", open=False, elem_id="sliders", elem_classes="section", visible=bool(first.sliders)
        ) as fold:
            self._fold = fold
            self._moved = {name: self._slider(name, name in first.sliders) for name in self._names}
        with gr.Accordion("Relatives", open=False, elem_id="relatives", elem_classes="section"):
            self.spread = gr.Slider(0, 1, 0.4, step=0.01, label="Spread", elem_id="spread")
            self.band = gr.Radio(_BANDS, value=EVERY_BAND, label="Vary", elem_id="band", elem_classes="compact")
            self.go = gr.Button(f"{RELATIVES} relatives", elem_id="draw-relatives")

    @staticmethod
    def _slider(name: str, visible: bool) -> gr.Slider:
        identity = f"slider-{name.replace(' ', '-')}"
        return gr.Slider(-1, 1, 0, step=0.01, label=name.capitalize(), elem_id=identity, visible=visible)

    def wire(self, checkpoint: gr.State, hair: gr.Radio, eyes: gr.Radio, redraw: Any, chosen: list, lock: gr.Checkbox) -> None:
        """Connect the controls.

        Args:
            checkpoint: its name.
            hair, eyes: the controls of the colours.
            redraw: called with an event after which the faces are to be drawn again.
            chosen: events at which a face is chosen, which is then kept.
            lock: ticking it keeps the faces too.
        """
        moved = list(self._moved.values())
        for slider in moved:
            redraw(slider.release(self._collect, moved, self.sliders, **_QUIET))
        self.sliders.change(self._show, self.sliders, moved, **_QUIET)
        said = [hair, eyes, self.sliders, self._understood]
        redraw(self.words.submit(self.read, [checkpoint, self.words, hair, eyes, self.sliders], said, **_QUIET))
        for event in chosen:
            event.success(self._keep, checkpoint, self.keep, **_QUIET)
        lock.input(lambda name, locked: locked and self._keep(name), [checkpoint, lock], self.keep, **_QUIET)
        checkpoint.change(self._adapt, checkpoint, [self._fold, *moved], **_QUIET)

    def adapted(self, name: str) -> tuple:
        """Values of ``keep`` and ``sliders`` when another checkpoint is opened."""
        studio = self.studios.get(name)
        keep = gr.update(visible=True) if can_recolour(studio) else gr.update(visible=False, value=False)
        return keep, gr.skip() if studio.sliders else {}  # a restored face may have set them already

    def _adapt(self, name: str) -> tuple:
        known = self.studios.get(name).sliders
        return gr.update(visible=bool(known)), *(gr.update(visible=each in known) for each in self._names)

    def _keep(self, name: str) -> bool:
        return can_recolour(self.studios.get(name))

    def _collect(self, *values: float) -> dict[str, float]:
        return {name: value for name, value in zip(self._names, values) if value}

    def _show(self, sliders: dict[str, float]) -> list[float]:
        return [sliders.get(name, 0) for name in self._names]

    @shows_errors
    def read(self, name: str, text: str, hair: str, eyes: str, sliders: dict[str, float]) -> tuple:
        """Set colours and sliders by words, and say what was not understood."""
        words = read_words(text, self.studios.get(name).sliders)
        colours = (words.hair or hair, words.eyes or eyes)
        return *colours, sliders | words.sliders, gr.update(value=words.feedback, visible=bool(words.feedback))


def keeps(values: tuple) -> bool:
    """Whether the values of a description's controls say that the face is kept."""
    return len(values) > _KEEP and values[_KEEP]


def relatives_of(studio: Studio, character: Character, band: str, spread: float) -> list[Character]:
    """The chosen face and its relatives, others at each call."""
    band = band if studio.capabilities.styles else EVERY_BAND
    return [character, *studio.relatives(character, RELATIVES, spread, band, new_seed())]


def recoloured(character: Character, hair: str, eyes: str) -> Character:
    """The character with the colours of the controls, keeping the face: its own colours and "any" change nothing."""
    chosen = {"hair": colour(hair), "eyes": colour(eyes)}
    fields = {f"recolour_{name}": None if chosen[name] == getattr(character, name) else chosen[name] for name in ATTRIBUTES}
    return replace(character, **fields)


def shown_colours(character: Character) -> tuple[str, str]:
    """The choices of the controls of the colours for a character."""
    return tuple(character.recolours[name] or getattr(character, name) or ANY for name in ATTRIBUTES)
