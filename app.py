"""The application: the one file that knows every room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, Response, jsonify, url_for
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from community.accounts import api as _accounts_api  # noqa: F401
from community.accounts import permissions as _accounts_permissions  # noqa: F401
from community.accounts import queries as accounts
from community.accounts.commands import create_admin
from community.accounts.views import pages as _accounts_pages
from community.channels import models as _channels  # noqa: F401
from community.channels import permissions as _channels_permissions  # noqa: F401
from community.channels import queries as channels
from community.channels import routes as channel_routes
from community.channels.views import pages as _channels_pages
from community.channels.views import robot_pages as _robot_pages
from community.channels.workflow import forget_device
from community.grid import api as _grid_api  # noqa: F401
from community.grid import estates as grid_estates
from community.grid import models as _grid  # noqa: F401
from community.grid import permissions as _grid_permissions  # noqa: F401
from community.grid import queries as grid
from community.grid import reports as _grid_reports  # noqa: F401
from community.grid import roll_files
from community.grid.commands import import_roll
from community.grid.views.contacts import pages as _contacts_pages
from community.grid.views.imports import pages as _grid_pages
from community.grid.views.people import pages as _people_pages
from community.inbox.views import pages as _inbox_pages
from community.organisations import models as _organisations  # noqa: F401
from community.organisations.views import pages as _organisations_pages
from community.policies import models as _policies  # noqa: F401
from community.policies import permissions as _policies_permissions  # noqa: F401
from community.policies.views import pages as _policies_pages
from community.preferences.views import pages as _preferences_pages
from community.system import jobs as _system_jobs  # noqa: F401
from community.system.commands import cli as _audit_cli
from community.system.commands import push_key_command
from community.system.views import pages as _system_pages
from community.workdays import jobs as _workdays_jobs  # noqa: F401
from community.workdays import models as _workdays  # noqa: F401
from community.workdays import permissions as _workdays_permissions  # noqa: F401
from community.workdays import queries as days
from community.workdays import workflow as workdays
from community.workdays.views import pages as _workdays_pages
from core import access, calendar, database, diary, jobs, outbox, sealing, web
from core.access import PUBLIC, Viewer
from core.api import endpoints as api
from core.api.description import description
from core.backup import backup_command, restore_command
from core.channels import configured
from core.config import ROOT, Settings
from core.database import Base, db
from core.web import blueprints, formats, icons, responses
from services.calendar import models as _calendar  # noqa: F401
from services.calendar import queries as calendar_queries
from services.calendar.views import pages as _calendar_pages
from services.catalogue import api as _catalogue_api  # noqa: F401
from services.catalogue import models as _catalogue  # noqa: F401
from services.catalogue import permissions as _catalogue_permissions  # noqa: F401
from services.catalogue import queries as catalogue
from services.catalogue.starters import give_starters
from services.catalogue.views import pages as _catalogue_pages
from services.demo.commands import demo, seed
from services.dispatch import api as _dispatch_api  # noqa: F401
from services.dispatch import facts as dispatch_facts
from services.dispatch import jobs as _dispatch_jobs  # noqa: F401
from services.dispatch import models as _dispatch  # noqa: F401
from services.dispatch.views import pages as _dispatch_pages
from services.orders import api as _orders_api  # noqa: F401
from services.orders import busy as order_busy
from services.orders import clock_api as _clock_api  # noqa: F401
from services.orders import commitments as order_commitments
from services.orders import evidence as order_evidence
from services.orders import exchanged as order_ratings
from services.orders import jobs as _orders_jobs  # noqa: F401
from services.orders import marks as order_marks
from services.orders import models as _orders  # noqa: F401
from services.orders import permissions as _orders_permissions  # noqa: F401
from services.orders import reports as _orders_reports  # noqa: F401
from services.orders import rules as order_rules
from services.orders.views import pages as _orders_pages
from services.orders.views.tabs import tab_items
from services.orders.workflow import alarms as order_alarms
from services.reports import api as _reports_api  # noqa: F401
from services.reports import jobs as _reports_jobs  # noqa: F401
from services.reports import measures as _reports_measures  # noqa: F401
from services.reports import models as _reports_models  # noqa: F401
from services.reports import permissions as _reports_permissions  # noqa: F401
from services.reports.commands import cli as _reports_cli
from services.reports.exports import jobs as _export_jobs  # noqa: F401
from services.reports.exports import models as _exports  # noqa: F401
from services.reports.issues import jobs as _issue_jobs  # noqa: F401
from services.reports.issues import models as _issues  # noqa: F401
from services.reports.views import pages as _reports_pages
from services.sos import api as _sos_api  # noqa: F401
from services.sos import circle
from services.sos import jobs as _sos_jobs  # noqa: F401
from services.sos import models as _sos  # noqa: F401
from services.sos import permissions as _sos_permissions  # noqa: F401
from services.sos import queries as emergencies
from services.sos import rules as _sos_rules  # noqa: F401
from services.sos.soon import use_texts
from services.sos.views import pages as _sos_pages
from services.sos.views.desk import IN_NEED
from services.standing import commitments as series_held
from services.standing import diary as standing_diary
from services.standing import jobs as _standing_jobs  # noqa: F401
from services.standing import kinds as _standing_kinds  # noqa: F401
from services.standing import models as _standing  # noqa: F401
from services.standing import permissions as _standing_permissions  # noqa: F401
from services.standing import rules as _standing_rules  # noqa: F401
from services.standing import workflow as standing
from services.standing.views import pages as _standing_pages
from volunteers.applications import models as _applications  # noqa: F401
from volunteers.applications.models import VolunteerApplication
from volunteers.applications.views import pages as _applications_pages
from volunteers.certificates import api as _certificates_api  # noqa: F401
from volunteers.certificates import jobs as _certificates_jobs  # noqa: F401
from volunteers.certificates import models as _certificates  # noqa: F401
from volunteers.certificates import permissions as _certificates_permissions  # noqa: F401
from volunteers.certificates.views import pages as _certificates_pages
from volunteers.consents import models as _consents  # noqa: F401
from volunteers.consents.views import pages as _consents_pages
from volunteers.disputes.views import pages as _disputes_pages
from volunteers.exchange import groups as exchange_groups
from volunteers.exchange import models as _exchange  # noqa: F401
from volunteers.exchange import permissions as _exchange_permissions  # noqa: F401
from volunteers.exchange.views import pages as _exchange_pages
from volunteers.honours.views import pages as _honours_pages
from volunteers.hours import api as _hours_api  # noqa: F401
from volunteers.hours import evidence as hour_evidence
from volunteers.hours import jobs as _hours_jobs  # noqa: F401
from volunteers.hours import kinds as _hours_kinds  # noqa: F401
from volunteers.hours import models as _hours  # noqa: F401
from volunteers.hours import permissions as _hours_permissions  # noqa: F401
from volunteers.hours import reports as _hours_reports  # noqa: F401
from volunteers.hours import stars as hour_stars
from volunteers.hours.commands import cli as _hours_cli
from volunteers.hours.views import pages as _hours_pages
from volunteers.notices import jobs as _notices_jobs  # noqa: F401
from volunteers.notices.views import pages as _notices_pages
from volunteers.registry import api as _registry_api  # noqa: F401
from volunteers.registry import commitments as volunteer_commitments
from volunteers.registry import diary as registry_diary
from volunteers.registry import jobs as _registry_jobs  # noqa: F401
from volunteers.registry import marks as volunteer_marks
from volunteers.registry import models as _registry  # noqa: F401
from volunteers.registry import permissions as _registry_permissions  # noqa: F401
from volunteers.registry import reports as _registry_reports  # noqa: F401
from volunteers.registry import workflow as volunteer_workflow
from volunteers.registry.views import pages as _registry_pages
from volunteers.rota import commitments as rota_commitments
from volunteers.rota import diary as rota_diary
from volunteers.rota import jobs as _rota_jobs  # noqa: F401
from volunteers.rota import models as _rota  # noqa: F401
from volunteers.rota import permissions as _rota_permissions  # noqa: F401
from volunteers.rota import queries as rota
from volunteers.rota import reports as _rota_reports  # noqa: F401
from volunteers.rota import spans as rota_spans
from volunteers.rota.views import pages as _rota_pages
from volunteers.teams import importing as team_rolls
from volunteers.teams import models as _teams  # noqa: F401
from volunteers.teams import permissions as _teams_permissions  # noqa: F401
from volunteers.teams import reports as _teams_reports  # noqa: F401
from volunteers.teams import workflow as team_workflow
from volunteers.teams.views import pages as _teams_pages
from volunteers.timebank.views import pages as _timebank_pages
from volunteers.training import jobs as _training_jobs  # noqa: F401
from volunteers.training import models as _training  # noqa: F401
from volunteers.training import permissions as _training_permissions  # noqa: F401
from volunteers.training import queries as training
from volunteers.training import reports as _training_reports  # noqa: F401
from volunteers.training.views import pages as _training_pages

PAGES: tuple[blueprints.Pages, ...] = (
    _accounts_pages,
    _preferences_pages,
    _organisations_pages,
    _system_pages,
    _inbox_pages,
    _channels_pages,
    _robot_pages,
    _grid_pages,
    _people_pages,
    _contacts_pages,
    _policies_pages,
    _workdays_pages,
    _hours_pages,
    _consents_pages,
    _disputes_pages,
    _notices_pages,
    _honours_pages,
    _timebank_pages,
    _certificates_pages,
    _exchange_pages,
    _registry_pages,
    _training_pages,
    _rota_pages,
    _applications_pages,
    _teams_pages,
    _catalogue_pages,
    _orders_pages,
    _dispatch_pages,
    _standing_pages,
    _calendar_pages,
    _sos_pages,
    _reports_pages,
)

# What the rooms below leave to those above.
roll_files.readers.append(team_rolls.read)
volunteer_commitments.COMMITMENTS[:] = [order_commitments.accepted_orders, rota_commitments.shifts, series_held.series]
volunteer_workflow.ON_LEAVING.append(team_workflow.leave_all)
volunteer_workflow.ERASED.append(VolunteerApplication)
grid_estates.on_new_estate.append(give_starters)
calendar.use_table(days.current_table)
workdays.on_change.append(order_alarms.look_again)
grid.MARKS["order"] = order_marks.homes_with_orders
grid.MARKS["vol"] = volunteer_marks.volunteer_homes
diary.SOURCES[:] = [calendar_queries.of_orders, standing_diary.planned, rota_diary.shifts, registry_diary.days_off]
dispatch_facts.TRAINED[:] = [training.holders]
training.REQUIRED_BY[:] = [catalogue.asking_for]
circle.ON_DUTY[:] = [rota.on_duty_in]
standing.AWAY[:] = [registry_diary.away]
accounts.SIGNALS[IN_NEED] = emergencies.ANY_OPEN
rota_spans.BUSY.append(order_busy.accepted_orders)
hour_stars.RATINGS.append(order_evidence.average_rating)
hour_evidence.THANKS.append(order_evidence.thanks)
hour_evidence.MARKS.update(order_evidence.MARKS)
hour_evidence.UNRECORDED.append(order_evidence.list_unended)
exchange_groups.GROUPS.append(order_ratings.RATING)

# What stands in the bar of the desk, the most used first (six show, the others lie behind 更多): label, endpoint, the
# permission that shows it.
NAVIGATION = (
    ("派单台", "orders.desk", "orders:dispatch"),
    ("一楼一图", "grid.estates", "people:read"),
    ("志愿者", "registry.volunteers", "volunteers:read"),
    ("排班", "rota.week", "rota:read"),
    ("统计", "reports.dashboard", "reports:read"),
    ("志愿队", "teams.index", "teams:read"),
    ("紧急求助", "sos.calls", "emergency:read"),
    ("定期服务", "standing.desk", "standing:read"),
    ("日历", "calendar.desk", "orders:read"),
    ("培训", "training.index", "training:read"),
    ("时长", "hours.index", "hours:read"),
    ("服务清单", "catalogue.items", "catalogue:read"),
    ("办事规则", "policies.index", "policies:read"),
    ("工作日历", "workdays.show", "workdays:read"),
    ("名册导入", "grid.imports", "people:import"),
    ("账号", "accounts.accounts", "accounts:issue"),
    ("任职", "organisations.posts", "accounts:appoint"),
    ("操作记录", "system.audit", "system:audit"),
    ("消息送达", "system.outbox", "system:outbox"),
    ("群机器人", "robots.index", "channels:robots"),
    ("后台任务", "system.jobs", "system:jobs"),
)
COMMANDS = (
    jobs.cli, _audit_cli, _reports_cli, _hours_cli, push_key_command, create_admin, import_roll, backup_command,
    restore_command, demo, seed,
)  # fmt: skip


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application for these settings (default: those of the environment)."""
    settings = settings or Settings.from_env()
    app = Flask("linju", root_path=str(ROOT))
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=settings.upload_megabytes * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.env == "production",
        PERMANENT_SESSION_LIFETIME=timedelta(days=settings.resident_idle_days),
        WTF_CSRF_TIME_LIMIT=None,
        TESTING=settings.testing,
        JSON_SORT_KEYS=False,
    )
    app.session_interface = responses.PageSessions()
    app.extensions["linju.settings"] = settings
    sealing.use_key(settings.seal_key)
    database.init_app(app, settings)
    Migrate(app, db, directory=str(ROOT / "migrations"), compare_type=True)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, *[settings.trusted_proxies] * 4)  # type: ignore[method-assign]
    outbox.use_routes(channel_routes.routes)
    outbox.use_addresses(accounts.emails_of)
    outbox.use_addresses(accounts.phones_of, "sms")
    outbox.use_addresses(channels.subscriptions_of, "push", forget_device)
    outbox.use_addresses(channels.webhooks_of, "robot")
    use_texts(settings)
    channel_routes.use_hours(order_rules.quiet_hours)
    configured(settings)
    _web(app, settings)
    for command in COMMANDS:
        app.cli.add_command(command)
    return app


