"""RFC 9457 problems: one table of types, and everything that goes wrong answered in that shape."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

# type: status, title in English and Chinese. The type is a relative reference, stable for machines.
PROBLEMS: dict[str, tuple[int, str, str]] = {
    "malformed": (400, "The body cannot be read", "请求内容无法解析"),
    "idempotency-key-required": (400, "Send an Idempotency-Key", "缺少 Idempotency-Key"),
    "unauthenticated": (401, "Sign in first", "请先登录"),
    "bad-credentials": (401, "Wrong user name or password", "用户名或密码错误"),
    "forbidden": (403, "Your role may not do this", "当前角色无权执行此操作"),
    "foreign-origin": (403, "The request came from another site", "请求来自其他网站"),
    "password-change-required": (403, "Change the password first", "请先修改密码"),
    "not-found": (404, "There is no such thing", "不存在"),
    "no-footage": (404, "Nothing is recorded in this time", "这段时间没有录像"),
    "method-not-allowed": (405, "Not with this method", "不支持该方法"),
    "base-mismatch": (409, "The changes start elsewhere than this site stands", "同步起点与本地进度不一致"),
    "stale-seq": (409, "This site already knows a later state", "本地已有更新的状态"),
    "exists": (409, "There is one already", "已存在"),
    "in-use": (409, "It is still used", "仍被引用"),
    "journal-fork": (409, "This sequence number holds another event here", "该序号已存有不同的事件"),
    "no-issuer-key": (409, "No issuer key is installed", "未配置签发密钥"),
    "not-ready": (409, "It is not ready yet", "尚未就绪"),
    "no-history": (404, "Nothing is known of that time any more, or yet", "没有该时刻的记录"),
    "too-late": (409, "The order was on its way for too long", "命令在途时间过长"),
    "cursor-gone": (410, "Too far behind; take a snapshot", "落后过多，请重新获取快照"),
    "precondition-failed": (412, "The record has changed meanwhile", "记录已被修改"),
    "too-large": (413, "The body is too large", "请求内容过大"),
    "unsupported-media": (415, "Send JSON", "请发送 JSON"),
    "bad-range": (416, "The range lies outside the file", "请求的范围超出文件"),
    "validation": (422, "Some fields are wrong", "部分字段有误"),
    "no-decision": (422, "This event is no decision at a door", "该事件不是通行判定"),
    "no-reader": (422, "No reader at this door takes such a credential", "此门的读卡器不能读取该凭证"),
    "mass-removal": (422, "Unusually many credentials would go", "将删除的凭证数量异常"),
    "idempotency-key-reused": (422, "The key was used for another request", "Idempotency-Key 已用于其他请求"),
    "weak-password": (422, "Choose a stronger password", "密码强度不足"),
    "throttled": (429, "Too many attempts; wait", "尝试过于频繁，请稍候"),
    "internal": (500, "Something broke here; it is logged", "内部错误，已记录"),
    "gateway-offline": (502, "The gateway is not connected", "网关未连接"),
    "no-answer": (502, "The gateway cannot answer this", "网关无法回答"),
    "recorder-unreachable": (502, "The recorder does not answer", "录像机无响应"),
    "busy": (503, "Too busy; try again", "系统繁忙，请重试"),
    "no-room": (507, "The recording disk has no room for this", "录像磁盘空间不足"),
}
MEDIA = "application/problem+json"
_BY_STATUS = {401: "unauthenticated", 403: "forbidden", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong field: a JSON pointer (RFC 6901) into the body, a code for machines, a sentence for people."""

    pointer: str
    code: str
    detail: str


class Problem(Exception):
    """An answer other than success; `extra` becomes members of the body."""

    def __init__(
        self,
        type_: str,
        detail: str = "",
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(type_, detail)
        self.type = type_
        self.status = PROBLEMS[type_][0]
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.extra = extra


def answer(request: Request, problem: Problem) -> Response:
    """The problem as a response, its title in the caller's language."""
    status, english, chinese = PROBLEMS[problem.type]
    title = chinese if request.headers.get("accept-language", "").startswith("zh") else english
    body: dict[str, Any] = {"type": problem.type, "title": title, "status": status, "detail": problem.detail or title}
    body["instance"] = request.url.path
    if problem.errors:
        body["errors"] = [asdict(fault) for fault in problem.errors]
    content = {**body, **problem.extra}
    return JSONResponse(content, status, dict(problem.headers or {}), MEDIA)


def install(app: FastAPI) -> None:
    """Answer every failure of `app` with a problem."""
    app.add_middleware(TooLarge)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(PoolTimeout, _busy)
    app.add_exception_handler(OperationalError, _busy)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(Exception, _broken)


class TooLarge:
    """ASGI middleware: the framework's own 413 is plain text; this makes a problem of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Replace a 413 that is no problem yet; everything else passes."""
        replaced = False

        async def send_problem(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == 413:
                replaced = Headers(raw=message["headers"]).get("content-type") != MEDIA
                if replaced:
                    await answer(Request(scope), Problem("too-large"))(scope, receive, send)
            if not replaced:
                await send(message)

        await self._app(scope, receive, send_problem)


def pointer(location: Sequence[int | str]) -> str:
    """A JSON pointer from the parts of a location."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - the registration above says so
    return answer(request, error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the registration above says so
    type_ = _BY_STATUS.get(error.status_code, "malformed" if error.status_code < 500 else "internal")
    return answer(request, Problem(type_, str(error.detail), headers=error.headers))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the registration above says so
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return answer(request, Problem("malformed", "The body is not JSON."))
    faults = [Fault(_place(each["loc"]), each["type"], each["msg"]) for each in found[:100]]
    return answer(request, Problem("validation", errors=faults))


async def _busy(request: Request, error: Exception) -> Response:
    log.warning("database_busy", path=request.url.path, error=type(error).__name__)
    return answer(request, Problem("busy", headers={"Retry-After": "2"}))


async def _left(request: Request, error: Exception) -> Response:
    """Whoever left within his own request hears no answer; it is no fault of this house."""
    log.debug("caller_left", path=request.url.path, method=request.method)
    return answer(request, Problem("malformed", "The body is cut short."))


async def _broken(request: Request, error: Exception) -> Response:
    log.error("request_broke", path=request.url.path, method=request.method, exc_info=error)
    return answer(request, Problem("internal", HTTPStatus.INTERNAL_SERVER_ERROR.phrase))


def _place(location: Sequence[int | str]) -> str:
    """`body` is the document itself; query and header parameters keep their kind as the first part."""
    return pointer(location[1:] if location and location[0] == "body" else location)
