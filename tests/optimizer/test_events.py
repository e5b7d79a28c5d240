"""Events reach every listener, in order."""

from __future__ import annotations

from optimizer.events import Bus, CampaignEnded, Event, PhaseChanged


def test_every_listener_hears_everything_in_order() -> None:
    first: list[Event] = []
    second: list[Event] = []
    bus = Bus(first.append)
    bus.emit(PhaseChanged("search", "begins"))
    bus.listen(second.append)
    bus.emit(PhaseChanged("done", ""))
    bus.emit(CampaignEnded("over", finished=True))
    assert [type(event).__name__ for event in first] == ["PhaseChanged", "PhaseChanged", "CampaignEnded"]
    assert second == first[1:]


def test_without_listeners() -> None:
    Bus().emit(CampaignEnded("over", finished=True))
