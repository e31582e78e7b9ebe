"""``flask hours``: proving the monthly sums from the command line, and making them anew."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from volunteers.hours import rollups
from volunteers.timebank import queries as timebank

cli = AppGroup("hours", help="服务时长")


@cli.command("verify")
def verify_command() -> None:
    """Compare every monthly sum with its entries, and every balance of the time bank with its own; exit status 1 when
    one differs."""
    found = [one.told() for one in rollups.prove()] + timebank.differences()
    for line in found:
        click.echo(line)
    if found:
        raise SystemExit(1)
    click.echo(f"全部相符 {rollups.count_months()}个月度汇总")


@cli.command("rebuild")
@click.option("--from-start", is_flag=True, help="不接着上次中断的地方，从头算起")
def rebuild_command(from_start: bool) -> None:
    """Make the monthly sums anew from the entries; one that was interrupted goes on where it stopped."""
    done = 0
    for done in rollups.rebuild(from_start):
        click.echo(f"已重算{done}人")
    click.echo(f"重算完成，共{done}人")
