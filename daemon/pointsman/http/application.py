"""The routes, put together.

With ``admin_bind`` set, the operator's pages move to a listener of their own and the main one keeps
only what load balancers need.
"""

from __future__ import annotations

from aiohttp import web

from pointsman.http.admin import AdminHandlers
from pointsman.http.auth import Gatekeeper
from pointsman.http.dead_letters import DeadLetterHandlers
from pointsman.http.destinations import DestinationHandlers
from pointsman.http.errors import envelope
from pointsman.http.feedback import FeedbackHandlers
from pointsman.http.flow_deployment import FlowDeploymentHandlers
from pointsman.http.flow_fields import FlowFieldHandlers
from pointsman.http.flow_reads import FlowReadHandlers
from pointsman.http.flows import FlowHandlers
from pointsman.http.intake import IntakeHandlers
from pointsman.http.leads import LeadHandlers
from pointsman.http.lists import ListHandlers
from pointsman.http.members import MemberHandlers
from pointsman.http.meta import MetaHandlers
from pointsman.http.notifications import NotificationHandlers
from pointsman.http.openapi import DocumentHandlers
from pointsman.http.ownership import OwnershipHandlers
from pointsman.http.pool_writes import PoolWriteHandlers
from pointsman.http.record_bulk import BulkHandlers
from pointsman.http.records import RecordHandlers
from pointsman.http.round_robin import RoundRobinHandlers
from pointsman.http.run_control import RunControlHandlers
from pointsman.http.runs import RunHandlers
from pointsman.http.services import Services
from pointsman.http.submissions import SubmissionHandlers
from pointsman.http.throttle import throttled
from pointsman.http.workflows import WorkflowHandlers
from pointsman.store.calls import CallStore

__all__ = ["SERVICES", "admin_application", "application"]

SERVICES = web.AppKey("services", Services)


def application(services: Services) -> web.Application:
    """Return what the main listener serves."""
    gatekeeper = Gatekeeper(services.settings, services.rules)
    admin = AdminHandlers(services.control, gatekeeper)
    app = _empty(services)
    # The hot path first: aiohttp looks routes of one first segment up in their order.
    app.add_routes(IntakeHandlers(services, gatekeeper).routes())
    app.add_routes(MetaHandlers(services).routes())
    app.add_routes(SubmissionHandlers(services).routes())
    app.add_routes(FeedbackHandlers(services).routes())
    app.add_routes(LeadHandlers(services, gatekeeper).routes())
    app.add_routes(BulkHandlers(services, gatekeeper).routes())
    app.add_routes(RecordHandlers(services, gatekeeper).routes())
    app.add_routes(RoundRobinHandlers(services, gatekeeper).routes())
    app.add_routes(OwnershipHandlers(services, gatekeeper).routes())
    app.add_routes(PoolWriteHandlers(services, gatekeeper).routes())
    app.add_routes(MemberHandlers(gatekeeper).routes())
    app.add_routes(FlowHandlers(services, gatekeeper).routes())
    app.add_routes(FlowDeploymentHandlers(services, gatekeeper).routes())
    app.add_routes(FlowFieldHandlers(services, gatekeeper).routes())
    app.add_routes(DestinationHandlers(gatekeeper).routes())
    app.add_routes(FlowReadHandlers(services, gatekeeper).routes())
    app.add_routes(ListHandlers(services, gatekeeper).routes())
    app.add_routes(RunHandlers(services, gatekeeper).routes())
    app.add_routes(RunControlHandlers(services, gatekeeper).routes())
    app.add_routes(WorkflowHandlers(services, gatekeeper).routes())
    app.add_routes(DeadLetterHandlers(services, gatekeeper).routes())
    app.add_routes(NotificationHandlers(services, gatekeeper).routes())
    app.add_routes(DocumentHandlers().routes())
    app.add_routes(admin.public_routes())
    if services.settings.rate_limit is not None:
        throttled(app, CallStore(services.store), gatekeeper, services.settings.rate_limit)
    if services.settings.admin_bind is None:
        app.add_routes(admin.operator_routes())
    return app


def admin_application(services: Services) -> web.Application:
    """Return what the listener at ``admin_bind`` serves."""
    gatekeeper = Gatekeeper(services.settings, services.rules)
    admin = AdminHandlers(services.control, gatekeeper)
    app = _empty(services)
    app.add_routes((*admin.public_routes(), *admin.operator_routes()))
    return app


def _empty(services: Services) -> web.Application:
    app = web.Application(middlewares=[envelope], client_max_size=services.settings.max_body)
    app[SERVICES] = services
    return app
