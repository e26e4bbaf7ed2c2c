"""Debug files are recognised by their first bytes."""

import pytest
from hypothesis import given, strategies as st

from app.formats.debug_files.file_forms import DebugFileForm, recognize_form

HEADS = {
    b"SYSB\2\0\0\0PK\3\4": DebugFileForm.BUNDLE,
    b"PK\3\4rest": DebugFileForm.ZIP,
    b"PK\5\6" + bytes(18): DebugFileForm.ZIP,
    b"\x7fELF\2\1": DebugFileForm.ELF,
    b"\xcf\xfa\xed\xfe\x0c": DebugFileForm.MACHO,
    b"\xfe\xed\xfa\xce": DebugFileForm.MACHO,
    b"\xca\xfe\xba\xbe\0\0\0\2": DebugFileForm.MACHO,
    b"\xca\xfe\xba\xbf\0\0\0\2": DebugFileForm.MACHO,
    b"\xca\xfe\xba\xbe\0\0\0\x34": DebugFileForm.UNKNOWN,  # a Java class
    b"MODULE Linux arm64 0123 libshop.so\n": DebugFileForm.BREAKPAD,
    b"Microsoft C/C++ MSF 7.00\r\n\x1aDS": DebugFileForm.PDB,
    b"BSJB\1\0": DebugFileForm.PORTABLE_PDB,
    b"MZ\x90\0": DebugFileForm.PE,
    b"\0asm\1": DebugFileForm.WASM,
    b"BCSymbolMap Version: 2.0\n": DebugFileForm.BCSYMBOLMAP,
    b'<?xml version="1.0"?><!DOCTYPE plist>': DebugFileForm.UUID_MAP,
    b"<plist>": DebugFileForm.UUID_MAP,
    b'["clear","a"]': DebugFileForm.JSON_LIST,
    b"\xef\xbb\xbf \n[": DebugFileForm.JSON_LIST,
    b'{"__debug-id__":': DebugFileForm.JSON_OBJECT,
    b"com.acme.Cart -> a.b:\n": DebugFileForm.MAPPING,
    b"# compiler: R8\n": DebugFileForm.MAPPING,
    b"\xef\xbb\xbfcom.acme.Cart -> a.b:": DebugFileForm.MAPPING,
    b"\x89PNG\r\n\x1a\n\0": DebugFileForm.UNKNOWN,
}


@pytest.mark.parametrize("head", HEADS)
def test_forms_are_recognised(head: bytes):
    """Each form has its magic; a text without one may be a mapping."""
    assert recognize_form(head) is HEADS[head]


@given(st.binary(max_size=300))
def test_any_bytes_have_a_form(head: bytes):
    """Nothing is raised for any bytes."""
    assert recognize_form(head) in DebugFileForm
