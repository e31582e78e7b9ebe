"""Which posts a holder of a post may give and end. That one may appoint at all is ``accounts:appoint``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.access import STAFF, Post, Role, Viewer

_OF_SECRETARY = frozenset(
    {Role.VOLUNTEER, Role.UNIT_STEWARD, Role.BUILDING_STEWARD, Role.GRID_WORKER, Role.DEPUTY_SECRETARY}
)
GIVES: Mapping[Role, frozenset[Role]] = {
    Role.SECRETARY: _OF_SECRETARY,
    Role.COMMUNITY_STAFF: _OF_SECRETARY | {Role.SECRETARY},
    Role.SUBDISTRICT_STAFF: _OF_SECRETARY | {Role.SECRETARY, Role.COMMUNITY_STAFF},
    Role.ADMIN: frozenset(Role) - {Role.RESIDENT},
}


def may_give(viewer: Viewer, role: Role, path: str) -> bool:
    """Whether the viewer may appoint someone to ``role`` at this node, or end such a post there."""
    return any(role in GIVES.get(post.role, ()) and path.startswith(post.path) for post in viewer.posts if post.path)


def roles_given(viewer: Viewer) -> list[Role]:
    """The roles the viewer may give somewhere, weakest first."""
    given = {role for post in viewer.posts for role in GIVES.get(post.role, ())}
    return [role for role in Role if role in given]


def outranks(viewer: Viewer, posts: Iterable[Post]) -> bool:
    """Whether the viewer stands above everyone who holds these posts: who does may hand out their first password.

    An administrator does so everywhere; anybody else must hold a stronger post at or above each desk post.
    """
    if Role.ADMIN in viewer.roles:
        return True
    rank = {role: n for n, role in enumerate(Role)}
    return all(
        any(rank[own.role] > rank[post.role] and own.path and post.path.startswith(own.path) for own in viewer.posts)
        for post in posts
        if post.role in STAFF
    )
