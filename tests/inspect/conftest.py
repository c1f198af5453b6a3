"""Ledgers and studies, as those of reports."""

from tests.report.conftest import focal, ledger, make

__all__ = ["focal", "ledger", "make"]
