from mgmt_api.presence import Presence


def test_a_gateway_is_there_while_it_is_heard() -> None:
    presence = Presence()
    assert not presence.online("g", 0)
    presence.heard("g", 0)
    assert presence.online("g", 75)
    assert not presence.online("g", 76)


def test_a_dropped_watch_is_noticed_in_seconds() -> None:
    presence = Presence()
    token = presence.watch("g", 0)
    assert presence.online("g", 70)
    presence.unwatch("g", token, 70)
    assert presence.online("g", 74)
    assert not presence.online("g", 76)
    presence.watch("g", 80)
    assert presence.online("g", 90)


def test_an_older_watch_that_ends_late_says_nothing() -> None:
    presence = Presence()
    old = presence.watch("g", 0)
    new = presence.watch("g", 1)
    presence.unwatch("g", old, 2)
    assert presence.online("g", 60)
    assert presence.watches("g", new)
    assert not presence.watches("g", old)
