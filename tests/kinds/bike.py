"""A bike of a bike share: docked at a station or undocked by a rider, until it is retired.

registered ──▶ in store ──docked──▶ docked ──undocked──▶ ridden        any of them ──retired──▶ retired
                                      ▲───────docked───────┘
"""

from typing import NamedTuple

from evcli.domain.fields import text
from evcli.domain.kind import Begins, Changes, Data, Ends, Kind, Records
from evcli.errors import Refused

FRAME = text("frame number", 20, "WBK-1815", "WBK-1816", pattern=r"[A-Z]+-\d+", help="As stamped under the saddle.")
MODEL = text("model", 100, "Cargo 8", "Cargo 9")
STATION = text("station", 100, "Main St", "Harbour")
RIDER = text("rider", 100, "Ada", "Grace")


class Bike(NamedTuple):
    """One bike at one moment: at a station, or with a rider, or neither."""

    id: int
    frame: str
    model: str
    station: str | None
    rider: str | None
    registered: int
    changed: int
    retired: int | None = None


def is_not_docked(bike: Bike, _: Data, __: Records) -> None:
    if bike.station:
        raise Refused(f"bike {bike.id} is already docked at {bike.station}")


def is_docked(bike: Bike, _: Data, __: Records) -> None:
    if not bike.station:
        raise Refused(f"bike {bike.id} is not docked" + (f": {bike.rider} has it" if bike.rider else ""))


def register(_: None, new: Data) -> Bike:
    return Bike(0, new["frame"], new["model"], None, None, 0, 0)


def dock(bike: Bike, new: Data) -> Bike:
    return bike._replace(station=new["station"], rider=None)


def undock(bike: Bike, new: Data) -> Bike:
    return bike._replace(station=None, rider=new["rider"])


TYPES = {
    "bike.registered": Begins("register", "Register a bike", {"frame": FRAME, "model": MODEL}, apply=register),
    "bike.docked": Changes(
        "dock", "Dock a bike at a station", {"station": STATION},
        rule=is_not_docked, apply=dock, says="docked at {station}", undo="bike.undocked",
    ),
    "bike.undocked": Changes(
        "undock", "Undock a bike for a rider", {"rider": RIDER},
        rule=is_docked, apply=undock, says="undocked by {rider}", undo="bike.docked",
    ),
    "bike.retired": Ends("retire", "Retire a bike for good", why="frame cracked"),
}  # fmt: skip

KIND = Kind("bike", Bike, TYPES, unique="frame", label="{frame} {model}")
