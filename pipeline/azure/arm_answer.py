"""What Azure Resource Manager answers: an object with its etag, a long-running operation, or why not."""

import json
import re
from dataclasses import dataclass
from typing import Any

from pipeline.azure.patience import UnexpectedAnswerError

Item = dict[str, Any]

OK, CREATED, ACCEPTED, NO_CONTENT = 200, 201, 202, 204
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, REQUEST_TIMEOUT, CONFLICT, PRECONDITION = 401, 403, 404, 408, 409, 412
TOO_MANY, SERVER_ERROR = 429, 500


class UnreadError(Exception):
    """Something can't be read; other things may be. Its text is harmless and says why.

    Args:
        told: why.
        status: of the answer; 0 where there was none.
        code: error code in the answer.
    """

    def __init__(self, told: str, status: int = 0, code: str = "") -> None:
        super().__init__("".join(each if each.isprintable() else "?" for each in told)[:300])
        self.status = status
        self.code = code

    @property
    def is_absent(self) -> bool:
        """Whether Resource Manager itself says that there is no such thing; a proxy's 404 says nothing of it."""
        return self.status == NOT_FOUND and self.code.endswith("NotFound") and self.code != "SubscriptionNotFound"

    @property
    def is_uncertain(self) -> bool:
        """Whether what was asked may have been done all the same: the answer got lost, or is of no use."""
        return self.status < 400 or self.status == REQUEST_TIMEOUT or self.status >= SERVER_ERROR  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Answer:
    """What Resource Manager answered.

    Args:
        status: of HTTP.
        item: the object in it; empty where there is none.
        etag: of the object, from the body or the header; empty where the service gives none.
        operation: where the state of a long-running operation is told; empty where all is done.
        wait: seconds to wait before asking there.
    """

    status: int
    item: Item
    etag: str = ""
    operation: str = ""
    wait: float = 0.0


def answer_of(method: str, response: Any) -> Answer:
    """Return what an answer holds.

    Raises:
        UnexpectedAnswerError: it holds no object where there must be one.
    """
    item = _object(response.content) if method != "DELETE" else {}
    etag = item.get("etag") or response.headers.get("ETag") or ""
    operation = ""
    if response.status_code in {CREATED, ACCEPTED}:
        operation = response.headers.get("Azure-AsyncOperation") or ""
    if method == "DELETE" and response.status_code == ACCEPTED and not operation:
        raise UnexpectedAnswerError("the answer doesn't say where to ask whether it is done")
    wait = response.headers.get("Retry-After", "")
    return Answer(
        response.status_code, item, etag if isinstance(etag, str) else "", operation,
        float(wait) if wait.isdecimal() else 0.0,
    )  # fmt: skip


def _object(body: bytes) -> Item:
    """Return the object that an answer holds.

    Raises:
        UnexpectedAnswerError: it holds none.
    """
    try:
        found = json.loads(body)
        if b"\\ud" in body.lower():  # perhaps half of a surrogate pair, which can't be stored
            found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise UnexpectedAnswerError("the answer is no JSON") from None
    if not isinstance(found, dict):
        raise UnexpectedAnswerError("the answer is no object")
    return found


def code_of(error: BaseException) -> str:
    """Return the error code of an answer, where it is a word; "" elsewhere."""
    code = getattr(getattr(error, "error", None), "code", None)
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_.]{1,80}", code) else ""
