"""The numbers of the OSDP panel, each an argument with a default."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, counts of frames."""

    reply_s: float = 0.2  # SIA OSDP v2.2 clause 5.7: a device begins to answer within 200 ms
    probe_s: float = 0.003  # a dead device is listened to for this long, or for twice as long as it used to take,
    stranger_s: float = 0.01  # or for this long if nobody knows how long it takes
    probe_share: float = 0.06  # of the bus, for all dead devices together while others are alive
    probe_pause_s: float = 1.0  # at most, between two of them
    hopes: int = 2  # when a dead device answers, so many questions to the others may fail before they wait again
    hope_pause_s: float = 5.0  # and not sooner than this after the last time
    listen_share: float = 0.002  # of the bus, for listening to dead devices for `reply_s` while others are alive,
    alone_share: float = 0.5  # and while nobody is
    slow_s: float = 0.02  # a device that begins to answer later than this
    slow_answers: int = 10  # so many times in a row (once may be a starved machine) is polled less often,
    slow_share: float = 0.07  # of the bus, for all of them together while at least as many others are not slow,
    slow_pause_s: float = 7.0  # but each at least this often: after 8 s without a word a device ends its session
    reply_bytes: int = 300  # the longest answer that Menjin asks for; a longer one is noise
    gap_s: float = 0.03  # silence inside a reply that ends it (a USB adapter may hold bytes for 16 ms)
    repeats: int = 2  # of an unanswered frame, before the device is lost
    retry_s: tuple[float, ...] = (0.05, 0.25, 0.5, 1.0)  # pause before each new attempt; the last one stays,
    silent_s: float = 0.5  # but this is the longest for a device that says nothing,
    alone_s: float = 0.2  # and this while nobody is on line
    settled_s: float = 1.0  # a session this long starts again after the shortest pause, a shorter one after the next
    mark_s: float = 0.0005  # an idle time up to this is filled with marks, which saves a fast line half its wake-ups
    quiet_s: float = 5.0  # without a read or a command: the line is quiet
    quiet_turns: int = 16  # a quiet line rests after so many turns
    rest_s: float = 0.1  # for this long, which saves more than half of the processor's time
    busy_s: float = 0.05  # pause after BUSY
    busy_repeats: int = 40
    decision_s: float = 0.004  # after a read, polls wait this long for the command that answers it
    decision_chars: int = 15  # or this long, half a poll and its answer, where the line is slow
    refresh_s: float = 10.0  # all levels are asked for again this often
    key_s: float = 30.0  # a change of keys that was cut off is tried for this long in each session
    queued_commands: int = 32  # a device; one more is refused
