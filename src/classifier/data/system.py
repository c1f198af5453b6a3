"""Names of files and folders that no person made: what file servers, operating systems and programs leave behind.

A thumbnail that a file server keeps beside a photo is an image like any other to a program, and a folder of them a
class. A name is on the list where nobody would give it to a class of images.
"""

from __future__ import annotations

import fnmatch
import re

_ANY_CASE = (
    # Synology
    "@eaDir", "#recycle", "#snapshot", "@tmp", "@sharebin", "@sharesnap", "@appstore", "@database", "@docker",
    "@quarantine", "@SynologyDrive*", "*@SynoEAStream", "*@SynoResource", "SYNOPHOTO_*_*.*", "SYNOFILE_THUMB_*",
    # QNAP, Asustor, Terramaster, NetApp
    "@Recycle", "@Recently-Snapshot", "@__thumb", "@__desc", "@metadata", "~snapshot",
    # Windows
    "$RECYCLE.BIN", "System Volume Information", "Thumbs.db", "Thumbs.db:*", "ehthumbs*.db", "desktop.ini",
    "FOUND.[0-9][0-9][0-9]", "thumbcache_*.db", "*:Zone.Identifier", "~$*", "AlbumArtSmall.jpg", "AlbumArt_{*}*.jpg",
    "_vti_*",
    # macOS and AppleShare
    "__MACOSX", "Icon\r", "Desktop DB", "Desktop DF", "Network Trash Folder", "Temporary Items",
    "TheFindByContentFolder", "TheVolumeSettingsFolder",
    # Linux and programs
    "lost+found", "__pycache__", "Picasa.ini", "ZbThumbnail.info", "~syncthing~*", "_gsdata_",
)  # fmt: skip
_AS_WRITTEN = ("RECYCLER", "RECYCLED")  # of old Windows; "recycled" may be a class
_patterns = {re.compile(fnmatch.translate(pattern.casefold())): pattern for pattern in _ANY_CASE}
_any = re.compile("|".join(pattern.pattern for pattern in _patterns))


def kind(name: str) -> str:
    """Return what a file or folder is called in a count of what is skipped; empty where it is not skipped.

    Skipped are the names above and all hidden ones, which begin with a dot. Names with a part of their own are counted
    under what they have in common.
    """
    if name.startswith("._"):
        return "._*"  # AppleDouble: one beside every file, named like it
    if name.startswith(".") or name in _AS_WRITTEN:
        return name
    if not _any.match(name.casefold()):
        return ""
    return next(
        name if "*" not in text else text for pattern, text in _patterns.items() if pattern.match(name.casefold())
    )
