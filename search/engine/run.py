"""One run over one study, from a space to settled trials."""

from __future__ import annotations
