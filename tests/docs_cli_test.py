"""docs/mailorigin.md and the command line say the same; so do docs/formats.md and what the services say."""

import re
import subprocess
from pathlib import Path

import pytest
from harness.docs import documented_paths, section
from harness.paths import build_directory

PROJECT = Path(__file__).resolve().parents[1]
PAGE = "docs/mailorigin.md"


def names_in(paths):
    return {name for path in paths for name in re.findall(r"\w+", path)}


def printed_names(*sources):
    """Names of JSON members that these files give a value."""
    names = set()
    for source in sources:
        code = re.sub(r"//.*", "", (PROJECT / source).read_text())
        names |= set(re.findall(r'\{\s*"(\w+)",\s', code)) | set(re.findall(r'\["(\w+)"\]', code))
        for picked in re.findall(r"pick\([^;]*?\{([^}]*)\}\)", code):
            names |= set(re.findall(r'"(\w+)"', picked))
    return names


REPORTS = {
    "## status": ["reports/status_report.cc", "reports/php.cc", "reports/findings.cc"],
    "## policy": ["reports/policy_report.cc", "reports/smtp_facts.cc"],
    "## trace": ["reports/trace_report.cc", "reports/advice_place.cc"],
    "## investigate": ["reports/investigate_report.cc", "reports/advice_place.cc"],
    "## top": ["reports/top_report.cc"],
    "## held": ["reports/held_mail.cc"],
    "## block": ["reports/block_report.cc"],
    "## limits": ["reports/limits_report.cc"],
    "## import": ["reports/import_report.cc"],
    "## firewall": ["reports/firewall_report.cc", "reports/smtp_facts.cc", "reports/findings.cc", "reports/smtp_suggestion.cc"],
    "### firewall --suggest": ["reports/smtp_suggestion.cc"],
}


@pytest.mark.parametrize("heading", REPORTS)
def test_members_of_reports(heading):
    """Each member that a report has is in the docs, and none that it has not."""
    documented = names_in(documented_paths(section(PAGE, heading).partition("| JSON |")[2]))
    printed = printed_names(*REPORTS[heading])
    assert documented == printed, f"in the docs alone: {documented - printed}; in the code alone: {printed - documented}"


def test_signs_of_a_file():
    """Each that is found has its text, and its line in the docs."""
    found = set()
    for source in ("code_signs.cc", "place.cc"):
        found |= set(re.findall(r'add\(.*?"([a-z-]+)"\);', (PROJECT / "investigating" / source).read_text(), re.S))
    found |= set(re.findall(r'signs\.emplace_back\("([a-z-]+)"\)', (PROJECT / "reports/investigate_report.cc").read_text()))
    told = set(re.findall(r'^    \{"([a-z-]+)", "', (PROJECT / "cli/investigate.cc").read_text(), re.M))
    table = section(PAGE, "## investigate").partition("| sign |")[2].partition("\n\n")[0]
    documented = {word for line in table.splitlines() for word in re.findall(r"`([a-z-]+)`", line.split("|")[1] if "|" in line else "")}
    assert found == told == documented, f"{found ^ told}, {told ^ documented}"


def test_members_of_what_services_say():
    page = "docs/formats.md"
    daemon, _, firewall = section(page, "## Status").partition("mailorigin-firewall's:")
    for part, text in (("mailorigind", daemon), ("firewall", firewall)):
        documented, printed = names_in(documented_paths(text)), printed_names(f"{part}/status.cc")
        assert documented == printed, (
            f"{part}: in the docs alone: {documented - printed}; in the code alone: {printed - documented}"
        )


def test_remedies_of_messages():
    """What lasts has its remedy in status, in the words of docs/messages.md."""
    lasting = set()
    for part in ("mailorigind", "service", "store"):
        for source in sorted((PROJECT / part).rglob("*.cc")):
            lasting |= set(re.findall(r'begins\([^;]*?"(MO\d{4}): ', source.read_text()))
    joined = re.sub(r'"\n\s*"', "", (PROJECT / "reports/remedies.cc").read_text())
    told = dict(re.findall(r'\{"(MO\d{4})",\s*"([^}]*)"\}', joined))
    assert lasting <= set(told), lasting - set(told)
    documented = {}
    for line in (PROJECT / "docs/messages.md").read_text().splitlines():
        if line.startswith("| MO"):
            number, _, _, what_to_do = line.strip("|").split("|")
            documented[number.split(",")[0].strip()] = what_to_do.strip()
    assert told == {number: documented[number] for number in told}


def help_of(*arguments):
    program = build_directory() / "cli/mailorigin"
    return subprocess.run([program, *arguments, "--help"], capture_output=True, text=True, timeout=30, check=True).stdout


def usage_of(program):
    return subprocess.run([build_directory() / program, "--help"], capture_output=True, text=True, timeout=30, check=True).stdout


def listed(text):
    """What a help's lines begin with: options, and an argument in capitals."""
    return set(re.findall(r"^  (--[a-z-]+(?: [A-Z]+)?|[A-Z]+)(?: |$)", text, re.M))


def commands():
    blocks = help_of().split("\n\n")
    return [line.split()[0] for line in blocks[1].splitlines()]


