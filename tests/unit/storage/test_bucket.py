"""Where a bucket is, as an operator writes it, and which store the settings open."""

from pathlib import Path

import pytest

from app.core.errors import ReplayError
from app.core.settings import Settings
from app.storage import bucket, choose
from app.storage.disk.local import LocalStore
from app.storage.s3 import S3Store


@pytest.mark.parametrize(
    ("url", "name", "prefix"),
    [
        ("s3://replays", "replays", ""),
        ("s3://replays/", "replays", ""),
        ("s3://my.replays-2/a/b_c", "my.replays-2", "a/b_c"),
        ("s3://replays/Team/", "replays", "Team"),
        (f"s3://replays/{'p' * 256}", "replays", "p" * 256),
    ],
)
def test_bucket_and_prefix_are_read(url: str, name: str, prefix: str):
    """A prefix is optional, and a slash at the end means nothing."""
    assert bucket.read_location(url) == bucket.BucketLocation(name, prefix)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "S3",
        "s3://",
        "s3://a",
        "s3://-replays",
        "s3://replays//a",
        "s3://replays/../a",
        "s3://replays/a b",
        "s3://key:secret@replays",
        "https://replays/a",
        f"s3://replays/{'p' * 257}",
    ],
)
def test_other_words_are_refused(url: str):
    """Any other value is refused, and the message says which values are allowed."""
    with pytest.raises(ReplayError, match="must be `local` or `s3://bucket/prefix`"):
        choose.open_store(Settings(storage=url), Path("unused"))


async def test_local_is_the_default(tmp_path: Path):
    """Objects lie under the data folder unless a setting says otherwise."""
    store = choose.open_store(Settings(), tmp_path)
    assert isinstance(store, LocalStore)
    await store.put("a/b", b"c")
    await store.close()
    assert (tmp_path / "objects" / "a" / "b").read_bytes() == b"c"


@pytest.mark.parametrize(
    ("addressing", "start"),
    [
        ("path", "https://s3.example.com/replays/a?"),
        ("virtual", "https://replays.s3.example.com/a?"),
    ],
)
async def test_bucket_stands_where_the_setting_says(addressing: str, start: str, tmp_path: Path):
    """Some services want the bucket in the path, others in the host name."""
    settings = Settings.model_validate(
        {
            "storage": "s3://replays",
            "s3_endpoint_url": "https://s3.example.com",
            "s3_region": "eu-central-1",
            "s3_access_key_id": "key",
            "s3_secret_access_key": "secret",
            "s3_addressing": addressing,
        }
    )
    store = choose.open_store(settings, tmp_path)
    assert isinstance(store, S3Store)
    url = store._reader.generate_presigned_url("get_object", {"Bucket": "replays", "Key": "a"})
    await store.close()
    assert url.startswith(start)


async def test_without_keys_boto3_looks_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Keys that the machine gives are used when the settings name none."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-machine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    store = choose.open_store(Settings(storage="s3://replays", s3_access_key_id=""), tmp_path)
    assert isinstance(store, S3Store)
    url = store._reader.generate_presigned_url("get_object", {"Bucket": "replays", "Key": "a"})
    await store.close()
    assert "of-the-machine" in url


@pytest.mark.parametrize(
    "given", [{"s3_endpoint_url": "no address"}, {"s3_access_key_id": "half a pair"}]
)
def test_unusable_settings_are_told(given: dict[str, str], tmp_path: Path):
    """The start ends with a sentence, not with a trace of boto3."""
    settings = Settings.model_validate({"storage": "s3://replays", "s3_region": "x", **given})
    with pytest.raises(ReplayError, match="settings of S3 cannot be used"):
        choose.open_store(settings, tmp_path)
