"""Asking Mem0: again where that is safe, and with errors that a caller can read."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from memstore.errors import MemoryStoreError, MemoryTimeoutError
from memstore.twins import Operation, Primitive

_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 8.0


class RequestError(MemoryStoreError):
    """Mem0 could not be reached, or refused.

    Attributes:
        status: of the HTTP answer; None when there was none.
        may_have_worked: whether this request, or one before it that was repeated, may have had its
            effect all the same.
    """

    def __init__(self, reason: str, status: int | None = None, *, may_have_worked: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.may_have_worked = may_have_worked

    def __reduce__(self) -> tuple[Any, ...]:
        return _request_error, (str(self), self.status, self.may_have_worked)


def _request_error(reason: str, status: int | None, may_have_worked: bool) -> RequestError:
    return RequestError(reason, status, may_have_worked=may_have_worked)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to bear with the platform.

    Attributes:
        timeout: seconds that one request may take, and that a call waits for queued work.
        poll_interval: seconds between two looks at queued work; it doubles up to eight seconds.
        max_retries: how often a request is repeated.
        deadline: by the monotonic clock, after which no request is repeated; None if there is none.
            One that is under way is not cut short, so it may end by `timeout` later.
    """

    timeout: float
    poll_interval: float
    max_retries: int
    deadline: float | None = None


def ask(patience: Patience, method: str, *arguments: Any, repeatable: bool = True, **keywords: Any) -> Operation[Any]:
    """The answer to one call of the client's.

    Where the request was surely not carried out (429, no connection) it is repeated; after an error
    of the server or a lost answer only if it is `repeatable`, so nothing is ever added twice.

    Raises:
        RequestError: there is none, after as many attempts as `patience` has.
        MemoryTimeoutError: there is none, and the next attempt would come after the deadline.
    """
    uncertain = False
    for attempt in range(patience.max_retries + 1):
        try:
            return (yield Primitive(method, (arguments, keywords)))
        except MemoryStoreError:
            raise
        except Exception as error:
            fault = _fault_of(error)
            uncertain = uncertain or fault.may_have_worked
            delay = _delay(fault, attempt)
            if not fault.passes or (fault.may_have_worked and not repeatable):
                raise _failure(fault, method, uncertain) from error
            if patience.deadline is not None and time.monotonic() + delay > patience.deadline:
                raise MemoryTimeoutError(f"Mem0 {fault.reason}, and there is no time to ask again") from error
            if attempt == patience.max_retries or delay > patience.timeout:
                raise _failure(fault, method, uncertain) from error
        yield pause(delay)
    raise AssertionError("unreachable: the last attempt returns or raises")


def pause(seconds: float) -> Primitive:
    """The step that lets time pass."""
    return Primitive("pause", (seconds,))


@dataclass(frozen=True, slots=True)
class _Fault:
    """What went wrong with a request."""

    reason: str
    status: int | None = None
    passes: bool = False
    """Whether it may be over soon."""
    may_have_worked: bool = False
    retry_after: float | None = None


def _fault_of(error: Exception) -> _Fault:
    """Read an exception of mem0ai's clients (mem0/exceptions.py), or of what they are made of."""
    if isinstance(error, json.JSONDecodeError):
        return _Fault("answered with something that is no JSON", passes=True, may_have_worked=True)
    debug: Any = getattr(error, "debug_info", None) or {}
    status = debug.get("status_code") or _status_of(error) or _status_of(error.__context__)
    if status is not None:
        return _refusal(status, _retry_after(error))
    if isinstance(error, TypeError):
        return _Fault(f"is not asked so: {error}")  # a keyword that its client does not take
    kind = {type(cause).__name__ for cause in (error, error.__context__) if cause is not None}
    if getattr(error, "error_code", "") == "NET_CONNECT" or kind & {
        "ConnectError",
        "ConnectTimeout",
        "ConnectionError",
    }:
        return _Fault("cannot be reached", passes=True)
    if "PoolTimeout" in kind:  # one of mem0's time-outs; but nothing was sent
        return _Fault("was not asked: all connections are taken by other calls", passes=True)
    if debug.get("error_type") == "timeout" or kind & {"Timeout", "ReadTimeout", "TimeoutError"}:
        return _Fault("did not answer in time", passes=True, may_have_worked=True)
    if kind & {"NetworkError", "RemoteProtocolError", "ReadError", "WriteError"}:
        return _Fault("ended the connection without an answer", passes=True, may_have_worked=True)
    return _Fault(f"could not be asked: {type(error).__name__}", may_have_worked=True)


def _status_of(error: BaseException | None) -> int | None:
    """Of an HTTP error; when a client is made, mem0ai raises a ValueError that has it as its context."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _retry_after(error: Exception) -> float | None:
    """Seconds that the platform asks to wait; as a number or as a date, RFC 9110, 10.2.3."""
    response = getattr(error, "response", None) or getattr(error.__context__, "response", None)
    given = response.headers.get("Retry-After", "") if response is not None else ""
    try:
        if given.isdecimal():
            return float(given)
        return max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):  # none, or neither
        return None


def _refusal(status: int, retry_after: float | None) -> _Fault:
    if status in (401, 403):
        return _Fault(f"refuses the API key ({status}); is it the one of this host?", status)
    if status == 429:
        return _Fault("limits how often it may be asked (429)", status, passes=True, retry_after=retry_after)
    if status == 413:
        return _Fault("refuses more, because of its size or the account's quota (413)", status)
    if status == 408 or status >= 500:
        return _Fault(f"failed ({status})", status, passes=True, may_have_worked=True)
    return _Fault(f"refuses the request ({status}); the cause says why", status)


def _delay(fault: _Fault, attempt: int) -> float:
    """Seconds until the next attempt: what the platform asks for, or twice as long each time."""
    if fault.retry_after is not None:
        return fault.retry_after
    # Spread, so that many clients don't come back at once.
    return min(_FIRST_DELAY * 2.0**attempt, _LONGEST_DELAY) * random.uniform(0.5, 1.0)  # noqa: S311  # no secret


def _failure(fault: _Fault, method: str, uncertain: bool) -> RequestError:
    reason = f"Mem0 {fault.reason}"
    if uncertain and method == "add":
        reason += "; what was added may be there all the same, so it is not added again"
    return RequestError(reason, fault.status, may_have_worked=uncertain)
