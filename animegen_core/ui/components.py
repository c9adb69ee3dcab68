"""The page's own components: each is a ``gr.HTML`` with a script from ``assets/``.

The scripts create elements and set their text, never HTML, so that names and descriptions cannot inject any. Components are
functions because Gradio writes an interface file beside each module with a subclass of a component.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

_ASSETS = Path(__file__).parent / "assets"
_INDEX = {"index": (int,)}
_DESCRIBED = {"pick": {"description": (str,)}}  # JSON text: Gradio treats objects with a path as files


def asset(name: str) -> str:
    """The text of a file in ``assets/``."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def _component(script: str, value: Any, elem_id: str, events: dict[str, dict] | None = None, **options: Any) -> gr.HTML:
    """An empty element in which a script draws ``value``.

    Args:
        events: what the script triggers: by event the types of the fields of its data, which the gate checks.
    """
    component = gr.HTML(
        value,
        html_template="<div class='root'></div>",
        js_on_load=asset(script),
        apply_default_css=False,
        elem_id=elem_id,
        **options,
    )
    component.event_fields = events or {}
    return component


def face_row(elem_id: str, title: str = "", hint: str = "", actions: tuple[str, ...] = (), **options: Any) -> gr.HTML:
    """A row of small faces under a title; ``hint`` is shown if there are none.

    Its value is a list of faces: {"src", "label", "short", "selected", "key"}. Events: ``pick`` with ``index`` and ``key``;
    ``act`` with ``index`` and ``action``, for each of ``actions``, of "left", "right" and "remove"; and, if "left" is
    among them, ``move`` with ``index`` and ``to``, for dragged faces.
    """
    key = {} if actions else {"key": (int, float, str)}
    events = {"pick": _INDEX | key, "act": _INDEX | {"action": (str,)}, "move": _INDEX | {"to": (int,)}}
    return _component("face_row.js", [], elem_id, events, title=title, hint=hint, actions=list(actions), **options)


def face_grid(elem_id: str, **options: Any) -> gr.HTML:
    """The gallery, in which faces are chosen and starred.

    Its value is {"faces", "fresh", "selected"}: a list of {"image": ``file_data(path)`` or None, "label", "description"}; how
    many of them are new, or None if all are; the chosen one's place, or None to leave it. Event: ``pick`` with ``index``.
    """
    return _component("face_grid.js", None, elem_id, {"pick": _INDEX}, **options)


def file_data(path: str) -> dict[str, Any]:
    """A file in a component's value; the page gets its address."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def live_face(elem_id: str, controls: dict[str, str], preview: Callable, **options: Any) -> gr.HTML:
    """A large face that follows sliders while they are dragged.

    Its value is {"src", "alt", "caption", "checkpoint", "character"}. ``controls`` maps fields of the character to the elements
    whose values replace them; ``preview``, called with {"checkpoint", "character"}, returns the image's data URL.
    Event: ``release``, when the sliders rest.
    """
    return _component("live_face.js", None, elem_id, controls=controls, server_functions=[preview], **options)


def film_view(elem_id: str, fps: str, **options: Any) -> gr.HTML:
    """An animation that plays and can be scrubbed, from one image with all frames.

    Its value is {"src", "frames", "columns", "size", "loop"}; ``fps`` is the element with the speed.
    """
    return _component("film.js", None, elem_id, fps=fps, **options)


def face_table(elem_id: str, **options: Any) -> gr.HTML:
    """Rows of faces.

    Its value is a list of {"title", "note", "faces": [{"src", "label", "description"}]}. Event: ``pick`` with ``description``,
    a JSON text.
    """
    return _component("face_table.js", [], elem_id, _DESCRIBED, **options)


def palette_row(elem_id: str, **options: Any) -> gr.HTML:
    """Colours; a click copies a colour's code. Its value is a list of {"hex", "percent"}."""
    return _component("palette.js", [], elem_id, **options)


def progress_bar(elem_id: str, cancellable: bool = False, **options: Any) -> gr.HTML:
    """The progress of a task; hidden if its value is None.

    Its value is {"done", "total", "seconds"}: numbers of images, and the remaining time. Event: ``cancel``, of its button.
    """
    return _component(
        "progress.js", None, elem_id, {"cancel": {}}, elem_classes="progress-bar", cancellable=cancellable, **options
    )


def history_strip(thumbnail: Callable, **options: Any) -> gr.HTML:
    """All results so far, stored in the browser as descriptions.

    Its value is the newest result: {"src", "label", "description"}.
    ``thumbnail``, called with a description, returns its image's data URL. Events: ``pick`` with ``description``, a JSON text;
    ``zip`` with ``picks``, a JSON text {"picks": [descriptions]}.
    """
    events = _DESCRIBED | {"zip": {"picks": (str,)}}
    return _component("history.js", None, "history", events, server_functions=[thumbnail], **options)
