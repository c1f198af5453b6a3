"""Settings that never act in a run of so many epochs, such as a decay that begins behind the last one.

They are no faults. A run that is shortened for a look has some, and its first epochs are those of the whole run.
"""

from __future__ import annotations

from collections.abc import Iterator

from classifier.schedule import share
from search.workload import Settings


def idle(settings: Settings, epochs: int) -> Iterator[tuple[str, str]]:
    """Yield (setting, sentence) of what changes no epoch, or never gets as far as it says.

    Args:
        settings: canonical.
        epochs: of the run.
    """
    last = f"the last epoch is {epochs}"
    name, warmup = settings["decay.name"], settings["decay.warmup"]
    if warmup >= epochs:
        yield "decay.warmup", f"never acts in full: the rate rises until epoch {warmup}, and {last}"
        return
    if settings.get("decay.factor") == 1:
        yield "decay.factor", "never acts: a factor of 1 leaves the rate as it is"
    elif settings.get("decay.floor") == 1:
        yield "decay.floor", "never acts: a floor of 1 is the base rate itself"
    elif name != "none" and share(epochs, settings) == 1:  # decays only fall
        yield "decay.name", _whole(settings, last)
    else:
        yield from _parts(settings, epochs, last)


def _whole(settings: Settings, last: str) -> str:
    """Say why a decay changes no epoch at all."""
    match settings["decay.name"]:
        case "cosine":
            return f"never acts: the first epoch behind the warm-up has the base rate, and {last}"
        case "multistep":
            first, setting = settings["decay.milestones"][0], "decay.milestones"
        case _:
            first, setting = settings["decay.start"], "decay.start"
    return f"never acts: the rate first changes behind epoch {first} ({setting}), and {last}"


def _parts(settings: Settings, epochs: int, last: str) -> Iterator[tuple[str, str]]:
    """Yield what of a decay that acts is never reached."""
    match settings["decay.name"]:
        case "multistep":
            beyond = [milestone for milestone in settings["decay.milestones"] if milestone >= epochs]
            if beyond:
                listed = " and ".join(map(str, beyond))
                yield "decay.milestones", f"never acts in full: nothing changes behind epoch {listed}, for {last}"
        case "step":
            second = settings["decay.start"] + settings["decay.every"]
            if second >= epochs:
                yield "decay.every", f"never acts in full: the second step comes behind epoch {second}, and {last}"
        case "cosine":
            if settings["decay.end"] > epochs:
                yield (
                    "decay.end",
                    f"never acts in full: the floor is reached in epoch {settings['decay.end']}, and {last}",
                )
        case "wsd":
            floor = settings["decay.start"] + settings["decay.length"]
            if floor > epochs:
                yield "decay.length", f"never acts in full: the floor is reached in epoch {floor}, and {last}"
