"""Where the token comes from, and which files are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.ingest.pull.token import read_token
from pipelines.settings import Settings, from_environment
from schemas.errors import OperationError

TEXT = "tok-zqxmarker-2"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("LEADTIME_API_TOKEN")
    path = tmp_path / "my token"
    path.write_text(f"{TEXT}\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_holds_the_token(file: Path, mode: int) -> None:
    file.chmod(mode)
    token = read_token(Settings(api_token_file=file))
    assert (token.text, token.origin) == (TEXT, str(file))
    link = file.with_name("link")
    link.symlink_to(file)
    assert read_token(Settings(api_token_file=link)).text == TEXT


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610, 0o601])
def test_a_file_that_others_may_use_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(OperationError) as refused:
        read_token(Settings(api_token_file=file))
    assert f"has the mode {mode:04o}" in str(refused.value)
    assert f"Run `chmod 600 '{file}'`" in str(refused.value)
    assert TEXT not in str(refused.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_of_another_user_is_refused(file: Path) -> None:
    os.chown(file, 65_534, -1)
    with pytest.raises(OperationError, match="belongs to another user"):
        read_token(Settings(api_token_file=file))


def test_the_variable_comes_first(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADTIME_API_TOKEN", " in-the-environment\n")
    token = read_token(Settings(api_token_file=file))
    assert (token.text, token.origin) == ("in-the-environment", "LEADTIME_API_TOKEN")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        (f"{TEXT}\nsecond", "holds more than one word"),
        (f"Bearer {TEXT}", "holds more than one word"),
        (f"{TEXT}\u00e9", "letters that no token has"),
        (f"{TEXT}\x00", "letters that no token has"),
    ],
)
def test_a_file_holds_one_word(file: Path, text: str, found: str) -> None:
    file.write_text(text)
    with pytest.raises(OperationError, match=found) as refused:
        read_token(Settings(api_token_file=file))
    assert TEXT not in str(refused.value)


def test_what_is_missing_is_said(file: Path) -> None:
    with pytest.raises(OperationError, match=r"there is no token for the API. Set it, or name"):
        read_token(Settings())
    with pytest.raises(OperationError, match="cannot be read: no such file"):
        read_token(Settings(api_token_file=file.with_name("none")))
    with pytest.raises(OperationError, match="is not a file"):
        read_token(Settings(api_token_file=file.parent))
    os.mkfifo(file.with_name("pipe"), 0o600)
    with pytest.raises(OperationError, match="is not a file"):
        read_token(Settings(api_token_file=file.with_name("pipe")))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("api.example.com", "is no address"),
        ("https://[", "is no address"),
        ("https://x:port", "is no address"),
        ("ftp://api.example.com", "is no address"),
        ("http://api.example.com", "is not encrypted"),
        ("https://ann:zqxmarker@api.example.com", "has more than a host and a path"),
        ("https://api.example.com?token=zqxmarker", "has more than a host and a path"),
    ],
)
def test_an_address_that_leaks_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str, found: str
) -> None:
    monkeypatch.setenv("LEADTIME_API_URL", url)
    with pytest.raises(OperationError, match=f"LEADTIME_API_URL: {found}") as refused:
        from_environment()
    assert "zqxmarker" not in str(refused.value)


def test_settings_of_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    assert from_environment() == Settings()
    for url in ("https://api.example.com/", "http://127.0.0.1:80/x", "http://localhost"):
        monkeypatch.setenv("LEADTIME_API_URL", url)
        assert from_environment().api_url == url.rstrip("/")
    monkeypatch.setenv("LEADTIME_API_TOKEN_FILE", "secrets/token")
    monkeypatch.setenv("LEADTIME_API_REQUESTS_PER_SECOND", "0.5")
    # As `leadtime ui` passes it on.
    for text, chosen in {"1": True, "True": True, "0": False, "False": False}.items():
        monkeypatch.setenv("LEADTIME_API_FILTERS_UPDATED_AT", text)
        assert from_environment().api_filters_updated_at is chosen
    settings = from_environment()
    assert settings.api_token_file == Path("secrets/token")
    assert settings.api_requests_per_second == 0.5
    monkeypatch.setenv("LEADTIME_API_FILTERS_UPDATED_AT", "maybe")
    with pytest.raises(OperationError, match="LEADTIME_API_FILTERS_UPDATED_AT: found 'maybe'"):
        from_environment()
