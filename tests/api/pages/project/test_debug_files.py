"""The page of a project's debug files: what is here, what is missing, what people delete."""

import io
import zipfile
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import text

from app.core import clock
from app.core.ids import ProjectId
from app.debug_files.model import ApiTokenId, DebugFile, DebugFileKind, DebugFileRemark
from app.projects import day_totals
from app.web.urls import project_urls
from tests.support import html_reader
from tests.support.builders import envelopes
from tests.support.builders.debug_files import make_debug_file, store_debug_file
from tests.support.builders.wire import EVENT_ID
from tests.support.recorded.debug_samples import read_debug_sample
from tests.support.servers.server import Server
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

UUID = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"
R8_ID = "03b6e2e8-78ec-54b4-82d3-c88a5947d112"
RELEASE = "com.acme.shop@2.4.0+240"


async def store(tenant: Server, *debug_ids: str, age: int = 0, **changes: object) -> DebugFile:
    """Store a debug file of the project."""
    file = make_debug_file(tenant.app.id, age=age, **changes)
    objects = tenant.service.page_services.store
    return await store_debug_file(tenant.database, objects, file, *debug_ids)


async def open_page(tenant: Server, **query: str) -> html_reader.Element:
    """Open the page of the project's debug files."""
    answer = await tenant.web.get(project_urls.debug_files(tenant.app.id, **query))
    assert answer.status_code == 200
    return html_reader.parse_page(answer.text)


def list_names(page: html_reader.Element) -> list[str]:
    """Return the names in the list of files."""
    rows = [row for row in page.all("tr") if row.all("input", "name")]
    return [row.one("th").all("bdi")[0].text for row in rows]


async def miss_file(tenant: Server, event_id: str, debug_id: str, *, days_ago: int = 0) -> None:
    """Note that an event misses a mapping, as digest does."""
    at = clock.now() - timedelta(days=days_ago)
    values = {"project": tenant.app.id, "event": event_id, "id": debug_id, "at": at}
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text(
                "insert into missing_files (project_id, event_id, kind, file_key, day, noted_at,"
                " debug_id, frames, reason) values (:project, cast(:event as uuid), 'proguard',"
                " :id, cast(:at as date), :at, :id, 3, 'not_uploaded')"
            ),
            values,
        )


async def test_files_are_listed_with_what_they_give_and_lack(tenant: Server):
    """A row names the file, its ids, its release, what it gives to a stack, and what it lacks."""
    await store(
        tenant, UUID, kind=DebugFileKind.ELF, name="libshop.so", cpu_name="arm64",
        features=("symtab",), remark=DebugFileRemark.STRIPPED, release=RELEASE,
        token_id=ApiTokenId(9_999),
    )  # fmt: skip
    page = await open_page(tenant)
    (row,) = [row for row in page.all("tr") if row.all("input", "name")]
    for words in ("libshop.so", "arm64", UUID, RELEASE, "ELF symbols", "functions", "stripped"):
        assert words in row.text, words
    assert "with a token" in row.text
    assert "never" in row.text
    (release,) = page.all(
        "a", href=project_urls.debug_files(tenant.app.id, release=RELEASE) + "#files"
    )
    assert release.text == RELEASE


async def test_missing_files_are_ordered_by_events(tenant: Server):
    """Each missing id has its number of events and its command; events long ago do not count."""
    await tenant.take(envelopes.event_envelope())
    other = UUID.replace("d9", "aa")
    for number in range(3):
        await miss_file(tenant, f"{number:032x}", other)
    await miss_file(tenant, EVENT_ID, UUID)
    await miss_file(tenant, "f" * 32, "0" * 32, days_ago=31)
    page = await open_page(tenant)
    (missing,) = page.all("section", id="missing")
    first, second = missing.all("li")
    assert "3 events" in first.text
    assert f"sentry-cli upload-proguard --uuid {other} mapping.txt" in first.text
    assert "1 event" in second.text
    assert f"Mapping {UUID} was not uploaded." in second.text
    (event,) = [link for link in second.all("a") if "/events/" in link["href"]]
    answer = await tenant.web.get(event["href"], follow_redirects=True)
    assert answer.status_code == 200


