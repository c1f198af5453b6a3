"""Where modules are looked for: the working folder comes last, so that a file there stands for no other module.

A user's folder may hold a `torch.py` or a `classifier.py`. This file runs before any other of ours, so it imports only
what every interpreter has loaded by then.
"""

import os
import sys


def put_working_folder_last() -> None:
    """Move the working folder behind all other places, in this process and in the environment of those it starts."""
    sys.path[:] = working_folder_last(sys.path)
    given = os.environ.get("PYTHONPATH", "")
    others = [place for place in sys.path if not _is_working_folder(place)]
    if given and _own_package_in(others) is True:
        # An empty place, as `PYTHONPATH=$PYTHONPATH:/x` often gives, is the working folder as well.
        kept = [place for place in given.split(os.pathsep) if not _is_working_folder(place)]
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)


def working_folder_last(places: list[str]) -> list[str]:
    """Return the places with the working folder as the last one.

    It is the first one where another copy of this package would be found without it: a checkout beside an installed
    one, with its folder as the working folder.
    """
    try:
        folder = os.path.realpath("")
    except OSError:  # it was removed: nothing is imported from there
        return list(places)
    others = [place for place in places if not _is_working_folder(place)]
    return [folder, *others] if _own_package_in(others) is False else [*others, folder]


def _is_working_folder(place: str) -> bool:
    try:
        return os.path.realpath(place) == os.path.realpath("")
    except OSError:
        return not place


def _own_package_in(places: list[str]) -> bool | None:
    """Return whether the package of our name that is found in these places is this one; None where there is none."""
    from importlib.machinery import PathFinder

    name = __name__.partition(".")[0]
    spec = PathFinder.find_spec(name, places)
    if spec is None or spec.origin is None:
        return None
    return os.path.realpath(spec.origin) == os.path.realpath(sys.modules[name].__file__ or "")
