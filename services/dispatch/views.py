"""Plans for many orders at once, everybody judged for one order, the weights, and pairs kept apart."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.policies import queries as policies
from community.policies import workflow as deciding
from community.policies.forms import TopicForm, form_of
from core import access, clock
from core.access import SIGNED_IN, Forbidden, NotFound
from core.web.blueprints import Pages
from core.workflow import ReasonMissing, Stale
from services.dispatch import queries, workflow
from services.dispatch.forms import KeepApartForm, LiftForm, picks_of
from services.dispatch.models import DispatchPlan
from services.dispatch.preview import outcome, preview
from services.dispatch.rules import MATCHING, PARTS, Weights
from services.orders import workflow as order_workflow
from services.orders.aggregate import Order
from services.orders.queries import get_order

pages = Pages("dispatch", __name__)
Answer = Response | str | tuple[str, int]
ON_A_PAGE = 300
"""So many orders at most are planned at a time from the page: the most urgent ones."""
TRIED = 60
"""For so many waiting orders at most the weights page shows what a change would do."""


@pages.page("/dispatch/plan", access="orders:dispatch", methods=("GET", "POST"), writes=True)
def plan() -> Answer:
    """Make a plan for what waits, or for the orders picked at the desk; or see those made before."""
    viewer = access.viewer()
    if request.method == "POST":
        picked = [order[:16] for order in request.form.getlist("order")[:ON_A_PAGE]]
        made = workflow.propose(viewer, request.form.get("estate", "")[:16], picked or None, ON_A_PAGE)
        return redirect(url_for("dispatch.show", plan_id=made.id), 303)
    estates = queries.list_estates(viewer)
    wanted = request.args.get("estate", "")[:16]
    estate = next((estate for estate in estates if estate.id == wanted or not wanted), None)
    if estate is None:
        raise NotFound
    return render_template(
        "services/dispatch/plan.html", estates=estates, estate=estate, plans=queries.list_plans(estate.id),
        may_weigh=viewer.may("policies:change"),
    )  # fmt: skip


@pages.page("/dispatch/plans/<plan_id>", access="orders:dispatch")
def show(plan_id: str) -> Answer:
    """A plan to look at and adjust, or what applying it came to."""
    return _plan_page(queries.get_plan(access.viewer(), plan_id))


def _plan_page(found: DispatchPlan, status: int = 200, notice: str = "") -> Answer:
    viewer, rows = access.viewer(), queries.orders_of(found)
    known = {"plan": found, "notice": notice, "now": clock.now(), "may_weigh": viewer.may("policies:change")}
    if found.applied_at is None:
        page = render_template("services/dispatch/show.html", **known, preview=preview(found, rows))
    else:
        page = render_template("services/dispatch/result.html", **known, outcome=outcome(found, rows))
    return page if status == 200 else (page, status)


@pages.page("/dispatch/plans/<plan_id>/apply", access="orders:dispatch", methods=("POST",))
def apply(plan_id: str) -> Answer:
    """Dispatch what is ticked, to whom is picked."""
    viewer = access.viewer()
    found = queries.get_plan(viewer, plan_id)
    picks = picks_of(request.form, found.body["versions"])
    if not picks and found.applied_at is None:
        return _plan_page(found, 422, "还没有勾选要派的单，先勾上再派")
    try:
        workflow.apply(viewer, found, picks)
    except workflow.AlreadyApplied as late:
        return _plan_page(queries.get_plan(viewer, plan_id), 409, str(late))
    return redirect(url_for("dispatch.show", plan_id=plan_id), 303)


@pages.page("/orders/<order_id>/candidates", access="orders:read")
def candidates(order_id: str) -> str:
    """Everybody in reach of an order: what each costs line by line, or why they do not come into question."""
    viewer = access.viewer()
    order = get_order(viewer, order_id)
    if not order.reads(viewer):
        raise NotFound
    found = queries.judged(viewer, order)
    q = request.args.get("q", "").strip()[:20]
    return render_template(
        "services/dispatch/candidates.html", order=order, q=q, total=len(found.ranked) + len(found.out),
        ranked=[(n, verdict) for n, verdict in enumerate(found.ranked, 1) if q in verdict.volunteer.name],
        out=[verdict for verdict in found.out if q in verdict.volunteer.name], next_free=queries.next_free,
        may_send="dispatch" in order_workflow.allowed(order, viewer),
    )  # fmt: skip


@pages.page("/policies/<estate_id>/matching", access="policies:change", methods=("GET", "POST"), writes=True)
def weights(estate_id: str) -> Answer:
    """What each thing costs. A change can be tried on what waits today before it is saved."""
    viewer = access.viewer()
    estate = policies.get_estate(viewer, estate_id, "policies:change")
    form, status, tried, is_stale = form_of(MATCHING)(), 200, None, False
    if not form.is_submitted():
        decided = policies.of(MATCHING, estate.id)
        form.fill(MATCHING, decided.values, decided.version)
    elif not form.validate():
        status = 422
    elif request.form.get("try"):
        tried = queries.compare(viewer, estate.id, Weights.of(form.values(MATCHING)), TRIED)
    else:
        try:
            deciding.change(viewer, estate.id, MATCHING, form.values(MATCHING), form.seen_version())
        except Stale:
            status, is_stale = 409, True
            form.version.data = str(policies.of(MATCHING, estate.id).version)
        else:
            flash(f"“{MATCHING.title}”已改好，从现在起照新的办", "success")
            return redirect(url_for("policies.index", estate=estate.id), 303)
    return _weights_page(form, estate, status, tried, is_stale)


def _weights_page(form: TopicForm, estate: object, status: int, tried: object, is_stale: bool) -> Answer:
    page = render_template(
        "services/dispatch/weights.html", form=form, estate=estate, topic=MATCHING, parts=PARTS, tried=tried,
        is_stale=is_stale, most=TRIED,
    )  # fmt: skip
    return page if status == 200 else (page, status)


# Pairs kept apart


@pages.page("/orders/<order_id>/keep-apart", access=SIGNED_IN, methods=("GET", "POST"), writes=True)
def keep_apart(order_id: str) -> Answer:
    """Ask not to meet again: the resident of a closed order, or a volunteer who took it."""
    viewer = access.viewer()
    order = get_order(viewer, order_id)
    side, form = workflow.side_of(viewer, order), KeepApartForm()
    if side is None:
        raise Forbidden("只有这一单的居民和服务过的志愿者可以提出")
    form.offer(_meant(order) if side == "resident" else [(viewer.person_id, viewer.name)])
    if form.is_submitted() and form.validate():
        try:
            fresh = workflow.keep_apart(viewer, order, form.volunteer.data or "", form.reason.data or "")
        except ReasonMissing as missing:
            form.reason.errors = [str(missing)]
        else:
            done = "记下了，以后不再这样安排。原因只有支部看得到"
            flash(done if fresh else "您之前已经提过，一直有效", "success")
            return redirect(url_for("orders.show", order_id=order_id), 303)
    page = render_template("services/dispatch/keep_apart.html", form=form, order=order, side=side)
    return (page, 422) if form.is_submitted() else page


def _meant(order: Order) -> list[tuple[str, str]]:
    """Those who served an order in its present round."""
    return [(offer.volunteer_id, offer.volunteer_name) for offer in order.assigned()]


@pages.page("/pairs", access="orders:dispatch")
def pairs() -> str:
    """Pairs kept apart, with reasons, for the branch alone."""
    found = [(pair, queries.reason_of(pair)) for pair in queries.list_pairs(access.viewer())]
    return render_template("services/dispatch/pairs.html", pairs=found)


@pages.page("/pairs/<pair_id>/lift", access="orders:dispatch", methods=("GET", "POST"), writes=True)
def lift(pair_id: str) -> Answer:
    """Let a pair meet again, with a reason."""
    viewer, form = access.viewer(), LiftForm()
    pair = queries.get_pair(viewer, pair_id)
    if form.is_submitted() and form.validate():
        workflow.lift(viewer, pair, form.reason.data or "")
        flash(f"已解除，{pair.volunteer}可以再派给{pair.resident}", "success")
        return redirect(url_for("dispatch.pairs"), 303)
    page = render_template("services/dispatch/lift.html", form=form, pair=pair, reason=queries.reason_of(pair))
    return (page, 422) if form.is_submitted() else page
