"""Settings: each is checked when it is read, and each is documented."""

from __future__ import annotations

import re
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

import pytest

from core.errors import BadInput
from core.settings import TEST_VARIABLES, Settings, unknown_variables, variable
from workbench.sentences import sentence

ROOT = Path(__file__).parents[2]
FIELDS = [field.name for field in fields(Settings)]
EXAMPLE = ROOT / "deploy" / ".env.example"


def documented() -> dict[str, list[str]]:
    """The rows of docs/settings.md by variable: default, meaning, example."""
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line
    ]
    return {row[0].strip("`"): row[1:] for row in rows if row[0].startswith("`KORRIGO_")}


def test_without_any_variable_everything_has_its_default() -> None:
    read = Settings.from_environment({})

    assert read == Settings(
        home=read.home,
        database_url=f"sqlite:///{read.home}/korrigo.sqlite",
        drop_folder=read.home / "depot",
    )
    assert read.home == Path("data/var").absolute()


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.from_environment(dict.fromkeys(map(variable, FIELDS), " ")) == Settings.from_environment(
        {}
    )


def test_each_variable_sets_its_field() -> None:
    read = Settings.from_environment(
        {
            "KORRIGO_HOME": "/srv/korrigo",
            "KORRIGO_DATABASE_URL": "postgresql://u:p@db:5432/korrigo",
            "KORRIGO_REDIS_URL": "unix:///run/redis.sock",
            "KORRIGO_READER": "Null",
            "KORRIGO_DROP_FOLDER": "/srv/copieur",
            "KORRIGO_UPLOAD_LIMIT_BYTES": "1000",
            "KORRIGO_IMAGE_LIMIT": "7",
            "KORRIGO_SIGN_IN_HOURS": "1",
            "KORRIGO_TRUSTED_PROXIES": "10.0.0.1, 172.30.0.0/24",
            "KORRIGO_METRICS_FROM": "fd00::/64",
            "KORRIGO_LOG_FORMAT": "json",
            "KORRIGO_LOG_LEVEL": "WARNING",
            "KORRIGO_COMMIT": "abc",
        }
    )

    assert read == Settings(
        home=Path("/srv/korrigo"),
        database_url="postgresql://u:p@db:5432/korrigo",
        redis_url="unix:///run/redis.sock",
        reader="null",
        drop_folder=Path("/srv/copieur"),
        upload_limit_bytes=1000,
        image_limit=7,
        sign_in_hours=1,
        trusted_proxies=(ip_network("10.0.0.1"), ip_network("172.30.0.0/24")),
        metrics_from=(ip_network("fd00::/64"),),
        log_format="json",
        log_level="warning",
        commit="abc",
    )
    assert all(getattr(read, name) != getattr(Settings.from_environment({}), name) for name in FIELDS)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("KORRIGO_READER", "gpt", "setting_unknown_choice"),
        ("KORRIGO_LOG_FORMAT", "xml", "setting_unknown_choice"),
        ("KORRIGO_LOG_LEVEL", "verbose", "setting_unknown_choice"),
        ("KORRIGO_IMAGE_LIMIT", "0", "setting_too_small"),
        ("KORRIGO_SIGN_IN_HOURS", "-1", "setting_too_small"),
        ("KORRIGO_IMAGE_LIMIT", "douze", "setting_not_a_number"),
        ("KORRIGO_IMAGE_LIMIT", "²", "setting_not_a_number"),
        ("KORRIGO_UPLOAD_LIMIT_BYTES", "2 Go", "setting_not_a_number"),
        ("KORRIGO_DATABASE_URL", "korrigo.sqlite", "setting_bad_url"),
        ("KORRIGO_DATABASE_URL", "mysql://u:motdepasse@db/k", "setting_bad_url"),
        ("KORRIGO_DATABASE_URL", "postgresql://u:motdepasse@db:port/k", "setting_bad_url"),
        ("KORRIGO_REDIS_URL", "redis:6379", "setting_bad_url"),
        ("KORRIGO_REDIS_URL", "http://redis", "setting_bad_url"),
        ("KORRIGO_TRUSTED_PROXIES", "nginx", "setting_bad_network"),
        ("KORRIGO_METRICS_FROM", "10.0.0.0/33", "setting_bad_network"),
    ],
)
def test_a_value_that_does_not_do_is_refused_by_a_sentence_that_names_it(
    name: str, value: str, code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        Settings.from_environment({name: value})

    assert refused.value.code == code
    assert name in sentence(refused.value)
    assert "motdepasse" not in sentence(refused.value)


@pytest.mark.parametrize("place", ["a-file", "a-file/below"])
def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "a-file").touch()

    with pytest.raises(BadInput) as refused:
        Settings(home=tmp_path / place).make_home()

    assert refused.value.code == "home_unwritable"
    assert place in sentence(refused.value)


def test_a_name_that_is_no_setting_is_noticed() -> None:
    environment = {"KORRIGO_HOM": "/x", "KORRIGO_HOME": "/x", "PATH": "", "KORRIGO_REFERENCE_DATA": "/y"}

    assert unknown_variables(environment) == ["KORRIGO_HOM"]


def test_each_setting_is_documented_and_nothing_else_is() -> None:
    assert set(documented()) == {variable(name) for name in FIELDS}


@pytest.mark.parametrize("name", FIELDS)
def test_a_documented_default_is_the_real_one_and_the_example_can_be_read(name: str) -> None:
    default, meaning, example = documented()[variable(name)]
    real = getattr(Settings, name)

    assert meaning
    if default.startswith("`"):
        assert default.strip("`") == str(real)
    else:
        assert real in ("", (), None)
    read = Settings.from_environment({variable(name): example.strip("`")})
    assert getattr(read, name) != getattr(Settings.from_environment({}), name)


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_is_described_where_it_is_declared(name: str) -> None:
    assert re.search(rf"^        {name}: \S", Settings.__doc__ or "", re.MULTILINE)


def test_the_variable_of_the_tests_is_described_to_those_who_write_tests() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert [name for name in TEST_VARIABLES if name not in told] == []


@pytest.mark.skipif(not EXAMPLE.exists(), reason="no example of production settings yet")
def test_the_example_of_production_names_known_variables_only() -> None:
    named = re.findall(r"^#?\s*(KORRIGO_[A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)

    assert unknown_variables(dict.fromkeys(named, "")) == []
