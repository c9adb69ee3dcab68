"""The studio's look: a quiet page on which the faces are the colour. Only system fonts, so that nothing is fetched."""

import gradio as gr
from gradio.themes import colors, sizes

_SANS = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
_MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]


def studio_theme() -> gr.themes.Base:
    """Rose on slate, in a light and a dark form that follow the browser's setting."""
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


CSS = """
.gradio-container { width: 100% !important; max-width: 1400px !important; margin: 0 auto !important; }
#masthead { padding: .25rem .25rem 0; border: 0; background: none; box-shadow: none; }
#masthead h1 { font-size: 1.7rem; font-weight: 750; letter-spacing: -.02em; margin: 0; color: var(--primary-600); }
.dark #masthead h1 { color: var(--primary-400); }
#masthead p { margin: .1rem 0 0; color: var(--body-text-color-subdued); }

#gallery .grid-wrap { max-height: none; }
#gallery .grid-container { grid-template-columns: repeat(auto-fill, minmax(118px, 1fr)) !important; gap: 8px; }
#gallery .grid-container { grid-auto-rows: auto !important; grid-template-rows: none !important; }
@media (max-width: 1100px) { #gallery .grid-container { grid-template-columns: repeat(4, minmax(0, 1fr)) !important; } }
#gallery .thumbnail-item { border-radius: 10px; aspect-ratio: 1; min-width: 0; width: 100%; height: auto; }
#gallery .thumbnail-item.selected { outline: 3px solid var(--primary-600); outline-offset: 1px; }
#gallery .caption-label { font-size: .7rem; opacity: 0; transition: opacity .15s; }
#gallery .thumbnail-item:hover .caption-label { opacity: 1; }

#portrait { aspect-ratio: 1; }
#portrait img { width: 100%; height: 100%; object-fit: contain; border-radius: 10px; }
#portrait-caption { text-align: center; color: var(--body-text-color-subdued); }
"""
