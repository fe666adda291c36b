"""The edge of a service: one layer round the whole application that keeps the promises made about every request."""

from chassis.edge.asgi import AsgiEdge
from chassis.edge.edge import Edge
from chassis.edge.exchange import AnswerCutOffError
from chassis.edge.policy import EdgePolicy, EdgeSettings
from chassis.edge.protocols import AccessLog, ErrorHook, Recorder
from chassis.edge.wsgi import WsgiEdge

__all__ = [
    "AccessLog",
    "AnswerCutOffError",
    "AsgiEdge",
    "Edge",
    "EdgePolicy",
    "EdgeSettings",
    "ErrorHook",
    "Recorder",
    "WsgiEdge",
]
