"""`vtspec controller`: look after repositories, and do what their pull requests ask for."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

if TYPE_CHECKING:
    from vtspec.pipelines.controller.tenancy import Tenancy
    from vtspec.pipelines.forge.connection import Connection
    from vtspec.pipelines.forge.credentials import Credential
    from vtspec.pipelines.forge.webhook import WebhookSecrets

TOKEN: Final = "VTSPEC_FORGE_TOKEN"
SECRET: Final = "VTSPEC_WEBHOOK_SECRET"

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, kw_only=True)
class _Options:
    forge: Literal["github", "gitea"]
    url: str | None
    token_file: Path | None
    app_id: str | None
    private_key: Path | None
    secret_files: tuple[Path, ...]
    listen: str
    metrics: str | None
    folder: Path | None
    namespace: str | None
    runs: str | None
    sweep_s: float
    once: bool


@click.command()
@click.argument("repositories", metavar="OWNER/NAME...", nargs=-1, required=True)
@click.option(
    "--forge",
    type=click.Choice(["github", "gitea"]),
    default="github",
    show_default=True,
    help="What the repositories are on.",
)
@click.option("--url", help="The forge's address, if it is not github.com.")
@click.option("--token-file", type=_FILE, help=f"Token of an account; else ${TOKEN}.")
@click.option("--app-id", help="Id of a GitHub App, in place of a token.")
@click.option("--private-key", type=_FILE, help="The App's private key, as PEM.")
@click.option(
    "--webhook-secret-file",
    "secret_files",
    type=_FILE,
    multiple=True,
    help=f"Secret that webhooks are signed with; several while one is changed. Else ${SECRET}.",
)
@click.option(
    "--listen", default="127.0.0.1:8090", show_default=True, help="Where webhooks are taken."
)
@click.option(
    "--metrics",
    metavar="HOST:PORT",
    help="Where a Prometheus reads figures; else nowhere.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the repositories are mirrored, if not in the cache.",
)
@click.option(
    "--namespace", help="The only namespace of the cluster that the repository may name."
)
@click.option(
    "--runs", metavar="s3://…", help="Where the repository's runs lie, or below which; else not."
)
@click.option(
    "--sweep",
    "sweep_s",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    help="Seconds until all is looked at although no webhook came.",
)
@click.option("--once", is_flag=True, help="Do what there is to do now, and end.")
@click.pass_context
def command(context: click.Context, /, repositories: tuple[str, ...], **options: Any) -> None:
    """Look after repositories OWNER/NAME: tell each pull request its plans, carry out what is
    approved there on the cluster, and tell how it went.

    The vtspec.yaml of the default branch decides. The cluster is that of the kubeconfig, the store
    of runs that of the AWS_* variables. Nothing is kept but a mirror of the repositories: it may
    be killed at any time, and several may run at once. Exit codes: 0 it was told to end (with
    `--once`: there is nothing left to do), 75 with `--once` something is left for later.
    """
    from vtspec.pipelines.controller.process import serve_at_rest, serve_repositories
    from vtspec.pipelines.controller.site import Site
    from vtspec.pipelines.controller.tenancy import Tenants
    from vtspec.pipelines.controller.worker import SiteWorker
    from vtspec.pipelines.failpoints import find_failpoint
    from vtspec.pipelines.listen_address import parse_listen_address
    from vtspec.pipelines.project.git_mirror import choose_mirror_folder

    def report(line: str) -> None:
        click.echo(line, err=True)

    chosen = _Options(**options)
    if chosen.once:
        _refuse_serving_options(context)
    address = parse_listen_address(chosen.listen, "--listen", "127.0.0.1:8090")
    metrics_address = (
        None
        if chosen.metrics is None
        else parse_listen_address(chosen.metrics, "--metrics", "127.0.0.1:8091")
    )
    if (failpoint := find_failpoint()) is not None:
        report(f"warning: failpoints are armed, where this process is to fail: {failpoint}")
    tenancy = _read_tenancy(chosen, repositories)
    tenants = Tenants()
    connection = _connect(chosen)
    sites = [
        Site(
            forge=connection.open(name),
            folder=choose_mirror_folder(name, chosen.folder, os.environ),
            tenancy=tenancy,
            tenants=tenants,
        )
        for name in dict.fromkeys(repositories)
    ]
    if chosen.once:
        rested = [serve_at_rest(site, report) for site in sites]
        raise click.exceptions.Exit(75 if None in rested else 0)
    secrets = _read_secrets(chosen.secret_files, os.environ)
    workers = [SiteWorker(site=site, report=report, sweep_s=chosen.sweep_s) for site in sites]
    told = [f"webhooks at http://{chosen.listen}/webhook"]
    if chosen.metrics is not None:
        told.append(f"figures at http://{chosen.metrics}/metrics")
    names = ", ".join(site.forge.repository for site in sites)

    def tell_start() -> None:
        login = sites[0].forge.find_login()
        report(f"looking after {names} as {login}, who commands nothing; {', '.join(told)}")

    serve_repositories(workers, address, secrets, metrics_address, tell_start)


def _read_tenancy(chosen: _Options, repositories: tuple[str, ...]) -> "Tenancy":
    from vtspec.pipelines.cache_folder import is_store
    from vtspec.pipelines.controller.tenancy import Tenancy
    from vtspec.pipelines.errors import Refused
    from vtspec.schema.kinds.patterns import KUBERNETES_NAME

    if len(set(repositories)) > 1 and (chosen.namespace or chosen.runs):
        raise Refused(
            "--namespace and --runs are one repository's, and several are named",
            fix="one controller for each, or leave both out",
        )
    namespace = chosen.namespace
    if namespace is not None and not re.fullmatch(KUBERNETES_NAME.pattern, namespace):
        raise Refused(
            f"--namespace {namespace} is no name of a namespace", fix="--namespace vision"
        )
    if chosen.runs is not None and not is_store(chosen.runs):
        raise Refused(f"--runs {chosen.runs} is no store", fix="--runs s3://BUCKET/PREFIX")
    return Tenancy(namespace=namespace, runs=chosen.runs)


def _find_credential(chosen: _Options) -> "Credential":
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.forge.credentials import (
        AppCredential,
        SecretFile,
        SecretVariable,
        TokenCredential,
    )

    token_file, app_id, private_key = chosen.token_file, chosen.app_id, chosen.private_key
    if (app_id is None) != (private_key is None):
        raise Refused(
            "an App is known by its id and its key together",
            fix="--app-id ID --private-key FILE",
        )
    if app_id is not None and private_key is not None:
        if token_file is not None:
            raise Refused("either an App or a token asks, not both", fix="leave --token-file out")
        return AppCredential(app_id=app_id, private_key=SecretFile(path=private_key))
    token = SecretVariable(name=TOKEN) if token_file is None else SecretFile(path=token_file)
    return TokenCredential(token=token)


def _connect(chosen: _Options) -> "Connection":
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.forge.connection import GITHUB_API, connect_gitea, connect_github
    from vtspec.pipelines.forge.credentials import AppCredential

    credential = _find_credential(chosen)
    if chosen.forge == "github":
        return connect_github(credential, chosen.url or GITHUB_API)
    if chosen.url is None:
        raise Refused("--forge gitea needs its address", fix="--url https://git.example.org")
    if isinstance(credential, AppCredential):
        raise Refused("Gitea has no Apps", fix="a token: --token-file FILE")
    return connect_gitea(credential, chosen.url)


def _read_secrets(files: tuple[Path, ...], environ: Mapping[str, str]) -> "WebhookSecrets":
    from vtspec.pipelines.forge.credentials import SecretFile, SecretVariable
    from vtspec.pipelines.forge.webhook import WebhookSecrets

    kept: list[SecretFile | SecretVariable] = [SecretFile(path=path) for path in files]
    if not kept:
        kept.append(SecretVariable(name=SECRET, environ=environ))
    return WebhookSecrets([one.read() for one in kept])


def _refuse_serving_options(context: click.Context) -> None:
    """Raise `Refused` for an option that says how to serve, where nothing is served."""
    from click.core import ParameterSource

    from vtspec.pipelines.errors import Refused

    for name in ("listen", "metrics", "secret_files", "sweep_s"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = next(one.opts[0] for one in context.command.params if one.name == name)
            raise Refused(
                f"--once looks and ends: nothing is served, and {option} changes nothing",
                fix=f"leave {option} out",
            )
