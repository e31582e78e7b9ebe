"""E-mail through the SMTP server of the settings."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

from core.channels.parcels import Parcel, Refused, Trouble, Unsure
from core.config import Settings

SECONDS = 10


class EmailChannel:
    """E-mail. The message id stays the same on every try, so that mail programs show a repeated one once."""

    repeats = True
    per_minute = 0
    short = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def deliver(self, parcel: Parcel, address: str) -> str:
        """Hand a mail to the server. Raises ``Refused`` when it will not take this address, else ``Trouble``."""
        mail = self._mail(parcel, address)
        try:
            self._send(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise (Refused if code >= 500 else Trouble)(f"邮件服务器不收 {code} {_plain(words)}") from error
        except smtplib.SMTPResponseException as error:
            raise Trouble(f"邮件服务器回应 {error.smtp_code} {_plain(error.smtp_error)}") from error
        except smtplib.SMTPServerDisconnected as error:
            raise Unsure("邮件服务器断开了连接") from error
        except OSError as error:
            raise Trouble(f"连不上邮件服务器（{type(error).__name__}）") from error
        return str(mail["Message-ID"])

    def _mail(self, parcel: Parcel, address: str) -> EmailMessage:
        settings = self._settings
        mail = EmailMessage()
        mail["Subject"] = " ".join(parcel.title.split())
        mail["From"] = settings.smtp_sender
        mail["To"] = address
        mail["Message-ID"] = f"<{parcel.message_id}@linju>"
        if parcel.urgent:
            mail["Importance"] = "high"
        link = f"\n\n{settings.public_url}{parcel.link}" if settings.public_url and parcel.link else ""
        mail.set_content((parcel.body or parcel.title) + link + "\n")
        return mail

    def _send(self, mail: EmailMessage) -> None:
        settings = self._settings
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=SECONDS) as server:
            if settings.smtp_starttls:
                server.starttls()
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
            server.send_message(mail)


def _plain(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words
