"""The pages of an estate's own rules."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.policies import queries, workflow
from community.policies.declared import Topic, topics
from community.policies.forms import TopicForm, form_of
from core import access
from core.access import NotFound
from core.web.blueprints import Pages
from core.workflow import Stale

pages = Pages("policies", __name__)
Answer = Response | str | tuple[str, int]


@pages.page("/policies", access="policies:read")
def index() -> str:
    """Every topic with what the estate has decided; whoever leads several estates picks one."""
    viewer = access.viewer()
    estates = queries.list_estates(viewer)
    wanted = request.args.get("estate", "")[:16] or next((estate.id for estate in estates), "")
    estate = next((estate for estate in estates if estate.id == wanted), None)
    if estate is None:
        raise NotFound
    decided = [(topic, queries.of(topic, estate.id).values) for topic in topics().values()]
    return render_template(
        "community/policies/index.html", estates=estates, estate=estate, decided=decided,
        may_change=viewer.may_at("policies:change", estate.path),
    )  # fmt: skip


@pages.page("/policies/<estate_id>/<topic_name>", access="policies:change", methods=("GET", "POST"), writes=True)
def topic(estate_id: str, topic_name: str) -> Answer:
    """Decide one topic. When somebody else has changed it meanwhile, what stands now is shown beside."""
    viewer, found = access.viewer(), topics().get(topic_name)
    estate = queries.get_estate(viewer, estate_id, "policies:change")
    if found is None:
        raise NotFound
    form, status = form_of(found)(), 200
    changed: list[tuple[str, str]] = []
    if form.is_submitted():
        status = 422
        if form.validate() and _goes_together(form, found):
            try:
                workflow.change(viewer, estate.id, found, form.values(found), form.seen_version())
            except Stale:
                status, changed = 409, _standing(form, found, estate.id)
            else:
                flash(f"“{found.title}”已改好，从现在起照新的办", "success")
                return redirect(url_for("policies.index", estate=estate.id), 303)
    else:
        decided = queries.of(found, estate.id)
        form.fill(found, decided.values, decided.version)
    page = render_template(
        "community/policies/topic.html", form=form, topic=found, estate=estate, is_stale=status == 409, changed=changed
    )
    return page if status == 200 else (page, status)


def _goes_together(form: TopicForm, topic: Topic) -> bool:
    """Whether the values go together; if not, the form says what to mend."""
    problems = topic.check(form.values(topic))
    for name, text in problems.items():
        form[name].errors = [text]
    return not problems


def _standing(form: TopicForm, topic: Topic, estate_id: str) -> list[tuple[str, str]]:
    """Label and present value of what differs from the form; saving again will overwrite it."""
    decided = queries.of(topic, estate_id)
    form.version.data = str(decided.version)
    filled: dict[str, Any] = form.values(topic)
    return [
        (rule.label, rule.told(decided.values[rule.name]))
        for rule in topic.rules
        if decided.values[rule.name] != filled[rule.name]
    ]