async def test_the_list_is_filtered_and_turned_by_pages(tenant: Server):
    """Kind, release and text choose files, and a long list has pages."""
    for number in range(51):
        await store(tenant, UUID, age=number, name=f"mapping-{number}.txt")
    await store(tenant, age=100, kind=DebugFileKind.MACHO, name="Shop", release=RELEASE)
    page = await open_page(tenant)
    assert list_names(page)[0] == "mapping-0.txt"
    assert len(list_names(page)) == 50
    (following,) = page.all("a", rel="next")
    answer = await tenant.web.get(following["href"].partition("#")[0])
    assert list_names(html_reader.parse_page(answer.text)) == ["mapping-50.txt", "Shop"]
    for query in ({"kind": "macho"}, {"release": RELEASE}, {"text": "Shop"}):
        assert list_names(await open_page(tenant, **query)) == ["Shop"], query
    assert len(list_names(await open_page(tenant, text=UUID.upper()))) == 50
    assert "No file matches" in (await open_page(tenant, text="nothing")).text


@pytest.mark.parametrize("is_named", [True, False])
async def test_deletion_asks_first_and_leaves_a_receipt(tenant: Server, is_named):
    """Named files, or all that a search finds, go after a question; others stay."""
    file = await store(tenant, UUID, name="going.txt", release=RELEASE)
    await store(tenant, UUID, name="staying.txt")
    path = project_urls.delete_debug_files(tenant.app.id)
    form = {"file": file.file_id} if is_named else {"all": "yes", "release": RELEASE}
    question = await tenant.web.post(path, data=form)
    assert "Delete 1 debug file?" in question.text
    assert "going.txt" in question.text
    assert sorted(list_names(await open_page(tenant))) == ["going.txt", "staying.txt"]
    answer = await tenant.web.post(path, data={**form, "sure": "yes"})
    assert answer.status_code == 303
    page = await tenant.web.get(answer.headers["location"])
    assert "1 debug file deleted." in page.text
    document = html_reader.parse_page(page.text)
    assert list_names(document) == ["staying.txt"]
    receipt = document.all("ul", "class")[-1]
    assert "going.txt" in receipt.text
    assert "by hand" in receipt.text
    await until(lambda: not any(file.file_id in each.as_posix() for each in tenant.objects()))
    await tenant.web.post(path, data={**form, "sure": "yes"})
    async with tenant.database.reading() as connection:
        lines = await connection.scalar(
            text(
                "select count(*) from audit_lines"
                " where action = 'debug_files_deleted' and project_id = :project"
            ),
            {"project": tenant.app.id},
        )
    assert lines == 1


async def test_nothing_is_deleted_without_a_choice(tenant: Server):
    """A form without a file leads back to the list, and ids of other projects name nothing."""
    foreign = make_debug_file(ProjectId(tenant.backend.id))
    await store_debug_file(tenant.database, tenant.service.page_services.store, foreign, UUID)
    path = project_urls.delete_debug_files(tenant.app.id)
    answer = await tenant.web.post(path, data={"sure": "yes"})
    assert answer.headers["location"] == project_urls.debug_files(tenant.app.id)
    answer = await tenant.web.post(path, data={"file": [foreign.file_id, "no id"]})
    assert "Nothing to delete" in answer.text
    await tenant.web.post(path, data={"file": foreign.file_id, "sure": "yes"})
    async with tenant.database.reading() as connection:
        query = text("select count(*) from debug_files where file_id = cast(:id as uuid)")
        assert await connection.scalar(query, {"id": foreign.file_id}) == 1


async def upload(tenant: Server, content: bytes, name: str, **fields: str) -> httpx2.Response:
    """Upload a file by hand, as the form of the page does."""
    path = project_urls.debug_files(tenant.app.id)
    file = (name, content, "application/octet-stream")
    return await tenant.web.post(path, data=fields, files={"file": file})


