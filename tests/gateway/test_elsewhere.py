"""What a gateway makes of passages at the site's other gateways."""

from gateway.access.presence import Moved, Waits, Whereabouts
from gateway.elsewhere import DOWN_S, Elsewhere, told


def row(person: str, at: float, *, inside: bool, zone: str = "garage") -> dict[str, object]:
    return {"zone": zone, "person": person, "at": at, "inside": inside}


def test_who_came_in_elsewhere_is_inside_and_who_left_is_not() -> None:
    own = Whereabouts()
    elsewhere = Elsewhere(own)
    elsewhere.heard([row("wang", 10, inside=True), row("li", 11, inside=True)], ["garage"], 0.0)
    assert (own.entered("wang", "garage"), own.inside("garage")) == (10, 2)
    elsewhere.heard([row("wang", 12, inside=False)], ["garage"], 1.0)
    assert (own.entered("wang", "garage"), own.inside("garage")) == (None, 1)


def test_what_was_seen_here_later_stays() -> None:
    own = Whereabouts()
    own.note(Moved("wang", "in", ("garage",), (), 20.0))
    elsewhere = Elsewhere(own)
    elsewhere.heard([row("wang", 15, inside=False), row("", 15, inside=False)], ["garage"], 0.0)
    assert own.entered("wang", "garage") == 20.0
    elsewhere.heard([row("", 25, inside=False)], ["garage"], 0.0)
    assert own.inside("garage") is None


def test_late_news_of_his_entry_brings_nobody_back_who_was_seen_to_leave() -> None:
    own = Whereabouts()
    own.note(Moved("wang", "out", (), ("garage",), 20.0))
    elsewhere = Elsewhere(own)
    elsewhere.heard([row("wang", 15, inside=True)], ["garage"], 0.0)
    assert own.entered("wang", "garage") is None
    elsewhere.heard([row("wang", 25, inside=True)], ["garage"], 1.0)
    assert own.entered("wang", "garage") == 25


def test_while_the_link_is_down_nobody_is_known_in_a_zone_that_others_share() -> None:
    own = Whereabouts()
    for zone in ("garage", "pool"):
        own.note(Moved("wang", f"{zone}-in", (zone,), (), 20.0, marks=2))
    own.note(Waits("li", "pool-in", 21.0))
    elsewhere = Elsewhere(own)
    elsewhere.heard([], ["garage"], 100.0)
    assert elsewhere.presence(100.0 + DOWN_S / 2).entered("wang", "garage") == 20.0
    alone = elsewhere.presence(100.0 + DOWN_S)
    assert (alone.entered("wang", "garage"), alone.inside("garage")) == (None, None)
    assert (alone.entered("wang", "pool"), alone.inside("pool"), alone.led("garage")) == (20.0, 1, 20.0)
    assert alone.waiting("pool-in") == Waits("li", "pool-in", 21.0)
    assert not elsewhere.well(200.0)  # it is back, and has not told who passed meanwhile
    assert elsewhere.presence(200.0).entered("wang", "garage") is None
    elsewhere.heard([], ["garage"], 200.1)
    assert elsewhere.well(200.0 + DOWN_S)
    assert elsewhere.presence(201.0 + DOWN_S).entered("wang", "garage") == 20.0


def test_after_a_start_without_the_plane_nobody_is_known_in_what_was_shared_before() -> None:
    own = Whereabouts()
    for zone in ("garage", "pool"):
        own.note(Moved("wang", f"{zone}-in", (zone,), (), 20.0))
    elsewhere = Elsewhere(own)
    elsewhere.remember(["garage"])
    assert elsewhere.presence(1.0).entered("wang", "garage") is None
    assert elsewhere.presence(1.0).entered("wang", "pool") == 20.0


def test_a_site_with_one_gateway_needs_no_link() -> None:
    own = Whereabouts()
    own.note(Moved("wang", "in", ("garage",), (), 20.0))
    assert Elsewhere(own).presence(1e9).entered("wang", "garage") == 20.0


def test_an_event_tells_who_moved_and_not_who_waited() -> None:
    move = Moved("wang", "in", ("garage",), ("estate",), 20.0)
    assert told([Waits("li", "in", 1.0), move]) == {
        "moved": [{"person": "wang", "entering": ["garage"], "leaving": ["estate"], "at": 20.0}]
    }
    assert told([]) == {}
