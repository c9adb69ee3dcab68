"""Theme and style sheet of the studio. Only system fonts, so that nothing is downloaded."""

import gradio as gr
from gradio.themes import colors, sizes

from animegen_core.ui.components import asset
from animegen_core.ui.controls import MAX_FACES

_SANS = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
_MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]


def studio_theme() -> gr.themes.Base:
    """Rose on slate, light or dark as the browser is set."""
    theme = gr.themes.Base(
        primary_hue=colors.rose,
        secondary_hue=colors.rose,
        neutral_hue=colors.slate,
        radius_size=sizes.radius_lg,
        text_size=sizes.text_md,
        font=_SANS,
        font_mono=_MONO,
    )
    return theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_shadow="0 1px 3px rgb(15 23 42 / .07)",
        block_shadow_dark="none",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_500",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_600",
        slider_color="*primary_600",
        slider_color_dark="*primary_500",
    )


SWATCHES = {
    "aqua": "#5fd4d0",
    "black": "#23232b",
    "blonde": "#f1d277",
    "blue": "#4a7de0",
    "brown": "#85552f",
    "gray": "#9a9ca6",
    "green": "#4dab5c",
    "orange": "#f08a3c",
    "pink": "#f48fb8",
    "purple": "#8a5fd0",
    "red": "#d23c3c",
    "white": "#f5f5f7",
    "yellow": "#f0d03a",
}


def css() -> str:
    """The page's style sheet, with rules for colour swatches and for partly drawn galleries."""
    rules = [
        f'.swatches [data-testid="{name.capitalize()}-radio-label"]::before {{ background: {hue}; }}'
        for name, hue in SWATCHES.items()
    ]
    # In a gallery of class "drawn-5" five faces are new, and the others are still old.
    dimmed = ", ".join(f"#gallery.drawn-{count} .gallery-item:nth-child(n + {count + 1})" for count in range(MAX_FACES))
    return "\n".join([asset("studio.css"), *rules, f"{dimmed} {{ opacity: .4; pointer-events: none; }}"])
