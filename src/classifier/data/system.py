"""Names of files and folders that no person made: what file servers, operating systems and programs leave behind.

A thumbnail that a file server keeps beside a photo is an image like any other to a program, and a folder of them a
class. A name is on the list where nobody would give it to a class of images.
"""

from __future__ import annotations

import fnmatch
import re

_ANY_CASE = (
    # Synology
    "@eadir", "#recycle", "#snapshot", "@tmp", "@sharebin", "@sharesnap", "@synologydrive*", "*@synoeastream",
    "*@synoresource", "synophoto_thumb_*", "synofile_thumb_*", "synophoto_film_*",
    # QNAP, Asustor, Terramaster, NetApp
    "@recycle", "@recently-snapshot", "@__thumb", "@__desc", "@metadata", "~snapshot",
    # Windows
    "$recycle.bin", "system volume information", "thumbs.db*", "ehthumbs*.db", "thumbcache_*.db", "desktop.ini",
    "found.[0-9][0-9][0-9]", "*:zone.identifier", "~$*",
    # macOS and AppleShare
    "__macosx", "icon\r", "desktop db", "desktop df", "network trash folder", "temporary items",
    "thefindbycontentfolder", "thevolumesettingsfolder",
    # Linux and programs
    "lost+found", "__pycache__", "picasa.ini", "zbthumbnail.info", "~syncthing~*",
)  # fmt: skip
_AS_WRITTEN = ("RECYCLER", "RECYCLED")  # of old Windows; "recycled" may be a class
_by_a_system = re.compile("|".join(map(fnmatch.translate, _ANY_CASE)))


def kind(name: str) -> str:
    """Return what a file or folder is called in a count of what is skipped; empty where it is not skipped.

    Skipped are the names above and all hidden ones, which begin with a dot.
    """
    if name.startswith("._"):
        return "._*"  # AppleDouble: one beside every file, named like it
    if name.startswith(".") or name in _AS_WRITTEN:
        return name
    return name if _by_a_system.match(name.casefold()) else ""
