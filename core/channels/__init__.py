"""Ways out of the house: e-mail, text messages, robots of group chats, web push. They know no room and no database."""

from __future__ import annotations

from collections.abc import Mapping

from core.channels.mail import EmailChannel
from core.channels.parcels import Channel
from core.channels.robots import RobotChannel
from core.channels.sms import SmsChannel
from core.config import PushSettings, Settings, SettingsError

CHANNEL_NAMES: Mapping[str, str] = {"email": "邮件", "sms": "短信", "push": "手机推送", "robot": "群机器人"}
"""Every channel beside the inbox."""
PERSONAL = ("email", "sms", "push")
"""Channels that reach one person, who chooses what comes over them."""


__all__ = ["CHANNEL_NAMES", "PERSONAL", "Channel", "configured"]


def configured(settings: Settings) -> dict[str, Channel]:
    """The channels that these settings open. Robots need none: each is entered on its page."""
    channels: dict[str, Channel] = {"robot": RobotChannel(settings.robot_hosts)}
    if settings.smtp_host:
        channels["email"] = EmailChannel(settings)
    if settings.sms is not None:
        channels["sms"] = SmsChannel(settings.sms)
    if settings.push is not None:
        channels["push"] = _push(settings.push)
    return channels


def _push(settings: PushSettings) -> Channel:
    try:
        # Only here, since what encrypts for browsers is an extra of the installation.
        from core.channels.push import PushChannel
    except ImportError as error:
        raise SettingsError("设了 LINJU_PUSH_KEY，但没有安装推送组件，请先 pip install '.[push]'") from error
    return PushChannel(settings)
