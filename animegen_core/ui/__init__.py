"""The studio in the browser: one file per tab, a theme, and ``build_app`` that puts them together."""

from typing import Any

import gradio as gr

from animegen_core.studio import Studio
from animegen_core.ui import generate
from animegen_core.ui.theme import CSS, studio_theme

_HOUR = 3600  # seconds


def build_app(studio: Studio) -> gr.Blocks:
    """The whole page for one checkpoint; launch it with ``launch_options()``.

    Files handed to visitors are deleted after an hour.
    """
    with gr.Blocks(title="AnimeGen", analytics_enabled=False, delete_cache=(_HOUR, _HOUR)) as demo:
        gr.HTML(
            "<h1>AnimeGen</h1><p>Invent anime faces. Every face is a seed: lock it, note it, come back to it.</p>",
            elem_id="masthead",
        )
        with gr.Tabs(), gr.Tab("Generate", id="generate"):
            generate.build(studio, demo)
    return demo


def launch_options() -> dict[str, Any]:
    """Keyword arguments for ``Blocks.launch``."""
    return dict(theme=studio_theme(), css=CSS, footer_links=["api"], show_error=False)
