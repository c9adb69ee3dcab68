"""Theme and style sheet of the studio. Only system fonts, so that nothing is downloaded."""

import gradio as gr
from gradio.themes import colors, sizes

from animegen_core.ui.components import asset

_SANS = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
_MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
_STYLES = ("base.css", "layout.css", "faces.css")
# Gradio's variables by ours, which base.css defines for both schemes.
_VARIABLES = {
    "var(--paper)": ("body_background_fill",),
    "var(--panel)": ("background_fill_primary", "input_background_fill", "button_secondary_background_fill"),
    "var(--sunken)": ("background_fill_secondary", "button_secondary_background_fill_hover"),
    "var(--ink)": ("body_text_color", "block_label_text_color", "block_title_text_color", "button_secondary_text_color"),
    "var(--muted)": ("body_text_color_subdued", "block_info_text_color", "input_placeholder_color"),
    "var(--line)": ("border_color_primary", "input_border_color", "block_border_color", "checkbox_border_color"),
    "var(--accent)": ("border_color_accent", "color_accent", "link_text_color", "link_text_color_hover"),
    "var(--accent-soft)": ("color_accent_soft", "checkbox_label_background_fill_selected"),
    "var(--accent-fill)": ("button_primary_background_fill", "checkbox_background_color_selected", "slider_color"),
    "transparent": ("block_background_fill", "block_label_background_fill", "panel_background_fill"),
    "none": ("block_shadow", "input_shadow", "input_shadow_focus", "button_primary_shadow", "button_secondary_shadow"),
}


def studio_theme() -> gr.themes.Base:
    """Quiet panels and one accent, light or dark as the browser or the visitor sets it."""
    theme = gr.themes.Base(
        primary_hue=colors.rose,
        secondary_hue=colors.rose,
        neutral_hue=colors.slate,
        radius_size=sizes.radius_lg,
        text_size=sizes.text_md,
        font=_SANS,
        font_mono=_MONO,
    )
    flat = {"block_border_width": "0px", "block_label_border_width": "0px", "block_padding": "0px", "layout_gap": "18px"}
    values = {name: value for value, names in _VARIABLES.items() for name in names}
    dark = {f"{name}_dark": value for name, value in values.items() if hasattr(theme, f"{name}_dark")}
    return theme.set(**flat, **values, **dark, input_border_width="1px", input_border_width_dark="1px")


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
    """The page's style sheet, with rules for colour swatches."""
    rules = [
        f'.swatches [data-testid="{name.capitalize()}-radio-label"]::before {{ background: {hue}; }}'
        for name, hue in SWATCHES.items()
    ]
    return "\n".join([*map(asset, _STYLES), *rules])
