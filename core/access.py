"""Who may do what, and where.

A permission is ``capability:action``. Each capability declares its permissions with the roles that hold them, as data;
the whole matrix is a snapshot in the tests. What a person may do comes from the posts they hold, each at a node of the
organisation tree; a post reaches the node's whole subtree, which is a prefix of the stored path. Everything not granted
is denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from flask import g
from flask_login import UserMixin


class Role(StrEnum):
    """Posts that carry rights. ``RESIDENT`` comes with living in a household and is never appointed."""

    RESIDENT = "resident"
    VOLUNTEER = "volunteer"
    UNIT_STEWARD = "unit_steward"
    BUILDING_STEWARD = "building_steward"
    GRID_WORKER = "grid_worker"
    DEPUTY_SECRETARY = "deputy_secretary"
    SECRETARY = "secretary"
    COMMUNITY_STAFF = "community_staff"
    SUBDISTRICT_STAFF = "subdistrict_staff"
    ADMIN = "admin"


ROLE_NAMES: Mapping[Role, str] = {
    Role.RESIDENT: "居民",
    Role.VOLUNTEER: "志愿者",
    Role.UNIT_STEWARD: "单元长",
    Role.BUILDING_STEWARD: "楼栋长",
    Role.GRID_WORKER: "网格员",
    Role.DEPUTY_SECRETARY: "支部副书记",
    Role.SECRETARY: "支部书记",
    Role.COMMUNITY_STAFF: "社区工作人员",
    Role.SUBDISTRICT_STAFF: "街道工作人员",
    Role.ADMIN: "系统管理员",
}
STAFF = frozenset(
    {
        Role.GRID_WORKER,
        Role.DEPUTY_SECRETARY,
        Role.SECRETARY,
        Role.COMMUNITY_STAFF,
        Role.SUBDISTRICT_STAFF,
        Role.ADMIN,
    }
)
BRANCH = frozenset({Role.SECRETARY, Role.DEPUTY_SECRETARY})
ABOVE = frozenset({Role.COMMUNITY_STAFF, Role.SUBDISTRICT_STAFF})

PUBLIC = "public"
SIGNED_IN = "signed_in"


class Forbidden(Exception):
    """The viewer may not do this here; the text says so in Chinese."""

    def __init__(self, message: str = "您现在的身份不能做这件事") -> None:
        super().__init__(message)


class NotFound(Exception):
    """Nothing of that id within the viewer's reach."""


@dataclass(frozen=True)
class Permission:
    """One permission, its Chinese meaning and the roles that hold it."""

    name: str
    meaning: str
    roles: frozenset[Role]


_permissions: dict[str, Permission] = {}


def declare(capability: str, actions: Mapping[str, tuple[str, Iterable[Role]]]) -> None:
    """Declare a capability's permissions: ``{action: (meaning, roles)}``. Declaring one twice is an error."""
    for action, (meaning, roles) in actions.items():
        name = f"{capability}:{action}"
        if name in _permissions:
            raise ValueError(f"permission {name} declared twice")
        _permissions[name] = Permission(name, meaning, frozenset(roles))


def permissions() -> Mapping[str, Permission]:
    """All declared permissions by name."""
    return _permissions


def known(access: str) -> bool:
    """Whether an endpoint may name this as its access."""
    return access in (PUBLIC, SIGNED_IN) or access in _permissions


@dataclass(frozen=True)
class Post:
    """A post held now: a role at a node of the organisation tree."""

    role: Role
    organisation_id: str
    path: str
    organisation_name: str = ""


@dataclass
class Viewer(UserMixin):
    """The person on whose behalf something is read or done. ``signals`` name what was found to be so at the sign-in."""

    person_id: str
    account_id: str
    name: str
    posts: tuple[Post, ...] = ()
    estate_id: str | None = None
    estate_name: str = ""
    estate_path: str = ""
    household_id: str | None = None
    token_id: str = ""
    must_change_password: bool = False
    signals: frozenset[str] = frozenset()
    _paths: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def roles(self) -> tuple[Role, ...]:
        """Roles held, strongest last, without repetition."""
        held = {post.role for post in self.posts}
        return tuple(role for role in Role if role in held)

    @property
    def is_staff(self) -> bool:
        """Holds a post that works at a desk."""
        return any(post.role in STAFF for post in self.posts)

    @property
    def is_volunteer(self) -> bool:
        """Is registered as a volunteer."""
        return any(post.role is Role.VOLUNTEER for post in self.posts)

    def get_id(self) -> str:
        """What Flask-Login keeps: the id of the signed-in session, not of the person."""
        return self.token_id

    def paths(self, permission: str) -> tuple[str, ...]:
        """The subtrees in which this permission is held."""
        found = self._paths.get(permission)
        if found is None:
            roles = _permissions[permission].roles
            found = tuple(sorted({post.path for post in self.posts if post.role in roles}))
            self._paths[permission] = found
        return found

    def may(self, permission: str) -> bool:
        """Whether the permission is held anywhere."""
        return bool(self.paths(permission))

    def may_at(self, permission: str, path: str) -> bool:
        """Whether the permission is held at this node."""
        return any(path.startswith(held) for held in self.paths(permission))

    def granted(self) -> tuple[str, ...]:
        """All permissions held somewhere, sorted."""
        return tuple(name for name in sorted(_permissions) if self.may(name))


def viewer() -> Viewer:
    """The signed-in viewer of this request. Raises ``Forbidden`` when nobody is signed in."""
    found = find_viewer()
    if found is None:
        raise Forbidden("请先登录")
    return found


def find_viewer() -> Viewer | None:
    """The signed-in viewer of this request, or None."""
    found: Viewer | None = g.get("viewer")
    return found


def system_viewer(name: str = "系统") -> Viewer:
    """The actor of jobs and command-line work: no posts, and no rights through the web."""
    return Viewer(person_id="system", account_id="system", name=name)
