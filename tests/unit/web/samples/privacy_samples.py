"""What was removed, what is masked, and the page of privacy rules, for the browser tests."""

from dataclasses import replace

from app.web.privacy import page as privacy
from app.web.project import page as project
from app.web.words.privacy.removals import RemovalChip
from tests.unit.web.samples.made_up import NOW, PROJECT

REMOVALS = (
    RemovalChip("card number", 1_204, ("0.data.payload.message",), 3),
    RemovalChip("“<b>pattern”", 2, (), 0),
)
MASKS = project.MaskSummary(
    (
        project.MaskRow("sentry.cocoa 9.26.0", "masked", "masked", 1_204, "/r?m=1", False, NOW),
        project.MaskRow("sentry.java 8.1", "not masked", "not known", 1, "/r?m=2", True, NOW),
    ),
    "Texts in 1 replay of 1,205 are not masked by default.",
)
_CHANGE = privacy.ChangeRow(
    "extra.who",
    (privacy.TextPart("seen by "), privacy.TextPart("EMP-<b>123456", is_changed=True)),
    (privacy.TextPart("seen by "), privacy.TextPart("[Filtered]", is_changed=True)),
)
_TRIAL = privacy.TrialPart(
    "These rules would change 1 of 2 recent events.",
    (privacy.RemovalRow("Card number", 3),),
    (privacy.TrialEvent("<b>Payment failed", "/e", 3, (_CHANGE,), 2),),
    (replace(_CHANGE, path=""),),
    has_text=True,
)
PRIVACY_PAGE = privacy.PrivacyPage(
    project_id=PROJECT,
    name="Cartwheel Android",
    version=2,
    switches=(privacy.SwitchField("scrub_ip", "IP addresses", "Of senders, too.", is_on=True),),
    sensitive_keys="customer\nnickname",
    safe_keys="",
    patterns=(
        privacy.PatternField(0, "employee number", r"\bEMP-\d{6}\b"),
        privacy.PatternField(1, "", ""),
    ),
    hides_keypads=True,
    screens="*Transfer*",
    views="",
    regions="Checkout* 0 60 100 100",
    text='{"nickname": "jo"}',
    trial=_TRIAL,
    removal_days=30,
    removals=(privacy.RemovalRow("E-mail address", 12_345),),
    versions=(privacy.VersionRow(2, NOW, "Ana Silva", "sensitive name customer added"),),
    problem="Two patterns are named “x”.",
)
EMPTY_PRIVACY_PAGE = replace(
    PRIVACY_PAGE,
    trial=replace(_TRIAL, removals=(), events=(), text=()),
    removals=(),
    versions=(),
    problem=None,
)
