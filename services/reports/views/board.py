"""The dashboard, the list behind a figure, and what each figure means."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from core import access, clock, reports
from core.reports import DIMENSION_NAMES
from core.web.paging import PAGE
from services.reports import board, listing, roster, tables, units, wording
from services.reports.asked import KIND_NAMES, Asked, Refused, read
from services.reports.findings import RULES
from services.reports.views.blueprint import Answer, pages


def _picker(asked: Asked | None) -> dict[str, Any]:
    """What the controls for unit and period hold; they lead to the page they stand on."""
    page = request.endpoint or ""
    given = request.args
    find = given.get("find", "").strip()[:40]
    found = units.list_units(access.viewer(), find)
    chosen = asked.unit.id if asked else given.get("unit", "")[:16]
    kinds = []
    for kind, name in KIND_NAMES.items():
        if kind == "custom":
            address = asked.days(asked.period.first, asked.period.last) if asked else {"period": "custom"}
        else:
            address = asked.address(period=kind, on=asked.period.last.isoformat()) if asked else {"period": kind}
            address.pop("from", None)
            address.pop("to", None)
        kinds.append((kind, name, url_for(page, **address)))
    return {"units": found, "find": find, "chosen": chosen, "kinds": kinds, "given": given, "today": clock.today(),
            "is_cut": len(found) == units.SHOWN}  # fmt: skip


def _steps(asked: Asked) -> tuple[str, str]:
    """Addresses of the period before and, when it has begun, of the one after."""
    page = request.endpoint or ""
    if asked.period.kind == "custom":
        return "", ""
    before = url_for(page, **asked.address(on=asked.period.before().first.isoformat()))
    following = asked.period.end.toordinal() + 1
    if following > clock.today().toordinal():
        return before, ""
    after = asked.period.end.fromordinal(following).isoformat()
    return before, url_for(page, **asked.address(on=after))


@pages.page("/reports", access="reports:read")
def dashboard() -> Answer:
    """Figures of a unit and a period with their trend, and what needs looking after."""
    viewer = access.viewer()
    try:
        asked = read(viewer, request.args)
    except Refused as refused:
        return _refused(refused)
    drawn = board.draw(asked, request.args.get("rank", "")[:40])
    before, after = _steps(asked)
    return render_template(
        "services/reports/dashboard.html", board=drawn, asked=asked, wording=wording, tables=tables,
        before=before, after=after, readings=tables.readings(asked), measures=reports.measures(), ranked=board.RANKED,
        now=clock.now(), may_export=viewer.may_at("reports:export", asked.unit.path), **_picker(asked),
    )  # fmt: skip


@pages.page("/reports/people", access="reports:read")
def people() -> Answer:
    """Figures of volunteers, teams, residents, training and shifts."""
    viewer = access.viewer()
    try:
        asked = read(viewer, request.args)
    except Refused as refused:
        return _refused(refused)
    before, after = _steps(asked)
    return render_template(
        "services/reports/people.html", roster=roster.draw(asked), asked=asked, wording=wording, tables=tables,
        before=before, after=after, readings=tables.readings(asked), now=clock.now(), measures=reports.measures(),
        team_columns=roster.TEAM_COLUMNS, unit_columns=roster.UNIT_COLUMNS,
        may_export=viewer.may_at("reports:export", asked.unit.path), **_picker(asked),
    )  # fmt: skip


def _refused(refused: Refused) -> Answer:
    return render_template("services/reports/refused.html", refused=refused, asked=None, **_picker(None)), 422


@pages.page("/reports/behind", access="reports:read")
def behind() -> Answer:
    """The rows behind a figure, and the figure that they add up to."""
    viewer = access.viewer()
    try:
        asked = read(viewer, request.args)
    except Refused as refused:
        return _refused(refused)
    found = listing.behind(viewer, asked, request.args)
    try:
        listed = found.page(request.args.get("cursor") or None, PAGE)
    except KeyError:
        listed = None
    kept = {"measure": found.measure.name, **found.only}
    back = "reports.people" if found.measure.group in roster.GROUPS else "reports.dashboard"
    return render_template(
        "services/reports/behind.html", asked=asked, behind=found, listed=listed, wording=wording, tables=tables,
        figure=found.figure(), kept=kept, back=back, may_export=viewer.may_at("reports:export", asked.unit.path),
    )  # fmt: skip


@pages.page("/reports/measures", access="reports:read")
def measures() -> str:
    """Every measure with what it counts, and the rules behind the sentences."""
    groups: dict[str, list[Any]] = {}
    for measure in reports.measures().values():
        groups.setdefault(measure.group, []).append(measure)
    return render_template("services/reports/measures.html", groups=groups, cuts=DIMENSION_NAMES, rules=RULES,
                           wording=wording)  # fmt: skip
