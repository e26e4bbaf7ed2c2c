"""Tests that signatures of native functions are shortened to their names."""

import pytest
from hypothesis import given, strategies as st

from app.formats.debug_files.signatures import shorten_signature

CPP = [
    ("shop::line_total(shop::Item const*)", "shop::line_total"),
    ("std::vector<int, std::allocator<int>>::push_back(int const&)",
     "std::vector<int, std::allocator<int>>::push_back"),
    ("main::'lambda'()::operator()() const", "main::'lambda'()::operator()"),
    ("void f<int>(int)", "f<int>"),
    ("unsigned long const* shop::f<int>(int) const", "shop::f<int>"),
    ("foo::operator bool() const", "foo::operator bool"),
    ("A::operator int<int>()", "A::operator int<int>"),
    ("A& A::operator<<<int>(int)", "A::operator<<<int>"),
    ("bool std::operator==<char>(std::string const&, std::string const&)", "std::operator==<char>"),
    ("foo::operator->()", "foo::operator->"),
    ("func(int (*)())", "func"),
    ("(anonymous namespace)::run()", "(anonymous namespace)::run"),
    ("shop::ops::plus(int) (.cold.1)", "shop::ops::plus"),
    ("shop::ops::plus(int) [clone .isra.0]", "shop::ops::plus"),
    ("non-virtual thunk to shop::A::f(int)", "non-virtual thunk to shop::A::f"),
    ("operator new(unsigned long)", "operator new"),
    ("operator delete[](void*)", "operator delete[]"),
    ('operator"" _k(unsigned long)', 'operator"" _k'),
    ("void (*f<int>(int))(char)", "f<int>"),
    ("std::function<int ()>::operator()() const", "std::function<int ()>::operator()"),
    ("foo[abi:cxx11]() &&", "foo[abi:cxx11]"),
    ("std::__function::__func<shop::run()::$_0, void ()>::operator()()",
     "std::__function::__func<shop::run()::$_0, void ()>::operator()"),
    ("guard variable for f()::x", "guard variable for f()::x"),
    ("vtable for A", "vtable for A"),
    ("(anonymous namespace)", "(anonymous namespace)"),
]  # fmt: skip
SWIFT = [
    ("Shop.Cart.add(item: Shop.Item, count: Swift.Int) throws -> ()", "Shop.Cart.add"),
    ("Shop.Cart.items.getter : [Shop.Item]", "Shop.Cart.items.getter"),
    ("Shop.Cart.subscript.getter : (Swift.Int) -> Swift.Int", "Shop.Cart.subscript.getter"),
    ("Shop.f<A>(A) -> A", "Shop.f<A>"),
    ("static Shop.Cart.< infix(Shop.Cart, Shop.Cart) -> Swift.Bool", "static Shop.Cart.< infix"),
    ("closure #2 (Swift.String) -> () in closure #1 () -> Swift.Int in Shop.Checkout.pay() -> ()",
     "closure #2 in closure #1 in Shop.Checkout.pay"),
    ("Shop.Checkout.(pay in _0123456789ABCDEF0123456789ABCDEF)() -> ()", "Shop.Checkout.pay"),
    ("(extension in Shop):__C.NSObject.foo() -> ()", "(extension in Shop):__C.NSObject.foo"),
    ("(1) suspend resume partial function for Shop.Checkout.pay() async throws -> ()",
     "(1) suspend resume partial function for Shop.Checkout.pay"),
    ("function signature specialization <Arg[0] = Dead> of Shop.f(Swift.Int) -> ()",
     "function signature specialization <Arg[0] = Dead> of Shop.f"),
    ("reabstraction thunk helper from @escaping () -> () to @escaping () -> ()",
     "reabstraction thunk helper from @escaping () -> () to @escaping () -> ()"),
]  # fmt: skip
OTHERS = [
    ("main", "main", "main"),
    ("", "", ""),
    ("-[Cart(Total) add:]", "-[Cart(Total) add:]", "-[Cart(Total) add:]"),
    ("__24-[Cart(Total) add:]_block_invoke", "__24-[Cart(Total) add:]_block_invoke",
     "__24-[Cart(Total) add:]_block_invoke"),
    ("kfun:com.acme.Cart#total(kotlin.Int){}", "kfun:com.acme.Cart#total(kotlin.Int){}",
     "com.acme.Cart#total"),
    ("<shop::Cart as core::fmt::Display>::fmt::h0123456789abcdef",
     "_ZN4shop3fmt17h0123456789abcdefE", "<shop::Cart as core::fmt::Display>::fmt"),
    ("<fn(i32) as shop::Call>::call", "_RNvCs1_4shop4call", "<fn(i32) as shop::Call>::call"),
]  # fmt: skip


@pytest.mark.parametrize(("signature", "name"), CPP)
def test_names_of_cpp(signature, name):
    """A C++ name loses its return type, parameters and qualifiers, mangled or not."""
    assert shorten_signature(signature, "_ZN4shop1fEv") == name
    assert shorten_signature(signature, signature) == name


@pytest.mark.parametrize(("signature", "name"), SWIFT)
def test_names_of_swift(signature, name):
    """A Swift name loses its types, and so do the functions around it."""
    assert shorten_signature(signature, "$s4Shop1fyyF") == name


@pytest.mark.parametrize(("signature", "symbol", "name"), OTHERS)
def test_names_of_other_languages(signature, symbol, name):
    """Rust loses its hash, Kotlin its parameters; C and Objective-C names are names already."""
    assert shorten_signature(signature, symbol) == name


@given(
    st.text("abc:<>()[]{}, ->*&'\"operatoinfS1#.~", max_size=200),
    st.sampled_from(["_Z1f", "$s1", "x"]),
)
def test_every_text_has_a_name(signature, symbol):
    """Any text has a name that is not empty, unless the text is."""
    assert bool(shorten_signature(signature, symbol)) == bool(signature)
