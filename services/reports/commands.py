"""``flask reports verify`` and ``flask reports rebuild``."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from services.reports import proof, workflow
from volunteers.rota import sums as duties

cli = AppGroup("reports", help="统计")


@cli.command("verify")
def verify_command() -> None:
    """Prove the kept sums against the rows, and name what differs."""
    found = list(proof.differences())
    for difference in found:
        click.echo(str(difference))
    if found:
        raise SystemExit(1)
    click.echo("汇总与逐条全部相符")


@cli.command("rebuild")
@click.option("--estate", help="只重算这个小区（名称）")
def rebuild_command(estate: str | None) -> None:
    """Count estates anew from their rows; may be stopped and run again, the service goes on."""
    estates = [row for row in workflow.list_estates() if estate is None or row.name == estate]
    if not estates:
        raise click.ClickException(f"没有叫“{estate}”的小区")
    for row in estates:
        click.echo(f"{row.name}：改正{proof.rebuild(row.id, row.path)}处")
    if estate is None:
        click.echo(f"值班：重算{duties.rebuild()}天")