def make_zip(**entries: bytes) -> bytes:
    """Make a ZIP whose entries have an underscore where their names have a slash."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/"), content)
    return packed.getvalue()


async def test_a_mapping_is_uploaded_by_hand(tenant: Server):
    """A mapping is listed under the id that was typed, or its own; the log says who uploaded it."""
    mapping = read_debug_sample("r8/mapping.txt")
    answer = await upload(tenant, mapping, "mapping.txt", debug_id=UUID.upper(), release=RELEASE)
    assert answer.status_code == 303
    page = html_reader.parse_page((await tenant.web.get(answer.headers["location"])).text)
    assert "1 debug file uploaded." in page.text
    (row,) = [row for row in page.all("tr") if row.all("input", "name")]
    for words in ("mapping.txt", UUID, RELEASE, "by hand"):
        assert words in row.text, words
    assert (await upload(tenant, mapping, "mapping.txt")).status_code == 303
    (row,) = [row for row in (await open_page(tenant)).all("tr") if row.all("input", "name")]
    assert R8_ID in row.text
    async with tenant.database.reading() as connection:
        lines = await connection.scalar(
            text(
                "select count(*) from audit_lines where person_id is not null"
                " and action = 'debug_files_added_by_hand' and project_id = :project"
            ),
            {"project": tenant.app.id},
        )
    assert lines == 2


async def test_a_zip_is_taken_apart(tenant: Server):
    """Debug files in it are stored, and what cannot be used is named."""
    mapping = read_debug_sample("proguard/mapping.txt")
    packed = make_zip(a__mapping=mapping, b__notes=b"These are notes.\n")
    answer = await upload(tenant, packed, "files.zip")
    assert answer.status_code == 400
    page = html_reader.parse_page(answer.text)
    assert (
        "File notes: this is no R8 or ProGuard mapping"
        in page.one("div", class_="problem-box", role="alert").text
    )
    assert list_names(page) == ["mapping"]


@pytest.mark.parametrize(
    ("content", "fields", "problem"),
    [
        (b"These are notes.\n", {}, "File notes.txt: this is no R8 or ProGuard mapping"),
        (b"", {}, "is empty"),
        (b'{"version": 3, "sources": []}', {}, "sentry-cli sourcemaps upload"),
        (b"a.B -> a.b:\n", {"debug_id": "no id"}, "and not like no id"),
        (b"a.B -> a.b:\n", {"debug_id": "x" * 2_000}, "has more than 1024 bytes"),
    ],
)
async def test_a_file_that_cannot_be_used_says_why(tenant: Server, content, fields, problem):
    """The page says what is wrong, and nothing is stored."""
    answer = await upload(tenant, content, "notes.txt", **fields)
    assert answer.status_code in (400, 413)
    page = html_reader.parse_page(answer.text)
    assert problem in page.one("div", class_="problem-box", role="alert").text
    assert list_names(page) == []


async def test_a_form_without_a_file_is_refused(tenant: Server):
    """Another form than the one of the page gets a page with the problem."""
    path = project_urls.debug_files(tenant.app.id)
    for body in ({"data": {"debug_id": UUID}}, {"files": {"other": b"x"}}):
        answer = await tenant.web.post(path, **body)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text


async def test_debug_files_are_a_kind_of_what_is_stored(tenant: Server):
    """The pages of storage count them, and the limit of the project is not about them."""
    await store(tenant, UUID, stored_bytes=3 * 1024**3)
    page = html_reader.parse_page(
        (await tenant.web.get(project_urls.retention(tenant.app.id))).text
    )
    (row,) = [row for row in page.all("tr") if "Debug files" in row.text]
    assert row.text.endswith("13.0 GiB")
    async with tenant.database.reading() as connection:
        used = await day_totals.sum_projects(connection, [tenant.app.id])
    assert used.get(tenant.app.id, 0) == 0
