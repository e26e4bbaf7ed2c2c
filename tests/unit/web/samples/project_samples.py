"""The page of a project as the browser tests show it."""

from datetime import date

from app.projects.model import OutcomeCount
from app.web.project import page as project
from app.web.words import outcomes, parts
from tests.unit.web.samples import privacy_samples, retention_samples
from tests.unit.web.samples.made_up import DSN, KEY, NOW, PROJECT

PROJECT_PAGE = project.ProjectPage(
    project_id=PROJECT,
    name="Cartwheel Android",
    slug="cartwheel-android",
    replays_href="/replays?project=318",
    dsn=DSN,
    keys=(project.KeyRow(KEY, "Default", DSN, True, NOW, NOW, True),
          project.KeyRow(KEY, "Old", DSN, False, NOW, None, False)),
    keys_part=parts.ListPart("Showing the first 2 of 3 keys.", "Next 1 key", "/p?keys=2#keys"),
    outcomes=outcomes.summarize_outcomes([
        OutcomeCount(date(2026, 11, 24), "event", "kept", "", 1211),
        OutcomeCount(date(2026, 11, 24), "event", "refused", "too_large", 1),
        OutcomeCount(date(2026, 11, 24), "event", "limited", "envelope_rate", 1)]),
    outcome_days=30,
    quarantined=2,
    quarantine=(project.QuarantineRow(NOW, "event, span", "ValueError: no", 900, "/q"),),
    quarantine_part=None,
    members=(project.MemberRow("Ana Silva", "ana@example.com", "owner"),),
    members_part=parts.ListPart("Showing members 101 to 101 of 101.", None, None),
    has_replays=True,
    masks=privacy_samples.MASKS,
    storage=retention_samples.STORAGE,
)  # fmt: skip
