"""Rights over reports."""

from core.access import ABOVE, BRANCH, Role, declare

declare(
    "reports",
    {
        "read": ("查看服务统计", {*BRANCH, *ABOVE}),
        "export": ("导出统计报表和清单，看自己导出的文件", {*BRANCH, *ABOVE}),
        "names": ("统计清单里看得到、导得出门牌和姓名", {*BRANCH, Role.COMMUNITY_STAFF}),
    },
)
