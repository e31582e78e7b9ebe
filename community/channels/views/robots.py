"""The robots of group chats: entering, changing, testing, switching off, removing."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.channels import queries, workflow
from community.channels.forms import RobotForm
from community.channels.models import Robot
from community.channels.views.site import Answer, settings
from core import access
from core.channels import configured
from core.outbox.kinds import find, robot_kinds
from core.web.blueprints import Pages

pages = Pages("robots", __name__, url_prefix="/robots")


@pages.page("", access="channels:robots")
def index() -> str:
    """Robots within reach, and how each fared last."""
    found = queries.list_robots(access.viewer())
    titles = {robot.id: "、".join(find(kind)[1].title for kind in robot.kinds) for robot in found}
    return render_template("community/channels/robots.html", robots=found, titles=titles)


@pages.page("/new", access="channels:robots", methods=("GET", "POST"), writes=True)
def add() -> Answer:
    """Enter a robot."""
    viewer, form = access.viewer(), _form(None)
    if not form.is_submitted():
        form.begin()
        return _page(form, None)
    if not form.validate():
        return _page(form, None), 422
    workflow.add_robot(viewer, queries.get_body(viewer, form.organisation.data), form.filled())
    flash(f"“{form.name.data}”已添加，请试发一条", "success")
    return redirect(url_for("robots.index"), 303)


def _form(robot: Robot | None) -> RobotForm:
    form = RobotForm()
    bodies = queries.list_bodies(access.viewer())
    if robot is not None:
        bodies = [body for body in bodies if body[0] == robot.organisation_id]
    form.offer(bodies, robot_kinds(), robot, settings().robot_hosts)
    return form


def _page(form: RobotForm, robot: Robot | None) -> str:
    return render_template("community/channels/robot.html", form=form, robot=robot)


@pages.page("/<robot_id>", access="channels:robots", methods=("GET", "POST"), writes=True)
def change(robot_id: str) -> Answer:
    """Change a robot."""
    viewer = access.viewer()
    found, body = queries.get_robot(viewer, robot_id)
    form = _form(found)
    if not form.is_submitted():
        form.fill(found)
        return _page(form, found)
    if not form.validate():
        return _page(form, found), 422
    workflow.change_robot(viewer, found, body, form.filled())
    flash(f"“{found.name}”已改好", "success")
    return redirect(url_for("robots.index"), 303)


@pages.page("/<robot_id>/try", access="channels:robots", methods=("POST",))
def try_out(robot_id: str) -> Response:
    """Have a robot say that it is there."""
    viewer = access.viewer()
    found, body = queries.get_robot(viewer, robot_id)
    name = found.name
    try:
        problem = workflow.try_robot(viewer, found, body, configured(settings())["robot"])
    except workflow.TooSoon:
        flash(f"“{name}”刚试过，平台限制次数，请一分钟后再试", "warning")
    else:
        if problem:
            flash(f"“{name}”没有发成：{problem}", "error")
        else:
            flash(f"“{name}”发成了，请到群里看看", "success")
    return redirect(url_for("robots.index"), 303)


@pages.page("/<robot_id>/switch", access="channels:robots", methods=("POST",), writes=True)
def switch(robot_id: str) -> Response:
    """Switch a robot on or off."""
    viewer, is_on = access.viewer(), request.form.get("on") == "1"
    found, body = queries.get_robot(viewer, robot_id)
    workflow.switch_robot(viewer, found, body, is_on)
    flash(f"“{found.name}”已{'启用' if is_on else '停用'}", "success")
    return redirect(url_for("robots.index"), 303)


@pages.page("/<robot_id>/remove", access="channels:robots", methods=("POST",), writes=True)
def remove(robot_id: str) -> Response:
    """Remove a robot with its address and secret."""
    viewer = access.viewer()
    found, body = queries.get_robot(viewer, robot_id)
    workflow.remove_robot(viewer, found, body)
    flash(f"“{found.name}”已移除", "success")
    return redirect(url_for("robots.index"), 303)
