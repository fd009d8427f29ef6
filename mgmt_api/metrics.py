"""Figures for Prometheus, read when asked."""

import psutil
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mgmt_api import events
from mgmt_api.calendars.ending import ending
from mgmt_api.office.snapshots import counts
from mgmt_api.office.store import table_version
from mgmt_api.plane import Plane
from mgmt_api.tables.doors import Command, GatewayState


def collect(plane: Plane) -> CollectorRegistry:
    """A registry with the plane's figures as they are now."""
    registry = CollectorRegistry()
    with plane.database.read() as session:
        _office(session, registry)
        _calendars(session, plane, registry)
        _gateways(session, plane, registry)
    memory = Gauge("menjin_api_resident_bytes", "Memory of the management process", registry=registry)
    memory.set(psutil.Process().memory_info().rss)
    return registry


def _office(session: Session, registry: CollectorRegistry) -> None:
    Gauge("menjin_table_version", "Version of the permission table", registry=registry).set(table_version(session))
    Gauge("menjin_event_cursor", "Newest event", registry=registry).set(events.latest(session))
    records = Gauge("menjin_records", "Records that central pushed", ["kind"], registry=registry)
    for kind, count in counts(session).items():
        records.labels(kind).set(count)
    waiting = Gauge("menjin_commands", "Commands by state", ["state"], registry=registry)
    for state, count in session.execute(select(Command.state, func.count()).group_by(Command.state)):
        waiting.labels(state).set(count)


def _calendars(session: Session, plane: Plane, registry: CollectorRegistry) -> None:
    about = "1 for special days of which a year that is needed is not written yet"
    missing = Gauge("menjin_special_days_missing", about, ["id", "year"], registry=registry)
    for id_, year in ending(session, plane.today()):
        missing.labels(id_, year).set(1)


def _gateways(session: Session, plane: Plane, registry: CollectorRegistry) -> None:
    online = Gauge("menjin_gateway_online", "1 while the gateway is there", ["gateway"], registry=registry)
    acked = Gauge("menjin_gateway_acked_seq", "Events stored without a gap", ["gateway"], registry=registry)
    for id_, seq in session.execute(select(GatewayState.id, GatewayState.acked)):
        online.labels(id_).set(plane.presence.online(id_, plane.clock()))
        acked.labels(id_).set(seq)
