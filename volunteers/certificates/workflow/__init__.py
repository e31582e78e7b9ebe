"""What is done with certificates."""

from volunteers.certificates.workflow.batches import BATCHES, cancel, carry_on, choose, queue
from volunteers.certificates.workflow.issuing import Refused, check_period, issue, new_number, withdraw

__all__ = [
    "BATCHES", "Refused", "cancel", "carry_on", "check_period", "choose", "issue", "new_number", "queue", "withdraw",
]  # fmt: skip
