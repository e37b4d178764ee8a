"""The switch of the language of notifications, as an operator edits it."""


def switched(template: str, language: str) -> str:
    """Return Alertmanager's template with another language; ValueError without such a switch."""
    before, switch, after = template.partition('{{ $language := "en" -}}')
    if not switch:
        raise ValueError("the template has no switch of its language")
    return f'{before}{{{{ $language := "{language}" -}}}}{after}'
