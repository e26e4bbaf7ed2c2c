"""Made-up requests and log records for the pages of `samples`."""

from dataclasses import replace

from app.web.replay.panels import rows
from app.web.words.panels import activity
from app.web.words.request import exchanges, json_tree
from tests.unit.web.samples.made_up import TRACE

_SENT = exchanges.MessageBlock(
    "Request", (("Accept", "*/*"),), 61,
    json_tree.make_json_tree({"qty": 2, "items": [1, "x", None]}),
    None, None, ("The SDK cut this body.",), is_cut=True,
)  # fmt: skip
_ANSWERED = replace(_SENT, title="Response", headers=(), tree=None, text="no", notes=())
DETAILS = exchanges.ExchangeBlock(
    "https://api.example/pay?a=1", (("a", "1"),), (_SENT, _ANSWERED), None, "curl x", is_cut=True
)
BARE_DETAILS = replace(
    DETAILS, query=(), note="Nothing was recorded.", is_cut=False,
    messages=(replace(_SENT, tree=None, size_bytes=None, absent="No body.", is_cut=False),),
)  # fmt: skip
LINKS = activity.RequestLinks(
    trace_href=f"/r?tab=trace#trace-{TRACE}",
    trace_page_href=f"/r/traces/{TRACE}",
    errors=(
        activity.RequestError(
            "GatewayTimeout", "backend", "error", "/r?tab=errors#error-" + "4" * 32
        ),
    ),
)
NETWORK = (
    activity.NetworkRow(
        0, 6900, 412, "POST", "api.example", "/pay", 500, has_failed=True, response_bytes=122,
        kind="json", href="/r/requests/0", details=DETAILS, links=LINKS,
    ),
    activity.NetworkRow(1, 9000, None, "GET", "a.example", "/items?page=2", None, has_failed=True,
                        details=BARE_DETAILS),
    activity.NetworkRow(2, 9500, 80, "GET", "api.example", "/items", 200, has_failed=False),
)  # fmt: skip


LOGS = (
    rows.LogRow(
        8100, "warning", "Payment declined", "backend", "Cartwheel API", TRACE,
        (activity.DataRow("order", "1042"),),
    ),
    rows.LogRow(9000, "info", "Retry", "app", "Cartwheel Android", None, ()),
)  # fmt: skip
