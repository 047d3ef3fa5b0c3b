"""The page of the month, written when everything else of the month is done, and where Dagster's pages open it.

Belongs here: one asset, and the way to its files. Does not belong here: what the page says (`monthly`).
"""

import re
from pathlib import Path

import dagster as dg
from ajprivacy_pipeline.assets.answers import PAGE, PLACE, failed_checks, told, ways
from ajprivacy_pipeline.assets.build import FRESH, MONTHS, OWNERS, key
from ajprivacy_pipeline.assets.checks import RELEASE
from ajprivacy_pipeline.assets.enforce import PLAN
from ajprivacy_pipeline.assets.guard import App, Receive, Scope, Send
from ajprivacy_pipeline.assets.journey import group
from ajprivacy_pipeline.assets.resources import MONTH, step
from ajprivacy_pipeline.assets.review import OPEN

from ajprivacy_pipeline.clock import today
from ajprivacy_pipeline.errors import PrivacyError

START = f"/assets/{'/'.join(PAGE.path)}"  # where somebody begins who opens the pages
_FILE = re.compile(r"month-[0-9]{4}-[0-9]{2}(\.en)?\.html")
_HEADERS = ((b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store"),
            (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; img-src data:"))


def page() -> dg.AssetsDefinition:
    """Returns the last step of a month: its page, in Norwegian and English, and seven answers."""

    @dg.asset(key=PAGE, group_name=group("month"), kinds={"html"}, owners=OWNERS, tags={"content": "counts"},
              deps=[key("staged.quality"), OPEN, RELEASE, PLAN], partitions_def=MONTHS, required_resource_keys={MONTH},
              freshness_policy=FRESH,
              description="Start here: the answers below are of the newest month, and the page of the month says more: "
                          "what the notice demanded, what happened, what is due next, who has waited longest and why, "
                          "releases and their proof, requests, the source, the policy and who changed it. `ajprivacy "
                          f"page` writes it anew, with what has happened since.\n\n{ways()}")
    def month__page(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from ajprivacy_pipeline.monthly.figures import MonthPage
        from ajprivacy_pipeline.monthly.page import page_folder, write_pages
        with step(context) as run:
            made = MonthPage(run.con, run.settings, run.policy, run.control, run.month,
                             today(run.policy.retention.time_zone))
            try:
                found = made.figures()
                pages = write_pages(found, run.policy, page_folder(run.settings))
            except PrivacyError as error:  # the month stands; its page can be written at any time
                context.log.warning(str(error))
                return dg.MaterializeResult(metadata={"made": False, "why": str(error)})
            version = run.policy.version
        return dg.MaterializeResult(metadata={
            **told(found, list(failed_checks(context.instance, context.run.run_id)), pages),
            "policy_version": version, "made": True})

    return month__page


class Shown:
    """An ASGI application that answers with a month's page below its place, begins there, and passes all else on."""

    def __init__(self, app: App, folder: Path) -> None:
        """Stand in front of `app`; the pages lie in `folder`."""
        self._app, self._folder = app, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the file of that name, the newest without a name, or 404; lead who begins to the answers."""
        if scope["type"] == "http" and scope["path"] == "/":
            await send({"type": "http.response.start", "status": 307, "headers": [
                (b"location", START.encode()), (b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        if scope["type"] != "http" or not scope["path"].startswith(PLACE):
            await self._app(scope, receive, send)
            return
        found = self._page(scope["path"].removeprefix(PLACE))
        body = found if found is not None else b"This month has no page: `ajprivacy page --month YYYY-MM` writes one.\n"
        headers = [*_HEADERS, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 404 if found is None else 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _page(self, name: str) -> bytes | None:
        """A page as it lies there; a name is a month's, or nothing, which is the newest one's."""
        named = name or max((path.name for path in self._folder.glob("month-????-??.en.html")), default="")
        file = self._folder / named
        return file.read_bytes() if _FILE.fullmatch(named) and file.is_file() else None
