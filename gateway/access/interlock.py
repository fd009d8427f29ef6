"""Interlock (mantrap, airlock): of a group of doors one at most is open. Who goes outwards is never held by it."""

from collections.abc import Callable, Iterable, Mapping

from gateway.access.door_words import MODES, DoorState

Group = tuple[str, ...]  # doors of which one at most may be open or released


def shut(state: DoorState) -> bool:
    """Whether a door is surely shut, and nothing releases it. A contact that nobody can see is no shut door.

    A guard's free mode releases it even where a lockdown hides the mode: once that ends, two doors would stand free.
    """
    freed = state.free or (state.order is not None and MODES[state.order.mode].free)
    return state.open is False and not freed and not state.grants and state.shunt_until is None


def in_the_way(
    door: str,
    groups: Iterable[Group],
    states: Mapping[str, DoorState],
    leaving: Callable[[str], bool] = lambda _: False,
) -> str:
    """The first other door of the door's groups that is not shut; "" if there is none.

    Args:
        door: the one that is to be released.
        groups: all interlocks.
        states: every door's state.
        leaving: whether a door has a grant on its way, which its state does not show yet.
    """
    for group in groups:
        if door in group:
            for other in group:
                if other != door and (leaving(other) or not shut(states[other])):
                    return other
    return ""
