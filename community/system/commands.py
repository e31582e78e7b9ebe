"""``flask audit``: proving the trail from the command line; ``flask push-key``: a key for web push."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from community.system.queries import count_chains
from core import audit
from core.channels.subscriptions import new_key

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


@click.command("push-key")
def push_key_command() -> None:
    """Make a key for LINJU_PUSH_KEY. With another one all devices have to subscribe anew."""
    click.echo(f"LINJU_PUSH_KEY={new_key()}")
