"""Usage, exit codes and what a person is told."""

import socket
from pathlib import Path

import pytest

from exporter.cli.main import main
from exporter.cli.parser import parse_arguments


def test_without_credentials_it_names_the_variables_and_the_demo(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 78

    told = capsys.readouterr().err
    assert "BITOPRO_API_KEY is not set" in told
    assert "BITOPRO_API_SECRET is not set" in told
    assert "BITOPRO_EMAIL is not set" in told
    assert "bitopro-margin-exporter demo" in told


def test_problems_of_every_source_are_told_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("BITOPRO_STALE_AFTER", "long")

    code = main(["--web.listen-address=garbage", f"--config.file={tmp_path}/none.yml"])

    lines = capsys.readouterr().err.splitlines()
    assert code == 78
    assert [line.split(": ")[:2] for line in lines] == [
        ["error", "--web.listen-address"],
        ["error", "SSL_CERT_FILE"],
        ["error", "BITOPRO_STALE_AFTER"],
        ["error", "--config.file"],
        ["hint", "to see it work without an account, run"],
    ]


@pytest.mark.parametrize("command", ["run", "demo", "drill"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unusable_list_of_authorities_is_a_problem_of_configuration(
    command: str,
    content: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    path = tmp_path / "authorities.pem"
    _ = content and path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))

    assert main([command]) == 78
    problem = "cannot use" if content else "cannot read"
    assert f"error: SSL_CERT_FILE: {problem} {path}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["simulate", "--listen-address=garbage"],
        ["simulate", "--listen-address=127.0.0.1"],
        ["simulate", "--listen-address=127.0.0.1:x"],
        ["simulate", "--listen-address=127.0.0.1:65536"],
        ["simulate", "--listen-address=127.0.0.1:" + "9" * 5000],
        ["simulate", "--fault=none-of-them"],
        ["simulate", "--speed=fast"],
        ["run", "--web.telemetry-path=metrics"],
        ["run", "--web.telemetry-path=/-/healthy"],
        ["run", "--no-such-flag"],
        ["once", "--output=xml"],
        ["--log.level=loud"],
        ["no-such-command"],
    ],
    ids=lambda arguments: " ".join(arguments)[:60],
)
def test_wrong_usage_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["simulate", "--help"]])
def test_help_and_version_are_fine(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 0


@pytest.mark.parametrize("command", ["run", "check", "demo", "simulate", "drill"])
def test_help_is_text(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])

    assert "option_strings" not in capsys.readouterr().out


def test_help_is_not_mixed_with_what_it_is_made_of(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])

    out = capsys.readouterr().out
    assert "option_strings" not in out
    assert "1 % an hour: interest, not prices; drill: a step" in " ".join(out.split())


def test_simulator_that_cannot_be_is_a_problem_of_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["simulate", "--currencies=1"]) == 78
    assert "currencies must be" in capsys.readouterr().err


def test_port_taken_from_the_simulator_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code = main(["simulate", f"--listen-address=127.0.0.1:{taken.getsockname()[1]}"])

    assert code == 1
    assert "error: --listen-address: " in capsys.readouterr().err


def test_fault_list_names_every_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--fault-list"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == {
        "connection",
        "status",
        "answer",
    }


def test_misspelt_flag_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--web.listen-adress=:1"])

    assert "--web.listen-adress (did you mean --web.listen-address?)" in capsys.readouterr().err


def test_misspelt_command_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["chek"])

    assert "a word without a flag (did you mean check?); commands" in capsys.readouterr().err


@pytest.mark.parametrize("argument", ["--api-secret=sesame", "sesame"])
def test_unknown_argument_is_refused_without_its_value(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(["run", argument])

    complaint = capsys.readouterr().err
    assert ended.value.code == 2
    assert "credentials are never flags" in complaint
    assert "sesame" not in complaint
