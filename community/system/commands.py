"""``flask audit``: proving the trail from the command line."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from community.system.queries import count_chains
from core import audit

cli = AppGroup("audit", help="操作记录")


@cli.command("verify")
def verify_command() -> None:
    """Recompute every chain and seal; exit status 1 when one does not hold."""
    faults = list(audit.verify())
    for fault in faults:
        click.echo(f"{fault.day} {fault.estate_id} {fault.why}")
    if faults:
        raise SystemExit(1)
    click.echo(f"全部相符 {count_chains()} 条链")
