"""Chooses the issue of an event, by one pure function of the event as sent.

    fingerprint   the app chooses itself; `{{ default }}` stands for the rules below
    stack         types of the chain, and the app's own frames of each
    exception     no frames: types, and what the exception says with its numbers replaced
    message       the template of a log call, else the text with its numbers replaced
    fallback      nothing at all: platform, logger, transaction

Not part of a key, since they differ between two runs or two builds of one problem: line numbers,
addresses, ids, numbers of lambdas and anonymous classes, names a shrinker made, the depth of a
recursion, the parameters of a message.

`GROUPING_VERSION` goes into every key. Whoever changes the rules adds a version and keeps the old
function: an event whose older key has an issue stays with it (`counting.choose_issues`), so that no
issue is split.

Source: docs/protocol.md, section 9.4.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.core.ids import IssueId
from app.formats import jsonish
from app.formats.events import exceptions, messages
from app.formats.jsonish import JsonObject
from app.issues.grouping import names, placeholders
from app.issues.grouping.stack import describe_stack

GroupingRule = Literal["fingerprint", "stack", "exception", "message", "fallback"]

GROUPING_VERSION: Final = 1
GROUPED_MEMBERS: Final = (
    "fingerprint", "exception", "threads", "message", "logentry", "platform", "level", "logger",
    "transaction", "contexts", "tags", "debug_meta",
)  # fmt: skip
"""The members of an event that its group depends on."""
_PART_CHARS: Final = 500
_MOST_FINGERPRINTS: Final = 50
_VARIABLE: Final = re.compile(r"\{\{\s*([\w.\-]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Grouping:
    """The issue of an event, and why it is this one."""

    issue_id: IssueId
    rule: GroupingRule
    parts: tuple[str, ...]
    """The parts that the key was made of, for a person to read."""


def group_event(event: JsonObject) -> Grouping:
    """Return the issue that an event belongs to.

    Args:
        event: As sent, scrubbed; anything may be missing or of the wrong type.

    Returns:
        The same `issue_id` for the same problem, within a project; it is a hash of `parts`.
    """
    rule, parts = _group_by_fingerprint(event) or _group_by_default(event)
    return Grouping(_hash_parts(rule, parts), rule, tuple(parts))


def read_issue_keys(event: JsonObject) -> tuple[IssueId, ...]:
    """Return the keys of an event by every version of the rules, the newest first."""
    return tuple([version(event).issue_id for version in _VERSIONS])


_VERSIONS: Final[tuple[Callable[[JsonObject], Grouping], ...]] = (group_event,)


def _hash_parts(rule: GroupingRule, parts: Sequence[str]) -> IssueId:
    text = "\x1f".join([str(GROUPING_VERSION), rule, *parts])
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
    return IssueId(digest.hexdigest())


def _group_by_fingerprint(event: JsonObject) -> tuple[GroupingRule, list[str]] | None:
    """Group by the fingerprint; None without one, or if it says no more than `{{ default }}`."""
    sent = event.get("fingerprint")
    if not isinstance(sent, list) or not sent:
        return None
    texts = [text for part in sent[:_MOST_FINGERPRINTS] if (text := jsonish.text_of(part))]
    if not texts or [_VARIABLE.sub(r"{{\1}}", text) for text in texts] == ["{{default}}"]:
        return None
    parts: list[str] = []
    for text in texts:
        whole = _VARIABLE.fullmatch(text.strip())
        if whole and whole[1] == "default":
            rule, default = _group_by_default(event)
            parts += [rule, *default]
        else:
            parts.append(
                _VARIABLE.sub(lambda variable: _fill_variable(event, variable), text)[:_PART_CHARS]
            )
    return "fingerprint", parts


def _fill_variable(event: JsonObject, variable: re.Match[str]) -> str:
    """Return what a variable of a fingerprint stands for; an unknown one stays as it is."""
    name = variable[1]
    if name.startswith("tags."):
        return jsonish.pairs(event, "tags").get(name.removeprefix("tags."), "")
    chain = exceptions.list_exceptions(event)
    main = chain[-1] if chain else {}
    frame = exceptions.find_main_frame(event, main)
    values: dict[str, str | None] = {
        "type": jsonish.text(main, "type"),
        "value": jsonish.text(main, "value"),
        "function": frame.function if frame else None,
        "module": frame.module if frame else None,
        "package": frame.package if frame else None,
        "message": messages.read_message_template(event),
        "transaction": jsonish.text(event, "transaction"),
        "level": jsonish.text(event, "level"),
        "logger": jsonish.text(event, "logger"),
    }
    short = name.removeprefix("error.").removeprefix("stack.")
    return (values[short] or "") if short in values else variable[0]


def _group_by_default(event: JsonObject) -> tuple[GroupingRule, list[str]]:
    platform = event.get("platform")
    chain = exceptions.list_exceptions(event)
    template = messages.read_message_template(event)
    # SDKs wrap a message into an exception without a type to give it a stack.
    if chain and not (template and not any(exception.get("type") for exception in chain)):
        return _group_by_chain(chain, event, platform if isinstance(platform, str) else "")
    # A message names its problem, while many problems may be logged from the same place.
    if template:
        return "message", [placeholders.replace_variables(template)]
    if stack := describe_stack(exceptions.list_thread_frames(event), platform, _read_images(event)):
        return "stack", stack
    facts = [jsonish.text(event, key) or "" for key in ("platform", "logger", "transaction")]
    return "fallback", facts


def _group_by_chain(
    chain: Sequence[JsonObject], event: JsonObject, platform: str
) -> tuple[GroupingRule, list[str]]:
    """Group by the frames of the whole chain, or else by the types and texts of its exceptions."""
    images = _read_images(event)
    stacks = [
        describe_stack(exceptions.list_frames(exception), platform, images) for exception in chain
    ]
    if not any(stacks):
        stacks[-1] = describe_stack(exceptions.list_thread_frames(event), platform, images)
    if any(stacks):
        blocks = [
            [_describe_type(exception), *stack]
            for exception, stack in zip(chain, stacks, strict=True)
        ]
        return "stack", [part for block in _sort_group_members(chain, blocks) for part in block]
    texts = (_describe_text(exception) for exception in reversed(chain))
    text = next((text for text in texts if text), "")
    types = [[_describe_type(exception)] for exception in chain]
    parts = [part for block in _sort_group_members(chain, types) for part in block]
    if not text:
        text = placeholders.replace_variables(messages.read_message_template(event) or "")
    return "exception", [*parts, text]


def _sort_group_members(
    chain: Sequence[JsonObject], blocks: Sequence[list[str]]
) -> Sequence[list[str]]:
    """Sort the members of an exception group, and drop those that are equal.

    How many of them failed, and in what order, is chance. A chain of causes stays as it is.
    """
    mechanisms = [exceptions.get_mechanism(exception) for exception in chain]
    if not any(mechanism.get("is_exception_group") is True for mechanism in mechanisms):
        return blocks
    members = sorted({tuple(block) for block in blocks[:-1]})
    return [*(list(block) for block in members), blocks[-1]]


def _describe_type(exception: JsonObject) -> str:
    """Return the type of an exception; empty if the SDK made it up, `~` if it was shrunk."""
    mechanism = exceptions.get_mechanism(exception)
    if mechanism.get("synthetic") is True:
        return ""
    name = jsonish.text(exception, "type", limit=_PART_CHARS) or ""
    if name.startswith("App Hang"):
        return "App Hang"
    if names.is_shrunk(name, name, "jvm"):
        return names.SHRUNK
    error: Any = jsonish.mapping(jsonish.mapping(mechanism, "meta"), "ns_error").get("code")
    return f"{name} {error}" if isinstance(error, int) else name


def _read_images(event: JsonObject) -> list[Any]:
    return jsonish.sequence(jsonish.mapping(event, "debug_meta"), "images")


def _describe_text(exception: JsonObject) -> str:
    return placeholders.replace_variables(jsonish.text(exception, "value") or "")
