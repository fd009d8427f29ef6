"""The wiring as plain values, from the site file. Part of the process's root."""

from zoneinfo import ZoneInfo

from config import settings as file
from config.egress import BY_HARDWARE
from config.secret import read_key
from gateway.access.door import DoorConfig, Relock
from gateway.access.model import AccessPoint
from gateway.drivers import readers_of
from gateway.site import Door, FireZone, Input, Site


def site_of(settings: file.Settings) -> Site:
    """All doors of this gateway. Raises `BadSecret`."""
    numbers = {door.name: door.number for door in settings.doors}
    points = {
        reader: AccessPoint(
            p.name,
            p.door,
            numbers[p.door],
            p.zone_from,
            p.zone_to,
            p.min_assurance,
            tuple((each.schedule, each.min_assurance) for each in p.assurance_by),
        )
        for p in settings.access_points
        for reader in p.readers
    }
    return Site(
        settings.site.id,
        ZoneInfo(settings.site.timezone),
        read_key(settings.secrets.site_key_file),
        [_door(door) for door in settings.doors],
        points,
        readers_of(settings),
        [_fire_zone(zone) for zone in settings.fire_zones],
        [each.doors for each in settings.interlocks],
        settings.site.static_codes,
    )


def _door(door: file.Door) -> Door:
    contact, rex = door.contact, door.rex
    return Door(
        door.name,
        door.number,
        {"zh": door.label.zh, "en": door.label.en},
        door.lock.device,
        door.lock.output,
        Input(contact.device, contact.input, contact.open_when_active) if contact else None,
        _config(door),
        Input(rex.device, rex.input, rex.pressed_when_active) if rex else None,
        door.fire_zone or "",
        door.unlocked.schedule if door.unlocked else "",
        door.way_out in {*BY_HARDWARE, "none"},
        door.when_journal_fails == "let_out",
    )


def _config(door: file.Door) -> DoorConfig:
    return DoorConfig(
        strike_s=door.strike_s,
        held_open_s=door.held_open_s,
        pre_alarm_s=door.pre_alarm_s,
        extended_s=max(door.extended_s, door.strike_s),
        relock=Relock(door.relock.on) if door.relock else Relock.TIME,
        relock_delay_s=door.relock.delay_s if door.relock else 0.0,
        rex_pulse_s=door.rex.pulse_s if door.rex else 0.0,
        rex_shunt_s=door.rex.shunt_s if door.rex else 5.0,
        fire_release=door.fire_zone is not None,
        first_in=door.unlocked is not None and door.unlocked.first_in,
    )


def _fire_zone(zone: file.FireZone) -> FireZone:
    loop = zone.loop
    return FireZone(zone.name, Input(loop.device, loop.input, loop.whole_when_active), zone.when_offline == "release")
