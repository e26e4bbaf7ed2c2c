"""Stack traces that are text: frames of every language, and any text at all."""

import pytest
from hypothesis import given, strategies as st

from app.formats.events import stack_text
from tests.support.builders.otlp import JAVA_STACK
from tests.support.examples import SETTINGS

PYTHON = """Traceback (most recent call last):
  File "/srv/bank.py", line 3, in call
    connect()
OSError: reset

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/usr/lib/python3.11/site-packages/web.py", line 90, in serve
    view(request)
  File "/srv/cart.py", line 12, in charge
    raise ValueError("no card")
ValueError: no card
"""
NODE = """Error: no card
    at charge (/srv/app/cart.js:12:9)
    at async Layer.handle (/srv/app/node_modules/express/lib/layer.js:95:5)
    at node:internal/main:1:2
"""
DOTNET = """System.InvalidOperationException: no card
   at Shop.Cart.Charge(Order order) in /src/Cart.cs:line 12
   at Microsoft.AspNetCore.Routing.EndpointMiddleware.Invoke(HttpContext context)
"""
GO = (
    "goroutine 7 [running]:\n"
    "shop.charge(0xc0001)\n\t/srv/cart.go:12 +0x1d\n"
    "net/http.serve(0xc0002)\n\t/usr/local/go/src/net/http/server.go:2 +0x9\n"
)
RUBY = (
    "/srv/app/cart.rb:12:in 'charge': no card (RuntimeError)\n"
    "\tfrom /usr/lib/ruby/gems/rack/handler.rb:9:in `call'\n"
)
PHP = (
    "#0 /srv/app/Cart.php(12): Cart->charge()\n"
    "#1 /srv/app/vendor/slim/App.php(9): handle()\n"
    "#2 {main}"
)


@pytest.mark.parametrize(
    ("text", "outer", "place", "line"),
    [
        (PYTHON, "serve", "/srv/cart.py", 12),
        (JAVA_STACK, "service", "Cart.java", 12),
        (NODE, "?", "/srv/app/cart.js", 12),
        (DOTNET, "Invoke", "/src/Cart.cs", 12),
        (GO, "net/http.serve", "/srv/cart.go", 12),
        (RUBY, "call", "/srv/app/cart.rb", 12),
        (PHP, "handle", "/srv/app/Cart.php", 12),
    ],
    ids=["python", "java", "node", "dotnet", "go", "ruby", "php"],
)
def test_frames_are_read_oldest_first(text, outer, place, line):
    """The last frame is where the error happened and is the app's own; the outer one is not."""
    frames = stack_text.read_stack_text(text)
    first, last = frames[0], frames[-1]
    assert (first["function"], first["in_app"]) == (outer, False)
    assert (last["filename"], last["lineno"], last["in_app"]) == (place, line, True)
    assert last["function"].lower().rpartition(".")[2].rpartition(">")[2] == "charge"


def test_text_in_no_known_form_has_no_frames():
    """Pages show such a text as it is."""
    assert stack_text.read_stack_text("it broke\nsomewhere") == []


@given(st.text(max_size=500))
@SETTINGS
def test_any_text_gives_frames_or_none(text):
    """No text raises an error."""
    assert all("function" in frame for frame in stack_text.read_stack_text(text))
