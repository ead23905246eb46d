"""Whoever calls, by their kubeconfig and its current context."""

import importlib
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from vtspec.pipelines.errors import Permanent, refuse_import
from vtspec.pipelines.redaction import Redactor, make_redactor
from vtspec.schema.visible_text import shorten_visibly

_USE_CONTEXT: Final = "kubectl config get-contexts, then: kubectl config use-context NAME"
_OTHER_FILE: Final = "export KUBECONFIG=FILE, another one"

_LACKING: Final = re.compile(r"object with name (\S+) in .*/(contexts|clusters|users) list")
_LACKING_KEY: Final = re.compile(r"Expected key (\S+) in ")
_NO_FILE: Final = re.compile(r"File does not exist: (\S+)")
"""What the package says of a kubeconfig that it cannot use, without its secrets."""


def open_kubeconfig(environ: Mapping[str, str]) -> tuple[Any, Redactor]:
    """The package's client of the cluster that the environment leads to, and what hides the
    secrets it has for that. Raises `Permanent` for a kubeconfig that cannot be used."""
    try:
        client = importlib.import_module("kubernetes.client")
        config = importlib.import_module("kubernetes.config")
    except ImportError as error:
        raise refuse_import(
            error,
            "kubernetes",
            "a cluster is asked by the package kubernetes",
            "pip install 'vtspec[cluster]'",
        ) from error
    settings = client.Configuration()
    # What is tried again is for whoever calls to say, and each try is to be short: a server that
    # asks for patience would be waited for in here.
    retry = importlib.import_module("urllib3").Retry
    settings.retries = retry(1, respect_retry_after_header=False)
    told: list[str] = []
    file = environ.get("KUBECONFIG") or None
    try:
        with _collect_log(told):
            config.load_kube_config(config_file=file, client_configuration=settings)
    # A file that somebody wrote by hand may be anything; what it holds is not to be shown.
    except Exception as error:
        if not isinstance(error, config.ConfigException | OSError | ValueError | LookupError) and (
            type(error).__module__.partition(".")[0] not in ("yaml", "binascii", "builtins")
        ):
            raise
        raise _refuse_config(file, error) from None
    if any("exec" in line for line in told):
        raise Permanent(
            "the program that your kubeconfig names gave no credential for the cluster",
            fix="see what it says: kubectl get namespaces",
        )
    return client.ApiClient(configuration=settings), _make_redactor(settings, environ)


def find_context_namespace(environ: Mapping[str, str]) -> str:
    """The namespace that the current context means, as kubectl takes it."""
    config = importlib.import_module("kubernetes.config")
    _, current = config.list_kube_config_contexts(config_file=environ.get("KUBECONFIG") or None)
    return str((current.get("context") or {}).get("namespace") or "default")


def _refuse_config(file: str | None, error: Exception) -> Permanent:
    shown, said = file or "~/.kube/config", str(error)
    mark = getattr(error, "problem_mark", None)
    if "No configuration found" in said:
        why, fix = f"there is no kubeconfig: {shown}", "export KUBECONFIG=FILE"
    elif "current-context" in said:
        why, fix = f"{shown} has no current context", _USE_CONTEXT
    elif found := _LACKING.search(said):
        what = {"contexts": "is", "clusters": "names the cluster", "users": "names the user"}
        why = f"the current context of {shown} {what[found[2]]} {found[1]}, which it does not have"
        fix = _USE_CONTEXT
    elif found := _LACKING_KEY.search(said):
        why, fix = f"{shown} has no '{found[1]}'", _OTHER_FILE
    elif found := _NO_FILE.search(said):
        why = f"{shown} names a file that is not there: {found[1]}"
        fix = f"bring it back, or {_OTHER_FILE}"
    elif mark is not None:
        # No word of it, which may be a secret's.
        why = f"{shown}:{mark.line + 1}:{mark.column + 1}: no YAML can be read from here on"
        fix = f"mend it there, or {_OTHER_FILE}"
    else:
        why, fix = f"{shown} is no kubeconfig", _OTHER_FILE
    return Permanent(shorten_visibly(why, 400), fix=fix)


def _make_redactor(settings: Any, environ: Mapping[str, str]) -> Redactor:
    known = make_redactor(environ)
    tokens = {str(token) for token in (settings.api_key or {}).values()}
    bare = {token.partition(" ")[2] for token in tokens}
    secrets = {one for one in (*tokens, *bare, str(settings.password or "")) if len(one) > 5}
    return Redactor(secrets=known.secrets | secrets, places=known.places)


@contextmanager
def _collect_log(told: list[str]) -> Iterator[None]:
    """Keep from standard error what the package logs of a plug-in, which may be a secret."""

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    handler, root = Collector(), logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
