"""Which rows are hidden from everybody: those that were withdrawn, and what may be wrong of a distrusted kind."""

from __future__ import annotations

import sqlalchemy as sa

from search.core.trust import FRESH
from search.ledger import tables

_epoch, _withdrawn, _distrust = tables.epoch.c, tables.withdrawn.c, tables.distrust.c

TAINTED = sa.or_(_epoch.origin.is_(None), _epoch.origin != FRESH)
"""Rows that a distrusted kind's word is not taken for."""

WITHDRAWN = sa.exists().where(_withdrawn.key == _epoch.key)
"""Rows that an entry hides."""

DOUBTED = sa.exists().where(_distrust.kind == _epoch.kind, TAINTED)
"""Rows that their kind hides: a driver that has not heard of it may have committed them since."""

SHOWN = ~WITHDRAWN & ~DOUBTED
"""Rows that anybody is shown."""
