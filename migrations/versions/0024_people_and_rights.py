"""What the pages for admins show and set: where people come from, sign-ins, keys, bodies."""

from alembic import op

revision = "0024"
down_revision = "0023"

STATEMENTS = (
    """
    alter table people
        add column origin text not null default 'local',
        add column last_sign_in_at timestamptz,
        add constraint ck_people_origin_is_known check (origin in ('local', 'provider'))
    """,
    # The audit log has the sign-ins of the last year.
    """
    update people set last_sign_in_at = known.at
    from (
        select person_id, max(at) as at from audit_lines where action = 'sign_in' group by person_id
    ) as known
    where known.person_id = people.id
    """,
    "alter table sign_ins add column address text not null default ''",
    "alter table sign_in_links add column made_at timestamptz not null default now()",
    "alter table projects add column viewers_see_bodies boolean not null default true",
    "alter table key_spending add column last_used_at timestamptz",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
