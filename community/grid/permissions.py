"""Rights over the people of the grid. The administrator of the system has none of them."""

from core.access import ABOVE, BRANCH, Role, Viewer, declare

_STEWARDS = frozenset({Role.BUILDING_STEWARD, Role.UNIT_STEWARD})

declare(
    "people",
    {
        "read": ("查看楼栋、住户和居民", {*BRANCH, *ABOVE, Role.GRID_WORKER, *_STEWARDS}),
        "edit": ("登记、修改和迁移居民", {*BRANCH, Role.GRID_WORKER}),
        "import": ("导入名册", {*BRANCH, Role.COMMUNITY_STAFF}),
        "reveal": ("说明原因后查看完整的手机号和身份证号", {*BRANCH, Role.GRID_WORKER}),
        "care": ("查看困难类别", {*BRANCH, Role.GRID_WORKER, Role.COMMUNITY_STAFF}),
    },
)


def shows_names(viewer: Viewer, path: str) -> bool:
    """Whether pages name the residents of this node in full: to those who also see difficulties. Others see 沈**."""
    return viewer.may_at("people:care", path)
