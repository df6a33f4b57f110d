"""uvicorn's protocol for requests that Django gets."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api import request_ids
from serving.requests.refusals import bad_request


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, except that what is not HTTP is answered with a problem document."""

    def send_400_response(self, msg: str) -> None:
        request_id = request_ids.from_headers(self.headers or ())
        self.transport.write(bad_request(msg).http1(request_id))
        self.transport.close()
