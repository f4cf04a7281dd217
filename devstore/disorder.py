"""Deliveries as a network hands them over: some twice, some late, some after their successors, some never."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from devstore.courier import Delivery
from devstore.faults import Faults

FAR = 20
"""A repeated or displaced delivery comes at most this many places later."""
MOMENT = 0.1
"""What a place is in seconds while the clock runs."""
LATE = 30.0
"""Seconds by which a delayed delivery is late while the clock runs; a step sends it last."""


@dataclass(frozen=True)
class Arranged:
    """What will be sent, in this order, and what was done to it."""

    deliveries: list[Delivery]
    duplicates: int = 0
    out_of_order: int = 0
    delayed: int = 0
    dropped: int = 0


def arrange(deliveries: Sequence[Delivery], faults: Faults) -> Arranged:
    """Apply the shop's fault switches to a run of deliveries."""
    plan = faults.plan
    kept = [one for one in deliveries if not faults.strikes(plan.drop)]
    on_time: list[Delivery] = []
    late: list[Delivery] = []
    for one in kept:
        (late if faults.strikes(plan.delay) else on_time).append(one)
    order, displaced = _displace(on_time, faults)
    order, duplicates = _repeat(order, faults)
    return Arranged(order + late, duplicates, displaced, len(late), len(deliveries) - len(kept))


def arrange_live(deliveries: Sequence[Delivery], faults: Faults) -> Arranged:
    """The same for a running clock, which sends a few at a time: what is displaced, repeated or late is held back."""
    plan, order = faults.plan, []
    duplicates = displaced = late = dropped = 0
    for one in deliveries:
        if faults.strikes(plan.drop):
            dropped += 1
            continue
        if faults.strikes(plan.delay):
            one, late = replace(one, hold=LATE), late + 1
        elif faults.strikes(plan.reorder):
            one, displaced = replace(one, hold=faults.places(FAR) * MOMENT), displaced + 1
        order.append(one)
        if faults.strikes(plan.duplicate):
            order.append(replace(one, hold=one.hold + faults.places(FAR) * MOMENT, is_duplicate=True))
            duplicates += 1
    return Arranged(order, duplicates, displaced, late, dropped)


def _displace(deliveries: list[Delivery], faults: Faults) -> tuple[list[Delivery], int]:
    """Move some behind later ones, and behind the next one about the same thing where there is one: that hurts most."""
    places = [float(index) for index in range(len(deliveries))]
    moved = 0
    for index, one in enumerate(deliveries[:-1]):
        if faults.strikes(faults.plan.reorder):
            places[index] = _behind(deliveries, index, one.about, faults.places(FAR)) + 0.5
            moved += 1
    order = sorted(range(len(deliveries)), key=lambda index: places[index])
    return [deliveries[index] for index in order], moved


def _behind(deliveries: list[Delivery], index: int, about: str, far: int) -> int:
    for later in range(index + 1, len(deliveries)):
        if about and deliveries[later].about == about:
            return later
    return index + far


def _repeat(deliveries: list[Delivery], faults: Faults) -> tuple[list[Delivery], int]:
    order: list[tuple[int, Delivery]] = list(enumerate(deliveries))
    again = [
        (place + faults.places(FAR), replace(one, is_duplicate=True))
        for place, one in order
        if faults.strikes(faults.plan.duplicate)
    ]
    return [one for _, one in sorted(order + again, key=lambda pair: pair[0])], len(again)
