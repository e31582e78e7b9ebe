"""A reader of pages: finds the forms of a page, fills them in and sends them, as somebody with a browser would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from services.orders import queries, workflow
from services.orders.aggregate import Order
from services.orders.workflow import Wish
from tests.factories import World, browser


class Forms(HTMLParser):
    """The forms of a page with what their controls hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, list[str]]]] = []
        self._area: str | None = None
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        a = {key: value or "" for key, value in attributes}
        if tag == "form":
            self.found.append((a.get("action", ""), {}))
        elif not self.found or "disabled" in a:
            return
        elif tag == "input" and a.get("name"):
            kind = a.get("type", "text")
            if kind not in ("radio", "checkbox") or "checked" in a:
                self._add(a["name"], a.get("value", ""))
        elif tag == "textarea":
            self._area = a["name"]
            self._add(a["name"], "")
        elif tag == "select":
            self._select = a["name"]
        elif tag == "option" and "selected" in a:
            self._add(self._select, a.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            self.found[-1][1][self._area][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None

    def _add(self, name: str, value: str) -> None:
        self.found[-1][1].setdefault(name, []).append(value)

    def address(self, action: str) -> str:
        """Where the first form posts to whose address ends so, its query left aside."""
        return next(address for address, _ in self.found if address.partition("?")[0].endswith(action))

    def of(self, action: str) -> dict[str, list[str]]:
        """The controls of that form."""
        return next(fields for address, fields in self.found if address == self.address(action))


class Site:
    """The town's people with a browser each."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app, self.world = app, world
        self._clients: dict[str, FlaskClient] = {}

    def client(self, name: str) -> FlaskClient:
        """The browser of a person; "" is nobody's."""
        if name not in self._clients:
            self._clients[name] = browser(self.app, self.world[name] if name else None)
        return self._clients[name]

    def get(self, name: str, path: str) -> TestResponse:
        """What a person is shown there."""
        return self.client(name).get(path)

    def send(self, name: str, page: str, action: str, **values: Any) -> TestResponse:
        """Open a page, fill in the form that posts to ``action``, send it. Keys may leave a verb's prefix out."""
        address = Forms(self.get(name, page).text).address(action)
        return self.post(name, address, self.filled(name, page, action, **values))

    def filled(self, name: str, page: str, action: str, **values: Any) -> dict[str, Any]:
        """The fields of a form as the page holds them, with values changed; None leaves a field out."""
        fields: dict[str, Any] = dict(Forms(self.get(name, page).text).of(action))
        prefix = action.rpartition("/")[2] + "-"
        own = any(key.startswith(prefix) for key in fields)
        for key, value in values.items():
            fields[prefix + key if own and key != "back" else key] = value
        return {key: value for key, value in fields.items() if value is not None}

    def post(self, name: str, path: str, fields: dict[str, Any]) -> TestResponse:
        """Send fields as they are."""
        return self.client(name).post(path, data=fields)

    def verb(self, name: str, order_id: str, verb: str, **values: Any) -> TestResponse:
        """A verb through the order's own page."""
        return self.send(name, f"/orders/{order_id}", f"/orders/{order_id}/{verb}", **values)

    def id(self, name: str) -> str:
        """A person's id."""
        return self.world[name].id

    def order(self, order_id: str) -> Order:
        """The order as the secretary reads it."""
        with self.app.app_context():
            return queries.get_order(self.world["secretary"].viewer(), order_id)

    def do(self, act: Callable[[Any], Any], name: str) -> Any:
        """A step without a page."""
        with self.app.app_context():
            return act(self.world[name].viewer())

    def placed(self, name: str = "resident", **wish: Any) -> str:
        """A new order."""
        return str(self.do(lambda viewer: workflow.place(viewer, Wish("elder_shopping", **wish)).id, name))

    def offered(self, order_id: str, *names: str) -> None:
        """The secretary offers it."""
        people = [self.id(name) for name in names]
        self.do(lambda viewer: workflow.dispatch(viewer, order_id, volunteers=people), "secretary")

    def accepted(self, *names: str, **wish: Any) -> str:
        """An order that these volunteers took."""
        order_id = self.placed(**wish)
        self.offered(order_id, *names)
        for name in names:
            self.do(lambda viewer: workflow.accept(viewer, order_id), name)
        return order_id

    def completed(self, name: str = "volunteer1") -> str:
        """An order that a volunteer served for a minute."""
        order_id = self.accepted(name)
        self.do(lambda viewer: workflow.check_in(viewer, order_id), name)
        self.do(lambda viewer: workflow.complete(viewer, order_id, 1, ""), name)
        return order_id


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The statements sent to the database meanwhile."""
    engines = app.extensions["linju.engines"]
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    for engine in (engines.main, engines.quick):
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in (engines.main, engines.quick):
            event.remove(engine, "before_cursor_execute", note)
