"""What a visitor asked for last, and whether it has its answer."""

from types import SimpleNamespace

from animegen_core.ui.latest import Latest

VISITOR, OTHER = SimpleNamespace(session_hash="a"), SimpleNamespace(session_hash="b")


def test_a_request_is_answered_until_there_is_a_newer_one():
    forgets = []
    latest = Latest(SimpleNamespace(unload=forgets.append))
    first = latest.begin(VISITOR)
    latest.begin(OTHER)
    assert first() and not latest.is_answered(VISITOR)
    latest.answer(VISITOR)
    assert latest.is_answered(VISITOR) and not latest.is_answered(OTHER)
    second = latest.begin(VISITOR)
    assert second() and not first() and not latest.is_answered(VISITOR)
    forgets[0](VISITOR)
    assert not second()
