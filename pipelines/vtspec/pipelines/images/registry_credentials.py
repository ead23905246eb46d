"""The user and password of a registry, as `docker login` and `podman login` keep them."""

import base64
import binascii
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_DOCKER_HUB: Final = {"docker.io": "https://index.docker.io/v1/"}

_ANSWER_S: Final = 30.0


def find_login(host: str, environ: Mapping[str, str]) -> str | None:
    """`user:password` for a registry's host, or None where nobody has logged in."""
    for file in _list_files(environ):
        settings = _read_settings(file)
        found = _find_in(settings, _DOCKER_HUB.get(host, host), environ)
        if found is not None:
            return found
    return None


def _list_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Where the two keep them, Podman's first: containers-auth.json(5), docker login."""
    home = Path(environ.get("HOME") or Path.home())
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"
    yield Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"


def _read_settings(file: Path) -> Mapping[str, Any]:
    try:
        settings = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        # Whoever cannot log in is told so by the registry.
        return {}
    return settings if isinstance(settings, dict) else {}


def _find_in(settings: Mapping[str, Any], key: str, environ: Mapping[str, str]) -> str | None:
    helper = _get(settings, "credHelpers", key) or _get(settings, "credsStore")
    if isinstance(helper, str) and (found := _ask_helper(helper, key, environ)):
        return found
    entry = _get(settings, "auths", key, "auth")
    return _decode(entry) if isinstance(entry, str) else None


def _get(settings: object, *keys: str) -> object:
    """What lies below keys in settings that may have any form; None where nothing does."""
    for key in keys:
        settings = settings.get(key) if isinstance(settings, Mapping) else None
    return settings


def _decode(entry: str) -> str | None:
    try:
        return base64.b64decode(entry, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _ask_helper(helper: str, key: str, environ: Mapping[str, str]) -> str | None:
    """Ask a program for it: github.com/docker/docker-credential-helpers."""
    try:
        done = subprocess.run(
            [f"docker-credential-{helper}", "get"],
            input=key,
            capture_output=True,
            text=True,
            timeout=_ANSWER_S,
            env=dict(environ),
            check=True,
        )
        said = json.loads(done.stdout)
        return f"{said['Username']}:{said['Secret']}"
    except (
        OSError,
        subprocess.SubprocessError,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
    ):
        return None
