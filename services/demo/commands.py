"""The command line of the demo and of volume tests. Both make accounts with a known password: demo environment only."""

from __future__ import annotations

import time

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from core.config import Settings
from services.demo import loading, volumes

demo = AppGroup("demo", help="演示数据")


def _only_in_demo() -> None:
    settings: Settings = current_app.extensions["linju.settings"]
    if not settings.is_demo:
        raise click.ClickException("只在演示环境可用：请设 LINJU_ENV=demo")


@demo.command("load")
def load() -> None:
    """Load the demo estates; does nothing when they are there."""
    _only_in_demo()
    start = time.monotonic()
    if loading.load():
        click.echo(f"演示数据已载入，用时{time.monotonic() - start:.1f}秒")


@click.command("seed")
@click.option("--scale", type=click.Choice(sorted(volumes.SCALES)), required=True, help="estate、street 或 city")
@with_appcontext
def seed(scale: str) -> None:
    """Fill the database for volume tests."""
    _only_in_demo()
    start = time.monotonic()
    for told in volumes.seed(scale):
        click.echo(told)
    click.echo(f"用时{time.monotonic() - start:.1f}秒")


__all__ = ["demo", "seed"]
