"""Posts over connections that are kept open."""

import http.client
from urllib.parse import urlsplit


class Postman:
    """Posts over connections that are kept open, one per host. Not shared between threads."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def send(self, url: str, body: bytes, headers: dict[str, str], timeout: float) -> tuple[int, dict[str, str], bytes]:
        """POST anywhere. Returns status (0 without an answer), headers in lower case and body."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        for is_fresh in (False, True):
            connection = self._connection(parts.scheme, parts.netloc, timeout, is_fresh)
            if connection is None:
                continue
            try:
                connection.request("POST", path, body, headers)
                answer = connection.getresponse()
                text = answer.read()
                return answer.status, {key.lower(): value for key, value in answer.getheaders()}, text
            except TimeoutError:
                self._drop(parts.scheme, parts.netloc)
                return 0, {}, b""
            except (OSError, http.client.HTTPException):
                # A kept connection may have been closed by the other side: only then is a second try fair.
                self._drop(parts.scheme, parts.netloc)
        return 0, {}, b""

    def close(self) -> None:
        """Close all connections."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _connection(self, scheme: str, host: str, timeout: float, is_fresh: bool) -> http.client.HTTPConnection | None:
        kept = self._open.get((scheme, host))
        if not is_fresh:
            return kept
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        self._open[scheme, host] = connection = kind(host, timeout=timeout)
        return connection

    def _drop(self, scheme: str, host: str) -> None:
        connection = self._open.pop((scheme, host), None)
        if connection:
            connection.close()
