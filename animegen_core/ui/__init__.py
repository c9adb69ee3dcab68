"""The studio in the browser: one file per tab, a theme, and ``build_app``, which assembles them."""

from typing import Any

import gradio as gr

from animegen_core.ui.about import AboutTab
from animegen_core.ui.animate import AnimateTab
from animegen_core.ui.api import add_endpoints
from animegen_core.ui.compare import CompareTab
from animegen_core.ui.components import asset, history_strip
from animegen_core.ui.from_picture import PictureTab
from animegen_core.ui.gate import guarded
from animegen_core.ui.generate import GenerateTab
from animegen_core.ui.header import Header
from animegen_core.ui.links import wire_links
from animegen_core.ui.mix import MixTab
from animegen_core.ui.page import INBOXES, Page
from animegen_core.ui.restore import thumbnailer, wire_restoring
from animegen_core.ui.settings import Settings
from animegen_core.ui.studios import Studios
from animegen_core.ui.theme import css, studio_theme
from animegen_core.ui.visitors import install_queue
from animegen_core.ui.vote import VoteTab

_HOUR = 3600  # seconds
_SESSIONS = 1000  # pages whose state is kept, of 300 KB each; the least recently used is dropped first
_BUILDERS = {
    "generate": GenerateTab,
    "animate": AnimateTab,
    "mix": MixTab,
    "picture": PictureTab,
    "compare": CompareTab,
    "vote": VoteTab,
    "about": AboutTab,
}


def build_app(studios: Studios, queue: int = 128, vote: bool = False) -> gr.Blocks:
    """The whole page; launch it with ``launch_options()``.

    Files for visitors are deleted after an hour.

    Args:
        studios: the available checkpoints.
        queue: maximum number of waiting requests.
        vote: whether there is a Vote tab, a blind test of two faces.

    Raises:
        AnimeGenError: ``ANIMEGEN_VOTE_PICTURES`` has no images.
    """
    builders = {name: builder for name, builder in _BUILDERS.items() if vote or name != "vote"}
    with gr.Blocks(title="AnimeGen", fill_width=True, analytics_enabled=False, delete_cache=(_HOUR, _HOUR)) as demo:
        header = Header(studios)
        history = history_strip(thumbnailer(studios), render=False)
        with gr.Tabs(selected="generate") as tabs:
            items = {name: gr.Tab(name.capitalize(), id=name) for name in builders}
        page = Page(studios, demo, header, history, tabs, items, {name: gr.State({}) for name in INBOXES})
        for name, builder in builders.items():
            with items[name]:
                builder(page)
        history.render()
        wire_restoring(page)
        wire_links(page)
        add_endpoints(studios)
    return install_queue(demo, queue)


def launch_options(proxies: str = Settings.proxies) -> dict[str, Any]:
    """Keyword arguments for ``Blocks.launch``.

    Args:
        proxies: see ``Settings``.
    """
    return dict(
        theme=studio_theme(),
        css=css(),
        js=_scripts("accessibility.js", "header.js", "undo.js", "keyboard.js", "sliders.js", "restore.js", "lightbox.js"),
        footer_links=["api"],
        show_error=False,
        max_file_size="10mb",
        mcp_server=True,
        enable_monitoring=False,
        run_history=False,
        state_session_capacity=_SESSIONS,
        app_kwargs=guarded(proxies),
    )


def _scripts(*names: str) -> str:
    """A JavaScript function that calls these scripts of ``assets/`` when the page has loaded."""
    calls = "\n".join(f"({asset(name)})();" for name in names)
    return f"() => {{\n{calls}\n}}"
