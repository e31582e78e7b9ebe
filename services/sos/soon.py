"""What cannot wait for the minute's job: the messages of a wave are carried as soon as it is written.

They stand in the outbox already; when this fails, or the process ends meanwhile, the job carries them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from flask import Flask, current_app

from community.grid.models import CONTACT_COLUMN
from core import outbox
from core.channels import configured
from core.channels.parcels import Parcel
from core.config import Settings
from core.ids import new_id
from core.sealing import sealer
from services.sos import circle
from services.sos.circle import Told

log = logging.getLogger(__name__)


def carry_soon(told: Sequence[Told], text: str) -> None:
    """Reach the outsiders of a wave, and give what is due to the gateways, beside the present request or job."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if app.testing:
        circle.tell_outsiders(told, text)
        return
    threading.Thread(target=_carry, args=(app, told, text), name="emergency", daemon=True).start()


def _carry(app: Flask, told: Sequence[Told], text: str) -> None:
    with app.app_context():
        try:
            circle.tell_outsiders(told, text)
            outbox.deliver_due(configured(app.extensions["linju.settings"]))
        except Exception as error:
            log.warning("messages of an emergency call wait for the job: %s", type(error).__name__)


def text_outsider(phone_sealed: str, text: str) -> None:
    """One text message through the gateway of the settings. Raises what the gateway does; nothing without one."""
    settings: Settings = current_app.extensions["linju.settings"]
    channel = configured(settings).get("sms")
    if channel is not None:
        parcel = Parcel(new_id(), "", "紧急求助", text=text, urgent=True)
        channel.deliver(parcel, sealer().open(phone_sealed, CONTACT_COLUMN))


def use_texts(settings: Settings) -> None:
    """Reach outsiders by text message when the settings have a gateway for it."""
    circle.TELL_OUTSIDER[:] = [text_outsider] if settings.sms is not None else []
