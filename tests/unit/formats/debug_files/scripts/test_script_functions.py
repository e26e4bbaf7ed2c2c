"""The functions of minified scripts, and the names by which scripts define them."""

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput
from app.formats.debug_files.scripts import script_scopes, tokens
from app.formats.debug_files.scripts.script_scopes import (
    ScriptFunctions,
    find_script_functions,
)
from app.formats.debug_files.scripts.tokens import split_script
from app.formats.debug_files.source_maps.packing import find_names
from tests.support.recorded.debug_samples import read_debug_sample


def scan(script: str) -> ScriptFunctions:
    """Find the functions of a script that is understood."""
    functions = find_script_functions(script.encode())
    assert functions is not None
    return functions


def name_at_marks(script: str) -> list[str | None]:
    """Return the function around each `$$` of a script."""
    scopes = scan(script).name_scopes({})
    return [
        scopes.find_function(number, column)
        for number, line in enumerate(script.split("\n"), start=1)
        for column in range(len(line))
        if line.startswith("$$", column)
    ]


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("$$;function pay(a){$$;return a}$$", [None, "pay", ""]),
        ("function*pay(){yield $$}async function buy(){await $$}", ["pay", "buy"]),
        ("var pay=function(){$$},buy=function inner(){$$}", ["pay", "inner"]),
        ("const pay=()=>$$,buy=a=>{$$},sell=async(a)=>{$$}", ["pay", "buy", "sell"]),
        ("pay=(a)=>a?b:$$;$$", ["pay", ""]),
        ("f(a=>a?b=>$$:$$,$$)", ["<anonymous>", "<anonymous>", ""]),
        ("x=c?a=>b:$$", [""]),
        ("class Cart{constructor(){$$}pay(){$$}static async*buy(){$$}}$$",
         ["new Cart", "Cart.pay", "Cart.buy", ""]),
        ("class Cart extends mixin({a:1}){get total(){$$}#hide(){$$}onPay=()=>{$$}}",
         ["Cart.total", "Cart.#hide", "Cart.onPay"]),
        ("let Cart=class extends B{pay(){$$}};x=class{['a'+1](){$$}}", ["Cart.pay", "<anonymous>"]),
        ("class Promise{catch(e){$$}if(a){$$}}", ["Promise.catch", "Promise.if"]),
        ("Cart.prototype.pay=function(){$$};this.buy=function(){$$};exports.a.b=()=>$$",
         ["Cart.pay", "buy", "a.b"]),
        ("o={pay(){$$},buy:function(){$$},'sell':()=>$$,\"a-b\"(){$$}}",
         ["pay", "buy", "sell", "a-b"]),
        ("x=c?a:function(){$$}", ["<anonymous>"]),
        ("a.b.c.d=function(){$$};a[0]=function(){$$}", ["b.c.d", "<anonymous>"]),
        ('_c(Cart,[{key:"pay",value:function(){$$}}])', ["pay"]),
        ("onPay=(0,r.useCallback)(()=>{$$});i=n(()=>{$$});first=items.find(a=>$$)",
         ["onPay", "i", "<anonymous>"]),
        ("items.map(function(a){$$})", ["<anonymous>"]),
        ("pay=(function(){$$});!function(){$$}()", ["pay", "<anonymous>"]),
        ("function pay(){if(a){$$}for(;;){$$}while(a){$$}try{$$}catch(e){$$}switch(a){case 1:$$}}",
         ["pay"] * 6),
        ("function pay(){return{a:1,b(){$$}}}", ["b"]),
        ("function pay(){var o={a:{b:1}};$$;{$$}}", ["pay", "pay"]),
        ("function outer(){function inner(){$$}$$}", ["inner", "outer"]),
        ("function pay(a=()=>$$,{b}={b:$$}){$$}", ["a", "", "pay"]),
        ("a.class=1;o={class:2};function pay(){$$}", ["pay"]),
        ("function pay(){\n  $$;\n}\nfunction buy(){\n$$}", ["pay", "buy"]),
    ],
)  # fmt: skip
def test_functions_are_named_by_their_definition(script, names):
    """Every form in which compilers and people define functions gives its name."""
    assert name_at_marks(script) == names


