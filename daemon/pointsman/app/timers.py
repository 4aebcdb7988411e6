"""Who gets which timer.

Scripts set timers by purpose (``store.timers``); here, and only here, a purpose meets its handler.
"""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.flows import acceptance, flights, parking, redelivery
from pointsman.http.services import Services
from pointsman.store.caps import CapStore
from pointsman.store.errands import ErrandStore
from pointsman.store.overdue import Overdue
from pointsman.store.parking import ParkingStore
from pointsman.store.records import RecordStore
from pointsman.store.timers import Handler

__all__ = ["handlers"]


def handlers(services: Services) -> Mapping[str, Handler]:
    """Return the handlers of timers by purpose."""
    lines = ParkingStore(services.store, services.settings)
    line_keeper = parking.Parking(lines, services.pools, services.rules)
    accepted = acceptance.Acceptances(services.owners.store, services.pools, services.rules)
    errands = ErrandStore(services.store, services.settings)
    again = redelivery.Redeliveries(errands, CapStore(services.store), services.delivery)
    overdue = Overdue(RecordStore(services.store, services.settings))
    return {
        "overdue": overdue.ring,
        "meta": services.meta.read,
        redelivery.PURPOSE: again.ring,
        flights.PURPOSE: services.flights.resume,
        parking.PURPOSE: line_keeper.ring,
        acceptance.PURPOSE: accepted.ring,
    }
