"""Rights over certificates of others. One's own need none but being a volunteer."""

from core.access import BRANCH, Role, declare

declare(
    "certificates",
    {
        "batch": ("给多名志愿者一起开证明", {*BRANCH, Role.COMMUNITY_STAFF}),
        "revoke": ("撤回开错的证明", {*BRANCH}),
    },
)