def _web(app: Flask, settings: Settings) -> None:
    csrf = CSRFProtect(app)
    icons.register(app)
    formats.register(app)
    responses.init_app(app, settings)
    app.extensions["linju.accesses"] = {"healthz": PUBLIC, "readyz": PUBLIC, "openapi": PUBLIC}
    blueprints.init_app(app, settings, accounts.resolve_web)
    for pages in PAGES:
        blueprints.register(app, pages)
    api.init_app(app, _api_viewer)
    csrf.exempt(app.blueprints["api"])
    app.context_processor(_context)
    app.add_url_rule("/healthz", "healthz", lambda: Response("ok\n", mimetype="text/plain"))
    app.add_url_rule("/readyz", "readyz", _ready)
    app.add_url_rule(f"{api.PREFIX}/openapi.json", "openapi", lambda: jsonify(description()))


def _api_viewer(token: str, key: str | None) -> tuple[Viewer, tuple[str, int, str] | None] | None:
    found = accounts.resolve(token, "api", key)
    return (found.viewer, found.prior) if found else None


def _context() -> dict[str, Any]:
    """What layouts show of the viewer, and where their bars lead."""
    viewer = access.find_viewer()
    ways = {"home_url": url_for("orders.home"), "login_url": url_for("accounts.sign_in"), "tab_items": tab_items}
    if viewer is None:
        return {**ways, "viewer": None, "site_name": "邻聚", "nav_items": []}
    bar = web.navigation(viewer, NAVIGATION)
    return {**ways, "viewer": viewer, "site_name": viewer.estate_name or "邻聚", "nav_items": bar,
            "search_url": url_for("people.search") if viewer.may("people:read") else ""}  # fmt: skip


def _ready() -> Response:
    """200 when the database answers and stands at the newest migration."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    head = ScriptDirectory.from_config(config).get_current_head()
    try:
        with database.engines().quick.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except Exception:
        return Response("数据库连不上\n", 503, mimetype="text/plain; charset=utf-8")
    if current != head:
        return Response("数据库还没有迁移到最新版本，请运行 flask --app app db upgrade\n", 503,
                        mimetype="text/plain; charset=utf-8")  # fmt: skip
    return Response("ok\n", mimetype="text/plain")


__all__ = ["Base", "create_app"]
