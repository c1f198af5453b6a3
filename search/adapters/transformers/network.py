"""A training of transformers needs nothing from the network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

OFFLINE = "HF_HUB_OFFLINE"


@contextmanager
def offline(name: str) -> Iterator[None]:
    """Keep the library off the network, unless the environment says otherwise.

    Raises:
        ConnectionError: something was wanted from there.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    if OFFLINE in os.environ:
        is_off = huggingface_hub.constants.HF_HUB_OFFLINE
    else:
        is_off = True
    try:
        with patch.object(huggingface_hub.constants, OFFLINE, is_off):
            yield
    except Exception as error:
        chain: BaseException | None = error
        while chain is not None:
            if isinstance(chain, (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled)):
                raise ConnectionError(
                    f"{name} wants something from the Hugging Face hub that is not on this machine; fetch it first "
                    "(`hf download NAME --revision COMMIT`), or make the model from a config; a training itself is "
                    f"kept off the network unless {OFFLINE}=0"
                ) from error
            chain = chain.__cause__ or chain.__context__
        raise