def test_commands():
    """Those that --help lists have a section, an example that the docs have too, and the usage that they print."""
    usage = [line.strip() for line in section(PAGE, "# mailorigin: the command line").split("It asks")[0].splitlines()]
    headings = re.findall(r"^## ([a-z]+)$", (PROJECT / PAGE).read_text(), re.M)
    assert headings == commands()
    examples = section(PAGE, "## Examples")
    for command in commands():
        text = help_of(command)
        lines = [line for line in usage if re.search(rf" {command}\b", line)]
        in_docs = set(re.findall(r"\[?(--[a-z-]+(?: [A-Z]+)?|[A-Z]+)\b", "\n".join(lines)))
        assert listed(text) == in_docs, f"{command}: {listed(text) ^ in_docs} stands on one side only"
        example = text.split("Example:\n")[1].strip()
        assert example in examples, f"docs/mailorigin.md has no example '{example}'"
    named = {word for line in usage for word in re.findall(r"(?<![\w-])([a-z]+)(?![\w-])", line)} - {"mailorigin"}
    assert named == set(commands()), f"{named ^ set(commands())} stands on one side only"


# ---- man pages and completion


MAN = {"mailorigin": "cli/mailorigin", "mailorigind": "mailorigind/mailorigind", "mailorigin-firewall": "firewall/mailorigin-firewall", "mailorigin-milter": "milter/mailorigin-milter"}


def man_text(name):
    """A man page's words, without what formats them."""
    text = re.sub(r"\\f.|^\.\w+ ?", "", (PROJECT / f"conf/man/{name}.8").read_text(), flags=re.M).replace("\\-", "-").replace('"', "")
    return " ".join(text.split())


@pytest.mark.parametrize("name", MAN)
def test_a_man_page(name):
    """Each option of --help with what it says of it, and no other; of mailorigin its commands as well."""
    text, helps = man_text(name), [usage_of(MAN[name])]
    if name == "mailorigin":
        helps += [help_of(command) for command in commands()]
    options = {option for each in helps for option in re.findall(r"(?<![\w-])--[a-z-]+", each)}
    assert set(re.findall(r"(?<![\w-])--[a-z-]+", text)) == options
    described = {entry for each in helps for entry in re.findall(r"^  (?:--[\w-]+|[a-z]+)(?: \S+)*? {2,}(\S.*)$", each, re.M)} - {"more of each"}
    missing = {entry for entry in described if entry not in text}
    assert not missing, f"conf/man/{name}.8 lacks: {missing}"


def test_the_settings_of_sendmail_have_a_man_page():
    settings = set(re.findall(r'\{"([a-z-]+)", "', (PROJECT / "submit/settings.cc").read_text()))
    assert settings, "no setting found; has the table's form changed?"
    words = set(re.split(r"[ ,]+", man_text("mailorigin-sendmail")))
    assert settings <= words, settings - words


def completed(shell, line):
    """What a shell offers at the end of a command line."""
    environment = {"PATH": f"{build_directory()}/cli:/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    directory = PROJECT / "conf/completion"
    words = " ".join(f"'{word}'" for word in line.split(" "))
    scripts = {
        "bash": f"source {directory}/mailorigin.bash; COMP_WORDS=({words}); COMP_LINE='{line}'; COMP_POINT={len(line)}; _mailorigin; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        "fish": f"source {directory}/mailorigin.fish; complete --do-complete '{line}' | string replace --regex '\\t.*' ''; true",
        # What would be shown, with its builtins in the place of the line editor's.
        "zsh": f"""fpath=({directory} $fpath); autoload _mailorigin; words=({words}); CURRENT=${{#words}}
            _call_program() {{ shift; $@ }}; _path_files() {{ }}; _files() {{ print milter.md }}; compadd() {{ while [[ $1 != -- ]]; do shift; done; print -rl -- $@[2,-1] }}
            _describe() {{ print -rl -- ${{${{(P)2}}%%:*}} }}; _mailorigin""",
    }
    done = subprocess.run([shell, "-c", scripts[shell]], env=environment, capture_output=True, text=True, timeout=30, check=True, cwd=PROJECT / "docs")
    return {word for word in done.stdout.split() if word.startswith(line.split(" ")[-1])}


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_completion(shell):
    """What --help lists."""
    everywhere = {"--json", "--runtime-dir"}
    assert {word for word in completed(shell, "mailorigin ") if not word.startswith("-")} == set(commands())
    assert completed(shell, "mailorigin --") >= everywhere | {"--version"}
    for command in commands():
        options = {each.split(" ")[0] for each in listed(help_of(command)) if each.startswith("--")}
        assert completed(shell, f"mailorigin {command} --") >= options | everywhere
        assert not completed(shell, f"mailorigin {command} ") & set(commands())


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_completion_of_values(shell):
    """Where --help lists words, these; where it names a file, files."""
    assert completed(shell, "mailorigin top --by ") == {"vhost", "script", "caller", "uid", "client", "recipient-domain"}
    assert completed(shell, "mailorigin tail --verdict d") == {"deny"}
    assert {"csf", "asl"} <= completed(shell, "mailorigin import ")
    assert {"script:", "user:", "client:"} <= completed(shell, "mailorigin block ")
    for line in ("mailorigin trace mi", "mailorigin trace --mail-log mi", "mailorigin import csf mi"):
        assert completed(shell, line) == {"milter.md"}, line
    assert not completed(shell, "mailorigin tail --lines ")
    assert all(word.startswith("-") for word in completed(shell, "mailorigin blocks "))
