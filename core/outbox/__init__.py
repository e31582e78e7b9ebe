"""Messages written with the change they tell of, and carried after it is committed.

A message is one matter to one person. It stands in the person's inbox on the site from the commit on. A job then makes
its deliveries, one for each channel that person wants it over, and tries each by itself, with growing pauses. A gateway
that fails again and again is left alone for some minutes; what waits for it is kept. What cannot be delivered stays as
a dead letter that staff see and may send again.

``messages`` writes, ``kinds`` says what there is to tell, ``deliveries`` are the rows and what other rooms are asked,
``workflow`` changes their states, ``carrying`` sends, ``keeping`` clears away.
"""

from core.channels.mail import EmailChannel
from core.channels.parcels import Channel, Parcel
from core.outbox.carrying import deliver_due, try_out
from core.outbox.deliveries import PAUSES, Delivery, Gateway, Route, use_addresses, use_routes
from core.outbox.keeping import forget_old, give_up
from core.outbox.messages import MESSAGE_PARAMETERS, Draft, Message, message_parts, message_values, write
from core.outbox.workflow import BATCH, send_again, send_all_again

__all__ = [
    "BATCH",
    "MESSAGE_PARAMETERS",
    "PAUSES",
    "Channel",
    "Delivery",
    "Draft",
    "EmailChannel",
    "Gateway",
    "Message",
    "Parcel",
    "Route",
    "deliver_due",
    "forget_old",
    "give_up",
    "message_parts",
    "message_values",
    "send_again",
    "send_all_again",
    "try_out",
    "use_addresses",
    "use_routes",
    "write",
]
