"""Opening an Optuna database, also where many processes open the same new one at once."""

from __future__ import annotations

import random
import time

import sqlalchemy as sa
from optuna.storages import RDBStorage

OPENING_TRIES = 50
"""Each try that fails found a table or row that another process made since it looked, and there are some twenty."""


def open_optuna(url: str, **engine_kwargs: object) -> RDBStorage:
    """Return Optuna's storage at `url`, its tables made where they are missing.

    Optuna looks for each of its tables and then makes it, which fails where another process was in between.

    Args:
        url: SQLAlchemy URL.
        engine_kwargs: for `sqlalchemy.create_engine`.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be used.
        RuntimeError: its tables are of another version of Optuna.
    """
    for _ in range(OPENING_TRIES - 1):
        try:
            return RDBStorage(url, engine_kwargs=engine_kwargs)
        except sa.exc.SQLAlchemyError as error:
            if not (isinstance(error, sa.exc.IntegrityError) or "already exists" in str(error)):
                raise
            time.sleep(random.uniform(0, 0.1))  # not in step with the others that lost
    return RDBStorage(url, engine_kwargs=engine_kwargs)
