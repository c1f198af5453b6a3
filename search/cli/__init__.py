"""The command line: one function per verb; reads arguments, prints; decides nothing."""

from __future__ import annotations

import click

from search import __version__
from search.cli.audit import audit
from search.cli.check import check, schema
from search.cli.clean import clean
from search.cli.describe import describe
from search.cli.init import init
from search.cli.judge import judge
from search.cli.log import log
from search.cli.mcp import mcp
from search.cli.plan import plan
from search.cli.run import run
from search.cli.serve import serve
from search.cli.server import server
from search.cli.studies import dashboard, export, list_, report, show
from search.cli.verify import verify
from search.cli.visualize import visualize
from search.cli.words import Verbs


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="search")
def cli() -> None:
    """Hyperparameter search for controlled comparisons: one space file in, a comparison table out."""


for verb in (
    init,
    check,
    audit,
    verify,
    schema,
    describe,
    plan,
    run,
    judge,
    report,
    export,
    list_,
    show,
    visualize,
    serve,
    server,
    mcp,
    dashboard,
    log,
    clean,
):
    cli.add_command(verb)
