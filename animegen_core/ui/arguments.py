"""What other programs may send: each value is held against the control that it stands for, before any work begins.

The page itself never sends anything else.
"""

import inspect
import math
import os
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.utils import get_upload_folder

from animegen_core.errors import AnimeGenError, quote

_MOST_TEXT = 2000  # characters of a text: more than a list of 64 seeds has
_MOST_NUMBER = 2**53  # whole numbers above are not exact in JSON


class ArgumentError(AnimeGenError):
    """An argument is of another type than it must be.

    Attributes:
        name: the argument's.
    """

    def __init__(self, name: str, value: Any, wanted: str) -> None:
        super().__init__(f"{name} is {quote(value)}, but must be {wanted}.")
        self.name = name


def check_call(function: BlockFunction, body: dict[str, Any]) -> None:
    """See that a call has the arguments that a function takes.

    Args:
        function: of the page.
        body: "data", the arguments in order; and "event_data".

    Raises:
        ArgumentError: one is wrong, of which this is the first.
        AnimeGenError: there are too many or too few.
    """
    if function.fn is None:
        raise AnimeGenError("This function runs in the page alone.")
    data = body.get("data")
    if not isinstance(data, list) or (len(data) != len(function.inputs) and not function.cancels):
        count = f"a list of {len(data)}" if isinstance(data, list) else quote(data)
        raise AnimeGenError(f"'data' is {count}, but must be a list of {len(function.inputs)} values.")
    if function.collects_event_data:
        _check_event(function, body.get("event_data"))
    for name, control, value in zip(_names(function), function.inputs, data):
        if not isinstance(control, gr.State):  # whose value stays here
            _check_value(name, control, value, function.api_visibility == "public")


def fetched_address(body: Any) -> str | None:
    """The first address in a request that Gradio would fetch as if it were a file."""
    waiting = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            path = value.get("path")
            if isinstance(path, str) and "://" in path:
                return path
        if isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return None


def _names(function: BlockFunction) -> list[str]:
    """What the arguments are called: as in the documentation of an endpoint, or as the page labels them."""
    if function.api_visibility == "public":
        return list(inspect.signature(function.fn).parameters)
    return [getattr(control, "label", None) or type(control).__name__ for control in function.inputs]


def _check_event(function: BlockFunction, event: Any) -> None:
    needed = ("index", "value") if any(name == "select" for _, name in function.targets) else ()
    if not isinstance(event, dict) or any(field not in event for field in needed):
        raise AnimeGenError(f"'event_data' is {quote(event)}, but must tell what was chosen.")


def _check_value(name: str, control: gr.Component, value: Any, ranged: bool) -> None:
    """Ranges are held against an endpoint's values only: the page shows itself what is out of range."""
    wanted = _wanted(control, value)
    if wanted is None and ranged and isinstance(control, gr.Number) and value is not None:
        most = _MOST_NUMBER if control.maximum is None else control.maximum
        wanted = None if control.minimum <= value <= most else f"a number from {control.minimum} to {most}"
    if wanted is not None:
        raise ArgumentError(name, value, wanted)


def _wanted(control: gr.Component, value: Any) -> str | None:
    """What a control's value must be, if this one is of another type."""
    for kinds, rule in _RULES:
        if isinstance(control, kinds):
            return rule(control, value)
    return "something else than a file" if _is_file(value) else None


def _number(control: gr.Number | gr.Slider, value: Any) -> str | None:
    """A field may be empty; a slider never is."""
    good = _is_number(value) or (value is None and isinstance(control, gr.Number))
    return None if good else f"a number from {control.minimum} to {control.maximum}"


def _switch(control: gr.Checkbox, value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _text(control: gr.Textbox, value: Any) -> str | None:
    good = isinstance(value, str) and len(value) <= _MOST_TEXT
    return None if good else f"a text of at most {_MOST_TEXT} characters"


def _several(control: gr.CheckboxGroup, value: Any) -> str | None:
    choices = [choice for _, choice in control.choices]
    good = isinstance(value, list) and len(value) <= len(choices) and all(one in choices for one in value)
    return None if good else f"a list of some of: {', '.join(choices)}"


def _one(control: gr.Radio | gr.Dropdown, value: Any) -> str | None:
    if getattr(control, "allow_custom_value", False):
        return None if value is None else _text(control, value)
    choices = [choice for _, choice in control.choices]
    return None if value is None or value in choices else f"one of: {', '.join(choices)}"


def _upload(control: gr.File | gr.UploadButton, value: Any) -> str | None:
    return None if value is None or _is_upload(value) else "a file that was uploaded"


_RULES = (
    ((gr.Number, gr.Slider), _number),
    ((gr.Checkbox,), _switch),
    ((gr.Textbox,), _text),
    ((gr.CheckboxGroup,), _several),
    ((gr.Radio, gr.Dropdown), _one),
    ((gr.File, gr.UploadButton), _upload),
)


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) <= _MOST_NUMBER
    )


def _is_file(value: Any) -> bool:
    return isinstance(value, dict) and "path" in value


def _is_upload(value: Any) -> bool:
    """Whether a value names a file that lies where Gradio puts uploads."""
    if not _is_file(value) or value.get("meta") != {"_type": "gradio.FileData"} or not isinstance(value["path"], str):
        return False
    try:
        path = Path(value["path"]).resolve()
        return path.is_relative_to(Path(get_upload_folder()).resolve()) and path.is_file() and os.access(path, os.R_OK)
    except (OSError, ValueError):  # a name that no file can have
        return False