@pytest.mark.parametrize(
    "script",
    [
        'function pay(){var a=\'}\',b="{\\"";$$}',
        "function pay(){/* } */ // }\n$$}",
        "function pay(){var a=/[/}]\\/{/g.test(b)?c/d:e/f/g;$$}",
        "function pay(){if(a)/}/.test(b);$$}",
        "function pay(){if(a){b}/}/.test(c);$$}",
        "function pay(){a=b[0]/c;d=(e)/f;g={}/h;$$}",
        "function pay(){return/}/.test(a)&&$$}",
        "function pay(){a.return/b;$$/c}",
        "function pay(){var a=`}${b+`{${c}`}\\``;$$}",
        "function pay(){tag`a${{a:1}.a}}b`;$$}",
        "function pay(){a??b;c?.d;e?.5:f;g<=h;$$}",
        "function pay(){var a='\\\n}';$$}",
        "function pay(){var \\u0061=1,ä=2;$$}",
        "<!-- function\nfunction pay(){$$}",
    ],
)
def test_brackets_in_texts_and_patterns_mean_nothing(script):
    """Strings, templates, comments and regular expressions do not end a function."""
    assert name_at_marks(script)[-1] == "pay"


@pytest.mark.parametrize("script", ["{", "}", "(]", "`a", "`${a", "`${`", "function(){"])
def test_scripts_that_are_not_understood_have_no_functions(script):
    """Wrong names would be worse than none."""
    assert find_script_functions(script.encode()) is None
    with pytest.raises(MalformedInput):
        split_script(script)


def test_clear_names_come_from_the_map():
    """Each part of a name is clear where the map has it, and as written elsewhere."""
    script = read_debug_sample("web/dist/app.a1f3.js")
    functions = find_script_functions(script)
    assert functions is not None
    names = find_names(read_debug_sample("web/dist/app.a1f3.js.map"), functions.list_places())
    scopes = functions.name_scopes(names)
    found = [scopes.find_function(3, column - 1) for column in (700, 599, 293, 219)]
    assert found == ["onCheckoutTapped", "Cart.checkout", "charge", "callBank"]


def test_columns_count_as_in_browsers():
    """A character beyond 16 bits counts as two columns, as in stacks and source maps."""
    functions = scan("a='😀😀';function pay(){x}")
    assert functions.list_places() == {(0, 18)}
    assert functions.name_scopes({(0, 18): "charge"}).find_function(1, 24) == "charge"


def test_long_scripts_are_left_out(monkeypatch):
    """Looking through a script takes a second for 3 MB."""
    script = b"function pay(){}"
    assert find_script_functions(script) is not None
    assert find_script_functions(b"") is None
    monkeypatch.setattr(tokens, "_MOST_TOKENS", 6)
    assert find_script_functions(script) is not None
    monkeypatch.setattr(tokens, "_MOST_TOKENS", 5)
    assert find_script_functions(script) is None
    monkeypatch.setattr(script_scopes, "SCRIPT_BYTES", len(script) - 1)
    assert find_script_functions(script) is None


WORDS = ["function", "class", "a", "async", "get", "key", "value", "extends"]
PIECES = [*WORDS, "=>", "${", *"=(){}[],;:?`/'*.", '"', "\n"]


@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_any_script_gives_functions_or_none(pieces):
    """Whatever the script is, nothing is raised, and positions ascend."""
    functions = find_script_functions(" ".join(pieces).encode())
    if functions is not None:
        starts = [start.start for start in functions.starts]
        assert starts == sorted(starts)
        scopes = functions.name_scopes({})
        assert len(scopes.lines) == len(scopes.columns) == len(scopes.numbers) == len(starts)
