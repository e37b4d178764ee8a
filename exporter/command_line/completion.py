"""Completion for bash, zsh and fish, made from the same definitions as `--help`."""

from collections.abc import Iterator, Sequence

from exporter.command_line.flag_tree import Command, Flag

SHELLS = ("bash", "zsh", "fish")

_PROGRAM = "bitopro-margin-exporter"


def completion(shell: str, commands: Sequence[Command]) -> str:
    """Give the script for one of SHELLS."""
    script = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell]
    return "\n".join(script(commands)) + "\n"


def _bash(commands: Sequence[Command]) -> Iterator[str]:
    yield f"# bash completion for {_PROGRAM}; load it by: source <({_PROGRAM} completion bash)"
    yield "_bitopro_margin_exporter() {"
    yield "  local line=${COMP_LINE:0:COMP_POINT} word command flag words"
    # By blanks alone: readline also splits at = and :, which belong to our words.
    yield '  local given; read -ra given <<<"$line"'
    yield "  word=; [[ $line == *[[:space:]] ]] || word=${given[-1]}"
    yield "  command=${given[1]:-}"
    yield "  [[ ${#given[@]} -eq 2 && -n $word || $command == --* ]] && command=run"
    yield "  if [[ $word != -* && ( ${#given[@]} -eq 1 || ${#given[@]} -eq 2 && -n $word ) ]]; then"
    yield f"    words='{' '.join(each.name for each in commands)}'"
    yield "  else"
    yield "    case $command in"
    for command in commands:
        yield f"      {command.name}) words='{' '.join(_offered(command))}' ;;"
    yield "      *) words= ;;"
    yield "    esac"
    yield "  fi"
    yield "  if [[ $word == --*=* ]]; then"
    yield "    flag=${word%%=*}; word=${word#*=}; words="
    yield "    case $command$flag in"
    for command in commands:
        for flag in command.flags:
            if flag.choices and flag.option:
                yield f"      {command.name}{flag.option}) words='{' '.join(flag.choices)}' ;;"
            elif flag.kind in ("file", "folder"):
                action = "file" if flag.kind == "file" else "directory"
                yield f"      {command.name}{flag.option})"
                yield f'        mapfile -t COMPREPLY < <(compgen -A {action} -- "$word"); return ;;'
    yield "    esac"
    yield "  fi"
    yield '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")'
    # What readline takes for the word begins behind the last = or :, and a flag wants its value.
    yield "  [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace"
    yield "}"
    yield f"complete -F _bitopro_margin_exporter {_PROGRAM}"


def _offered(command: Command) -> Iterator[str]:
    for flag in command.flags:
        if not flag.option:
            yield from flag.choices
        else:
            yield flag.option if flag.kind == "switch" else f"{flag.option}="


def _zsh(commands: Sequence[Command]) -> Iterator[str]:
    yield f"#compdef {_PROGRAM}"
    yield "_bitopro_margin_exporter() {"
    yield "  local -a commands"
    yield "  commands=("
    for command in commands:
        yield f"    '{_zsh_text(command.name)}:{_zsh_text(command.help)}'"
    yield "  )"
    yield "  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then"
    yield "    _describe command commands; return"
    yield "  fi"
    yield "  local command=$words[2]"
    yield "  [[ $command == -* ]] && command=run"
    yield "  shift words; (( CURRENT-- ))"
    yield "  case $command in"
    for command in commands:
        yield f"    {command.name}) _arguments \\"
        yield from (f"      {_zsh_flag(flag)} \\" for flag in command.flags)
        yield "      ;;"
    yield "  esac"
    yield "}"
    yield f"compdef _bitopro_margin_exporter {_PROGRAM}"


def _zsh_flag(flag: Flag) -> str:
    values = {"file": "_files", "folder": "_files -/", "value": ""}.get(flag.kind, "")
    if flag.choices:
        values = f"({' '.join(flag.choices)})"
    if not flag.option:
        return f"'1:{flag.metavar}:{values}'"
    repeated = "*" if flag.is_repeatable else ""
    head = f"{repeated}{flag.option}"
    if flag.kind == "switch":
        return f"'{head}[{_zsh_text(flag.help)}]'"
    return f"'{head}=[{_zsh_text(flag.help)}]:{flag.metavar.replace(':', '-')}:{values}'"


def _zsh_text(text: str) -> str:
    for special in ("\\", ":", "[", "]"):
        text = text.replace(special, f"\\{special}")
    return text.replace("'", "'\\''")


def _fish(commands: Sequence[Command]) -> Iterator[str]:
    names = " ".join(each.name for each in commands)
    yield f"# fish completion for {_PROGRAM}"
    yield f"complete -c {_PROGRAM} -f"
    for command in commands:
        yield (
            f"complete -c {_PROGRAM} -n 'not __fish_seen_subcommand_from {names}' "
            f"-a {command.name} -d '{_fish_text(command.help)}'"
        )
        others = " ".join(each.name for each in commands if each.name != command.name)
        # Without a command, run is meant.
        condition = (
            f"not __fish_seen_subcommand_from {others}"
            if command.name == "run"
            else f"__fish_seen_subcommand_from {command.name}"
        )
        for flag in command.flags:
            yield " ".join(_fish_flag(condition, flag))


def _fish_flag(condition: str, flag: Flag) -> Iterator[str]:
    yield f"complete -c {_PROGRAM} -n '{condition}'"
    if not flag.option:
        yield f"-a '{' '.join(flag.choices)}'"
        return
    yield f"-l {flag.option.removeprefix('--')}"
    if flag.kind == "file":
        yield "-r -F"
    elif flag.kind == "folder":
        yield "-r -a '(__fish_complete_directories)'"
    elif flag.kind != "switch":
        yield "-x"
    if flag.choices:
        yield f"-a '{' '.join(flag.choices)}'"
    yield f"-d '{_fish_text(flag.help)}'"


def _fish_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
