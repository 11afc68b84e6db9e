"""An OTLP endpoint over HTTP that decodes what it gets, by the standard's own messages."""

import gzip
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from tests.support.http_server import answering, local_server


class Collected:
    """What arrived: spans and log records, each with its attributes as a mapping."""

    def __init__(self):
        self.url = ""
        self.spans, self.logs, self.resources, self.bodies = [], [], [], []
        self.statuses = []  # that the next requests are answered with

    def take(self, path, body):
        self.bodies.append(body)
        if path == "/v1/traces":
            for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(_mapping(part.resource.attributes))
                for scope in part.scope_spans:
                    self.spans += [(scope.schema_url, span) for span in scope.spans]
            return ExportTraceServiceResponse().SerializeToString()
        for part in ExportLogsServiceRequest.FromString(body).resource_logs:
            self.resources.append(_mapping(part.resource.attributes))
            for scope in part.scope_logs:
                self.logs += [(scope.schema_url, record) for record in scope.log_records]
        return ExportLogsServiceResponse().SerializeToString()

    def named(self, name):
        """Return the attributes of every log record of that event name."""
        return [_mapping(it.attributes) for _, it in self.logs if it.event_name == name]

    def trials(self):
        """Return the attributes of every span."""
        return [_mapping(span.attributes) for _, span in self.spans]


def _mapping(attributes):
    return {it.key: getattr(it.value, it.value.WhichOneof("value")) for it in attributes}


@contextmanager
def collector():
    """Run the endpoint on a port of this machine."""
    collected = Collected()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            status = collected.statuses.pop(0) if collected.statuses else 200
            answer = collected.take(self.path, body) if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server, collected.url = local_server(Handler)
    with answering(server):
        yield collected
