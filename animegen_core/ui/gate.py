"""Middleware that checks requests: their size, that they contain no URL to download, and their form.

It also queues calls of the page's own components, which draw; other jobs wait in the queue of ``visitors``.
"""

import inspect
import json
from functools import partial
from typing import Any

import fastapi
import gradio as gr
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from gradio.block_function import BlockFunction
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from animegen_core.errors import AnimeGenError, quote
from animegen_core.ui.arguments import ArgumentError, check_call, fetched_address
from animegen_core.ui.visitors import Turns, address_of

_API = "/gradio_api"
# Routes of Gradio that the studio does not need: they write, download, or reveal other visitors.
_CLOSED = (
    *(
        f"{_API}/{name}"
        for name in ("deep_link", "proxy=", "process_recording", "runs", "run-history", "stream/", "vibe-", "undo-vibe-")
    ),
    "/monitoring",
)
_MOST_JSON = 1_000_000  # bytes; the largest description has 65,536 characters
_FORM = 1_000_000  # bytes of an upload beside its files
_PREVIEWS = (2, 128)  # at once; and waiting per address, because the history of a page requests 60 thumbnails
_MOST_DETAIL = 300  # characters of Gradio's own messages, which quote the request
_CALLS = ("run", "api", "call", "call/v2")


class Gate:
    """ASGI middleware inside the app, which has the page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._previews = Turns(*_PREVIEWS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refused request with one sentence and 4xx; pass on all others."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._pass(scope, receive, send)
        except HTTPException as refusal:
            await JSONResponse({"detail": refusal.detail}, refusal.status_code)(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, demo = scope["path"], scope["app"].get_blocks()
        if path.startswith(_CLOSED) or (path.startswith(f"{_API}/file") and "://" in path):
            raise HTTPException(403, "The studio does not do this.")
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
        elif path == f"{_API}/upload":
            await self._app(scope, _at_most(scope, receive, (demo.max_file_size or 0) + _FORM), send)
        else:
            await self._pass_json(scope, receive, send, demo)

    async def _pass_json(self, scope: Scope, receive: Receive, send: Send, demo: gr.Blocks) -> None:
        content = await _read(_at_most(scope, receive, _MOST_JSON))
        rest = scope["path"].removeprefix(f"{_API}/").rstrip("/")
        if rest in ("queue/join", "component_server") or rest.startswith(tuple(f"{call}/" for call in _CALLS)):
            check = _check_component if rest == "component_server" else _check_join
            try:
                check(demo, rest, _parsed(content))
            except ArgumentError as error:
                raise HTTPException(422, error.detail) from error
            except AnimeGenError as error:
                raise HTTPException(400, str(error)) from error
        again = _replay(content, receive)
        if rest != "component_server":
            await self._app(scope, again, send)
            return
        async with self._previews.turn(address_of(HTTPConnection(scope)), partial(_left, receive)) as still_there:
            if still_there:
                await self._app(scope, again, send)


def guarded(proxies: str) -> dict[str, Any]:
    """Keyword arguments for the FastAPI app: the gate, and error messages that do not repeat the request.

    Args:
        proxies: trusted addresses and networks. The visitor is the last address in their X-Forwarded-For that is not a proxy.
    """
    return dict(
        middleware=[Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies), Middleware(Gate)],
        exception_handlers={RequestValidationError: _malformed, HTTPException: _short},
    )


async def _malformed(request: fastapi.Request, error: RequestValidationError) -> JSONResponse:
    """A short message; FastAPI's own repeats the whole request."""
    fields = sorted({".".join(str(part) for part in one["loc"])[:_MOST_DETAIL] for one in error.errors()})
    return JSONResponse({"detail": f"The request has a wrong form; check: {', '.join(fields)[:_MOST_DETAIL]}."}, 400)


async def _short(request: fastapi.Request, error: HTTPException) -> JSONResponse:
    """The same message, shortened if it quotes a long value."""
    detail = error.detail[:_MOST_DETAIL] if isinstance(error.detail, str) else error.detail
    return JSONResponse({"detail": detail}, error.status_code, error.headers)


def _at_most(scope: Scope, receive: Receive, most: int) -> Receive:
    """Receive a body, and refuse a larger one, immediately if its declared size is larger."""
    too_large = HTTPException(413, f"The request is too large; the limit is {most:,} bytes.")
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if not declared.isdigit() or int(declared[:20]) > most:
        raise too_large
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise too_large
        return message

    return counted


async def _read(receive: Receive) -> bytes:
    content = bytearray()
    while True:
        message = await receive()
        content += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(content)


def _replay(content: bytes, receive: Receive) -> Receive:
    """Receive the body that was already read, then further messages."""
    messages = [{"type": "http.request", "body": content, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


async def _left(receive: Receive) -> None:
    """Returns when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise AnimeGenError("The request is not a JSON object.")
    address = fetched_address(body)
    if address is not None:
        raise AnimeGenError(f"The studio does not fetch {quote(address)}; upload the file.")
    return body


def _check_join(demo: gr.Blocks, rest: str, body: dict[str, Any]) -> None:
    """Check a call of a function by number or by an endpoint's name."""
    session = body.get("session_hash")
    if session is not None and not (isinstance(session, str) and 0 < len(session) <= 100 and session.isprintable()):
        raise AnimeGenError(f"'session_hash' is {quote(session)}, but must be a text of at most 100 characters.")
    if body.get("batched"):
        raise AnimeGenError("No function accepts batches.")
    by_number = rest == "queue/join" or (rest.startswith(("run/", "api/")) and body.get("fn_index") is not None)
    function = _numbered(demo, body.get("fn_index")) if by_number else _named(demo, rest.rpartition("/")[2])
    if rest.startswith("call/v2/"):
        body = {"data": _ordered(function, body)}
    check_call(demo, function, body)


def _numbered(demo: gr.Blocks, number: Any) -> BlockFunction:
    if isinstance(number, bool) or not isinstance(number, int) or number not in demo.fns:
        raise HTTPException(404, f"There is no function {quote(number)}.")
    return demo.fns[number]


def _named(demo: gr.Blocks, name: str) -> BlockFunction:
    public = {function.api_name: function for function in demo.fns.values() if function.api_visibility == "public"}
    if name not in public:
        raise HTTPException(404, f"There is no endpoint {quote(name)}; there are: {', '.join(public)}.")
    return public[name]


def _ordered(function: BlockFunction, arguments: dict[str, Any]) -> list[Any]:
    """Named arguments in order; missing ones have the initial values of their controls."""
    names = list(inspect.signature(function.fn).parameters)
    for name in arguments:
        if name not in names and name not in ("oauth_token",):
            raise AnimeGenError(f"There is no argument {quote(name)}; there are: {', '.join(names)}.")
    return [arguments.get(name, getattr(control, "value", None)) for name, control in zip(names, function.inputs)]


def _check_component(demo: gr.Blocks, rest: str, body: dict[str, Any]) -> None:
    """Check a call of a server function of one of the page's components."""
    number, name, session = (body.get(field) for field in ("component_id", "fn_name", "session_hash"))
    known = isinstance(number, int) and isinstance(name, str) and number in demo.blocks
    if not known or not getattr(getattr(demo.blocks[number], name, None), "_is_server_fn", False):
        raise HTTPException(404, f"There is no function {quote(name)} of a component {quote(number)}.")
    if not isinstance(session, str) or not 0 < len(session) <= 100 or "data" not in body:
        raise AnimeGenError("'session_hash' must be a text, and 'data' the argument of the function.")
