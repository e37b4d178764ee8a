"""The file of `--web.config.file`: what it may say, and how a mistake is told."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme

from exporter.errors import ConfigurationError
from exporter.web.config import TLSConfig, WebConfig, read_web_config
from tests.web.protected import TLS_TEXT, hash_of, users_text, write_certificate, write_web_config

EXAMPLE = Path(__file__).parents[2] / "deploy" / "web.example.yml"
HASH = hash_of("a password")


def problems(folder: Path, *parts: str) -> list[str]:
    path = write_web_config(folder, *parts)
    with pytest.raises(ConfigurationError) as caught:
        read_web_config(path)
    return [each.replace(str(folder), "") for each in caught.value.problems]


def test_everything_can_be_said(tmp_path: Path) -> None:
    path = write_web_config(
        tmp_path,
        TLS_TEXT,
        "  client_auth_type: RequireAndVerifyClientCert\n",
        "  client_ca_file: /etc/ca.crt\n",
        "  client_allowed_sans: [a.example.com, 10.0.0.1]\n",
        "  min_version: TLS13\n",
        "http_server_config:\n  headers:\n",
        "    Strict-Transport-Security: max-age=31536000\n",
        f"basic_auth_users:\n  prometheus: {HASH}\n",
    )

    assert read_web_config(path) == WebConfig(
        tls=TLSConfig(
            where=f"{path}: tls_server_config",
            cert_file=tmp_path / "server.crt",
            key_file=tmp_path / "server.key",
            client_ca_file=Path("/etc/ca.crt"),
            client_verification=ssl.CERT_REQUIRED,
            client_allowed_sans=frozenset({"a.example.com", "10.0.0.1"}),
            min_version=ssl.TLSVersion.TLSv1_3,
        ),
        headers={"strict-transport-security": "max-age=31536000"},
        users={"prometheus": HASH},
    )


def test_tls_is_of_version_1_2_and_asks_clients_for_nothing_by_default(tmp_path: Path) -> None:
    tls = read_web_config(write_web_config(tmp_path, TLS_TEXT)).tls

    assert tls is not None
    assert tls.min_version == ssl.TLSVersion.TLSv1_2
    assert tls.client_verification == ssl.CERT_NONE


def test_empty_file_and_empty_section_are_refused(tmp_path: Path) -> None:
    for text in ("", "\n", "# later\n", "---\n", "null\n"):
        assert problems(tmp_path, text) == [
            "--web.config.file: /web.yml is empty; write what protects the port, or {} to leave it "
            "open"
        ]
    for section in ("tls_server_config", "http_server_config", "basic_auth_users"):
        for value in ("", "{}", "null"):
            assert problems(tmp_path, f"{section}: {value}\n") == [
                f"/web.yml: {section}: is empty; fill it in, or remove it"
            ]


def test_port_is_left_open_on_purpose_only(tmp_path: Path) -> None:
    assert read_web_config(write_web_config(tmp_path, "{}\n")) == WebConfig()


TLS = "/web.yml: tls_server_config"
HEADERS = "/web.yml: http_server_config.headers"
KNOWN_HEADERS = (
    "one of Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, "
    "X-Frame-Options, X-XSS-Protection was expected"
)
NO_HASH = "not a bcrypt hash, such as htpasswd -nBC 10 prints after the colon"
BAD_NAME = "a name is empty, or holds a colon or a control character"
# What the file says, and what is told of it.
REFUSED = [
    (
        "tls_server_confg: {}",
        "/web.yml: tls_server_confg: there is no such key (did you mean tls_server_config?)",
    ),
    (
        f"{TLS_TEXT}  client_ca: x",
        f"{TLS}.client_ca: there is no such key (did you mean client_ca_file?)",
    ),
    (
        "http_server_config: {http2: true}",
        "/web.yml: http_server_config.http2: there is no such key",
    ),
    ("'pass word': x", "/web.yml: there is a key that is not shown here"),
    ("tls_server_config: {key_file: x}", f"{TLS}.cert_file: is missing"),
    ("tls_server_config: {cert_file: x}", f"{TLS}.key_file: is missing"),
    (
        "tls_server_config: {cert_file: '', key_file: x}",
        f"{TLS}.cert_file: the name of a file was expected",
    ),
    (
        'tls_server_config: {cert_file: x, key_file: "a\\0b"}',
        f"{TLS}.key_file: the name of a file was expected",
    ),
    (f"{TLS_TEXT}  min_version: TLS10", f"{TLS}.min_version: Input should be 'TLS12' or 'TLS13'"),
    (
        f"{TLS_TEXT}  client_auth_type: RequireAnyClientCert",
        f"{TLS}.client_auth_type: a certificate that is not verified proves nothing, and is not "
        "supported; use RequireAndVerifyClientCert",
    ),
    (
        f"{TLS_TEXT}  client_auth_type: Require",
        f"{TLS}.client_auth_type: one of NoClientCert, VerifyClientCertIfGiven, "
        "RequireAndVerifyClientCert was expected",
    ),
    (
        f"{TLS_TEXT}  client_auth_type: RequireAndVerifyClientCert",
        f"{TLS}: client_auth_type needs client_ca_file as well",
    ),
    (
        f"{TLS_TEXT}  client_ca_file: ca.crt",
        f"{TLS}: client_ca_file and client_allowed_sans do nothing without client_auth_type; set "
        "it to RequireAndVerifyClientCert",
    ),
    (
        f"basic_auth_users: {{prometheus: {HASH[:28]}A{HASH[29:]}}}",
        f"/web.yml: basic_auth_users.prometheus: {NO_HASH}",
    ),
    (
        f"{TLS_TEXT}  client_allowed_sans: []",
        f"{TLS}.client_allowed_sans: List should have at least 1 item after validation, not 0",
    ),
    (
        "http_server_config: {headers: {Cache-Control: max-age=1}}",
        f"{HEADERS}.Cache-Control: cannot be set; {KNOWN_HEADERS}",
    ),
    (
        "http_server_config: {headers: {X-Frame-Option: deny}}",
        f"{HEADERS}.X-Frame-Option: cannot be set (did you mean X-Frame-Options?); {KNOWN_HEADERS}",
    ),
    (
        "http_server_config: {headers: {X-Frame-Options: allow}}",
        f"{HEADERS}.X-Frame-Options: deny or sameorigin was expected",
    ),
    (
        'http_server_config: {headers: {X-XSS-Protection: "0\\r\\nSet-Cookie: a"}}',
        f"{HEADERS}.X-XSS-Protection: printable ASCII was expected",
    ),
    (
        "basic_auth_users: {prometheus: hunter2}",
        f"/web.yml: basic_auth_users.prometheus: {NO_HASH}",
    ),
    (
        f"basic_auth_users: {{prometheus: '{HASH[:-1]}'}}",
        f"/web.yml: basic_auth_users.prometheus: {NO_HASH}",
    ),
    (
        f"basic_auth_users: {{prometheus: '$2b$31{HASH[6:]}'}}",
        "/web.yml: basic_auth_users.prometheus: a cost of 4 to 14 was expected; 10 is usual",
    ),
    (f"basic_auth_users: {{'a:b': '{HASH}'}}", f"/web.yml: basic_auth_users: {BAD_NAME}"),
    (f"basic_auth_users: {{'': '{HASH}'}}", f"/web.yml: basic_auth_users: {BAD_NAME}"),
    (
        f"basic_auth_users:\n  a: {HASH}\n  a: {HASH}\n",
        "/web.yml: not valid YAML at line 3, column 3: a key is there twice",
    ),
    ("[]", "/web.yml: keys with values were expected"),
    ("tls_server_config: []", "/web.yml: tls_server_config: keys with values were expected"),
]


def test_mistakes_are_refused_by_the_name_of_their_key(tmp_path: Path) -> None:
    assert [(text, *problems(tmp_path, text)) for text, _ in REFUSED] == REFUSED


def test_every_problem_is_told_and_no_value(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "tls_server_config: {cert_file: [], key_file: s3cret-path}\n",
        "basic_auth_users: {alice: s3cret-1, 's3cret name': s3cret-2}\n",
    )

    assert len(found) == 3
    assert "s3cret" not in "".join(found)


def test_missing_file_is_told_by_its_flag(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^--web\.config\.file: cannot read .*/no\.yml: "):
        read_web_config(tmp_path / "no.yml")


def test_hashes_are_not_shown(tmp_path: Path) -> None:
    assert "$2b$" not in repr(read_web_config(write_web_config(tmp_path, users_text())))


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Our sample beside certificates of the names it uses."""
    write_certificate(tmp_path, trustme.CA())
    return Path(shutil.copy(EXAMPLE, tmp_path))


def test_our_sample_is_one_that_prometheus_accepts(example: Path, promtool: str) -> None:
    checked = subprocess.run(
        [promtool, "check", "web-config", example], capture_output=True, text=True, check=False
    )

    assert (checked.returncode, checked.stderr) == (0, f"{example} SUCCESS\n")


def test_our_sample_is_one_that_we_accept(example: Path) -> None:
    config = read_web_config(example)

    assert config.tls is not None
    assert list(config.users) == ["prometheus"]
    assert config.headers == {"strict-transport-security": "max-age=31536000"}
