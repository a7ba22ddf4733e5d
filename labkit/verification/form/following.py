"""Parents follow children: what a value of one finding makes of the findings above and below it."""

from collections.abc import Collection, Mapping

from labkit.templates import Template

__all__ = ["RANK", "follow", "outline"]

RANK = {"false": 0, "uncertain": 1, "true": 2}


def follow(
    template: Template, values: Mapping[str, str | None], finding: str, value: str, *, among: Collection[str]
) -> dict[str, str]:
    """What changes, by name of the finding, when one gets a value.

    Parameters
    ----------
    values : values by name as they are; None where there is none yet.
    among : names that may be changed.

    A whole is raised to its part, a part lowered to its whole. Where a whole becomes false, parts without a value
    become false as well.
    """
    changed = {finding: value}
    rank = RANK[value]
    for whole in _above(template, finding):
        now = values.get(whole)
        if whole in among and (now is None or RANK[now] < rank) and rank:
            changed[whole] = value
    for part in _below(template, finding):
        now = values.get(part)
        if part in among and (rank == 0 if now is None else RANK[now] > rank):
            changed[part] = value
    return changed


def outline(template: Template) -> list[tuple[str, int, str]]:
    """(name, depth, short name) of every finding, parts under their first whole; a short name leaves out what the
    whole says.
    """
    children: dict[str, list[str]] = {}
    for finding in template.findings:
        parent = template.by_id[finding.parents[0]].name if finding.parents else ""
        children.setdefault(parent, []).append(finding.name)
    found: list[tuple[str, int, str]] = []

    def walk(name: str, depth: int, above: str) -> None:
        found.append((name, depth, _short(name, above)))
        for child in children.get(name, ()):
            walk(child, depth + 1, name)

    for name in children.get("", ()):
        walk(name, 0, "")
    return found


def _short(name: str, above: str) -> str:
    place, dash, rest = name.partition(" - ")
    return rest if dash and above and above.startswith(place) else name


def _above(template: Template, name: str) -> list[str]:
    found: list[str] = []
    waiting = [template.by_name[name].id] if name in template.by_name else []
    while waiting:
        for parent in template.by_id[waiting.pop()].parents:
            if template.by_id[parent].name not in found:
                found.append(template.by_id[parent].name)
                waiting.append(parent)
    return found


def _below(template: Template, name: str) -> list[str]:
    found: list[str] = []
    waiting = [template.by_name[name].id] if name in template.by_name else []
    while waiting:
        whole = waiting.pop()
        for part in template.findings:
            if whole in part.parents and part.name not in found:
                found.append(part.name)
                waiting.append(part.id)
    return found
