"""Models of the model hub: what is on this machine already, and fetching what is not."""

from __future__ import annotations

import os
from pathlib import Path

from reranking.models import ModelError

PATIENCE = 5.0
"""Seconds that the hub may take to say what it has."""

_WEIGHTS = (".safetensors", ".bin")

# Other formats of the same weights, which nothing here loads.
_OTHER_FORMATS = ["onnx/*", "openvino/*", "coreml/*", "*.onnx", "*.msgpack", "*.h5", "*.ot", "*.gguf", "*.tflite"]


def cached(repository: str) -> Path | None:
    """The folder of the model on this machine, or None if it was not downloaded whole."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return folder if any(path.suffix in _WEIGHTS for path in folder.rglob("*")) else None


def downloaded() -> list[str]:
    """The names of all models on this machine."""
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = Path(HF_HUB_CACHE)
    if not folder.is_dir():
        return []
    names = [path.name.removeprefix("models--").replace("--", "/") for path in sorted(folder.glob("models--*"))]
    return [name for name in names if cached(name) is not None]


def fetch(repository: str) -> Path:
    """Download the model and return its folder.

    Raises ModelError, within seconds if there is no connection.
    """
    from httpx2 import HTTPError
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        # The download itself retries for long; this tells first whether there is a hub to ask.
        found = HfApi().model_info(repository, timeout=PATIENCE)
        names = [file.rfilename for file in found.siblings or ()]
        both = any(name.endswith(".safetensors") for name in names)
        skipped = [*_OTHER_FORMATS, *(["*.bin"] if both else [])]
        return Path(snapshot_download(repository, revision=found.sha, ignore_patterns=skipped))
    except GatedRepoError as error:
        raise ModelError(
            "bad-key",
            f"{repository} is only for users that its owner let in. Accept its terms, then run `hf auth login`.",
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelError(
            "unknown-model", f"The model hub has no model '{repository}', or only for users it knows. Check the name."
        ) from error
    except OfflineModeIsEnabled as error:
        raise ModelError(
            "not-installed", f"{repository} is not on this machine, and HF_HUB_OFFLINE forbids to download it."
        ) from error
    except (HTTPError, LocalEntryNotFoundError, ConnectionError, TimeoutError) as error:
        raise ModelError(
            "connection",
            f"Cannot download {repository}: no connection to the model hub. "
            "Connect once, or download it elsewhere and give its folder as hf:/path.",
            raw=str(error),
        ) from error
    except OSError as error:
        raise ModelError(
            "internal", f"Cannot download {repository}: {error.strerror or error}", raw=str(error)
        ) from error


def revision(folder: Path) -> str:
    """The commit of a downloaded model's folder."""
    return os.path.basename(folder)
