"""What docs/ says of directives and of the members of JSON objects; and those that an object has."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def section(page, heading):
    """The text below a heading, up to the next one of its level."""
    level = heading.split(" ")[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", (PROJECT / page).read_text(), re.M | re.S)
    assert found, f"{page} has no '{heading}'"
    return found[1]


def documented_directives():
    """Each directive's table: {"Syntax": …, "Default": …, "Context": …}; headings may name several."""
    found = {}
    for page in sorted((PROJECT / "docs/directives").glob("*.md")):
        for heading, body in re.findall(r"^## (MailOrigin[\w, ]*)\n(.*?)(?=^## |\Z)", page.read_text(), re.M | re.S):
            rows = dict(re.findall(r"^\| (\w+): \| (.*) \|$", body, re.M))
            for name in heading.split(", "):
                found[name] = {what: value.replace("\\|", "|") for what, value in rows.items()}
    return found


def documented_paths(text):
    """The members that tables name: `a.b`, `list[].c`."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {path for row in rows for path in re.findall(r"`([a-z0-9_.\[\]]+)`", row)}


def paths_of(value, path=""):
    """The same of a JSON value: of its leaves, and of what is empty."""
    if isinstance(value, dict) and value:
        return {found for name, each in value.items() for found in paths_of(each, f"{path}.{name}".lstrip("."))}
    if isinstance(value, list):
        return {found for each in value for found in paths_of(each, f"{path}[]")} or {f"{path}[]"}
    return {path}
