"""Rights over the exchange of records with other systems."""

from core.access import BRANCH, Role, declare

declare(
    "exchange",
    {
        "read": ("导出志愿者和服务记录", {*BRANCH, Role.COMMUNITY_STAFF}),
        "write": ("导入别的系统的服务记录", {*BRANCH, Role.COMMUNITY_STAFF}),
    },
)
