"""docs/ says what sources and programs have: directives, PHP settings, variables, packets."""

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
from harness.docs import documented_directives, section
from harness.paths import HTTPD, HTTPD_MODULES, PHP, PLUGIN, build_directory

PROJECT = Path(__file__).resolve().parents[1]
PARTS = ("core", "client", "service", "mod_mailorigin", "fpm_plugin", "mailorigind", "firewall", "store", "milter")


def text_of(*folders, suffix=".cc"):
    return "\n".join(path.read_text() for folder in folders for path in sorted((PROJECT / folder).rglob(f"*{suffix}")))


def table(text):
    """The cells of a table's rows, the head left out."""
    rows = [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if not set("".join(row)) <= set("-: ")][1:]


def same(documented, real):
    assert documented == real, f"in the docs alone: {documented - real}; in the code alone: {real - documented}"


# ---- directives


def command_table():
    """Each directive's argument macro and help, as httpd gets them."""
    rows = re.findall(r'AP_INIT_(\w+)\(\s*"(MailOrigin\w*)",.*?RSRC_CONF,\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)', text_of("mod_mailorigin"), re.S)
    return {
        name: (macro, "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)).replace('\\"', '"')) for macro, name, text in rows
    }


DIRECTIVES = command_table()
SECTIONS = set(re.findall(r'AP_INIT_RAW_ARGS\(\s*"<(MailOrigin\w*)"', text_of("mod_mailorigin")))
DOCUMENTED = documented_directives()


def syntax_of(name):
    """The forms of its arguments: `On|Off`, `Name "format"`."""
    forms = re.findall(rf"`{name}(?: ([^`]*))?`", DOCUMENTED[name]["Syntax"])
    assert forms, f"{name} has no syntax"
    return forms


def test_directives():
    assert DIRECTIVES, "no directive found; has the table's form changed?"
    same(set(DOCUMENTED), set(DIRECTIVES) | SECTIONS)


@pytest.mark.parametrize("name", DIRECTIVES)
def test_a_directives_context(name, tmp_path):
    """As httpd has it: one for the server alone is refused inside <VirtualHost>, whatever its arguments."""
    arguments = "x x" if DIRECTIVES[name][0] == "TAKE2" else "x"
    (tmp_path / "httpd.conf").write_text(
        f"LoadModule mpm_event_module {HTTPD_MODULES}/mod_mpm_event.so\n"
        f"LoadModule mailorigin_module {build_directory()}/mod_mailorigin/mod_mailorigin.so\n"
        f"<VirtualHost 127.0.0.1:1>\n{name} {arguments}\n</VirtualHost>\n"
    )
    said = subprocess.run([HTTPD, "-t", "-d", tmp_path, "-f", tmp_path / "httpd.conf"], capture_output=True, text=True, timeout=30).stderr
    alone = f"{name} cannot occur within <VirtualHost> section" in said
    assert DOCUMENTED[name]["Context"] == ("server config" if alone else "server config, virtual host"), said


@pytest.mark.parametrize("name", DIRECTIVES)
def test_a_directives_arguments(name):
    """As many as httpd hands over: TAKE12 is one or two, ITERATE and TAKE_ARGV one or more."""
    numbers = set()
    for form in syntax_of(name):
        if "…" in form:
            numbers.add("more")
            continue
        required = re.sub(r"\[[^\]]* ?[^\]]*\]", lambda optional: optional[0] if not optional[0].startswith("[") else "", form)
        words = len(re.findall(r'"[^"]*" ?|\S+', re.sub(r'"\|"command"', "command", required)))
        most = words + len(re.findall(r"(?<= )\[", form))
        numbers |= set(range(words, most + 1))
    macro = DIRECTIVES[name][0]
    if macro in ("ITERATE", "TAKE_ARGV"):
        assert "more" in numbers or max(numbers) > 1, f"{name}: {macro}, and the docs say {numbers}"
    else:
        assert numbers == {int(digit) for digit in macro.removeprefix("TAKE")}, f"{name}: {macro}, and the docs say {numbers}"


WORDS = {"On", "Off", "none", "allow", "observe", "deny", "redirect", "external", "any", "syslog"}


@pytest.mark.parametrize("name", DIRECTIVES)
def test_a_directives_words(name):
    """What may be written literally: in the docs' syntax and in what httpd -L and its errors say."""
    arguments = re.sub(r": .*", "", DIRECTIVES[name][1])  # and what they are for
    same(WORDS & set(re.findall(r"\w+", " ".join(syntax_of(name)))), WORDS & set(re.findall(r"\w+", arguments)))


# Where `mailorigin policy` shows a directive, integration/test_inheritance.py has its default.
def test_defaults_of_the_daemons_directives():
    """Each stands once in the sources, beside the directive's name."""
    headers = text_of("core", suffix=".h")
    real = {name: [value] for value, name in re.findall(r'constexpr char \w+\[\] = "([^"]*)";\s*// (MailOrigin\w+)', headers)}
    assert len(real) == 6, "has the code's form changed?"
    mode = re.search(r"struct SocketDirective \{[^}]*mode_t mode = (\d+);", text_of("mod_mailorigin", suffix=".h"))[1]
    question = re.search(r'return runtime_directory \+ "/(.*\.sock)";', headers)[1]
    real["MailOriginSocket"] = [f"<runtime dir>/{question} {mode}"]
    real["MailOriginLogFormat"] = re.findall(r'name == "(\w+)"\) \{\s*format.kind_ =', text_of("core"))
    documented = {}
    for name in real:
        headings = next(each for each in re.findall(r"^## (.*)$", text_of("docs/directives", suffix=".md"), re.M) if name in each.split(", "))
        values = [value.removeprefix(f"{name} ") for value in re.findall(r"`([^`]*)`", DOCUMENTED[name]["Default"])]
        # A heading of several directives has a value for each.
        documented[name] = [values[headings.split(", ").index(name)]] if ", " in headings else values
    assert documented == real


# ---- PHP's settings


def test_settings():
    """As PHP has them with the plugin loaded."""
    code = "foreach (ini_get_all('mailorigin') as $name => $of) echo $name, ' ', $of['global_value'], PHP_EOL;"
    said = subprocess.run([PHP, "-n", f"-dextension={PLUGIN}", "-r", code], capture_output=True, text=True, check=True, timeout=30).stdout
    real = {tuple(line.split(" ", 1)) for line in said.splitlines()}
    same({(row[0].strip("`"), row[1].strip("`")) for row in table((PROJECT / "docs/php-settings.md").read_text())}, real)


# ---- events


def field_table():
    """Each field's source and limit."""
    text = text_of("core")
    limits = {name: int(value) for name, value in re.findall(r"constexpr std::size_t (word|number|path) = (\d+);", text)}
    rows = re.findall(r'\{"(\w+)", T::(\w+), S::(\w+), ([\w +]+)\}', text)
    return {name: (source, type_, sum(limits.get(part, None) or int(part) for part in limit.split(" + "))) for name, type_, source, limit in rows}


def test_variables():
    """Their names, and who says them: httpd's context, the sender's claim, or the daemon and the kernel."""
    fields = field_table()
    assert fields, "no field found; has the table's form changed?"
    sources = {"context": {"httpd"}, "claim": {"sender"}, "daemon": {"daemon", "kernel", "firewall"}}
    documented = {name: row[2] for row in table(section("docs/directives/log.md", "## Variables")) for name in re.findall(r"`(\w+)`", row[0])}
    same(set(documented), set(fields))
    shown = (PROJECT / "conf/quickstart/show.php").read_text()
    for constant, says in (("SEALED", "httpd"), ("KERNEL", "kernel"), ("DAEMON", "daemon")):
        listed = re.search(rf"const {constant} = \[(.*?)\];", shown, re.S)[1]
        same({name for name, said in documented.items() if said == says}, set(re.findall(r"'(\w+)'", listed)))
    wrong = [f"{name} is said by {said}, not {fields[name][0]}" for name, said in documented.items() if said and said not in sources[fields[name][0]]]
    assert not wrong, "\n".join(wrong)


def test_kinds_and_verdicts():
    rows = {row[0]: row[1] for row in table(section("docs/directives/log.md", "## Variables"))}
    names = re.search(r"verdict_names\[\] = \{(.*?)\}", text_of("core"))[1]
    same(set(re.findall(r"`(\w+)`", rows["`verdict`, `reason`"].partition(";")[0])), set(re.findall(r'"(\w+)"', names)))
    same(set(re.findall(r"`(\w+)`", rows["`kind`"])), set(re.findall(r'_kind = "(\w+)"', text_of("core", suffix=".h"))))


def test_limits():
    """docs/formats.md names those that are not a short text's or a number's."""
    documented = {}
    listed = section("docs/formats.md", "## Limits of an event's fields, in bytes").partition("any other text")[0]
    for names, limit in re.findall(r"((?:`\w+`,?\s+)+)([\d,]+);", listed):
        documented |= {name: int(limit.replace(",", "")) for name in re.findall(r"`(\w+)`", names)}
    real = {name: limit for name, (_, kind, limit) in field_table().items() if kind == "text" and limit != 64}
    same(set(documented.items()), set(real.items()))


# ---- the wire


def test_packets():
    enumeration = re.search(r"enum class MessageType[^{]*\{(.*?)\};", text_of("core", suffix=".h"), re.S)[1]
    real = {(number, name) for name, number in re.findall(r"(\w+) = (\d+)", enumeration)}
    same({tuple(row[:2]) for row in table(section("docs/formats.md", "## Packets"))}, real)


def test_the_policys_pairs():
    text = (PROJECT / "core/policy.cc").read_text()
    pairs = set(re.findall(r'writer\.add\("(\w+)"', text)) | set(re.findall(r'\{"(\w+)", Rule::', text)) | {"predefined", "format"}
    assert len(pairs) > 30, "has the code's form changed?"
    missing = pairs - set(re.findall(r"`(\w+)`", section("docs/formats.md", "## Policy")))
    assert not missing, f"docs/formats.md, Policy, lacks {', '.join(sorted(missing))}"


def test_pages_link_to_what_is_there():
    """Files and headings."""
    missing = []
    for page in [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md")), *sorted((PROJECT / "tests").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if re.match(r"\w+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            anchors = {
                re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
                for heading in re.findall(r"^#+ (.*)$", file.read_text() if file.is_file() else "", re.M)
            }
            if not file.exists() or (anchor and anchor not in anchors):
                missing.append(f"{page.relative_to(PROJECT)}: {target}")
    assert not missing, "\n".join(missing)


def test_readme_leads_to_each_page():
    """One that nobody finds is none."""
    linked = set(re.findall(r"\]\((docs/[\w/-]+\.md)", (PROJECT / "README.md").read_text()))
    pages = {str(page.relative_to(PROJECT)) for page in (PROJECT / "docs").rglob("*.md") if page.parent.name != "design"}
    assert sorted(pages - linked) == []


def test_each_log_of_the_examples_is_rotated():
    """Those in the packages' own directory, by the packages' own file."""
    rotated = re.search(r"^(/.*) \{$", (PROJECT / "conf/logrotate/mailorigin").read_text(), re.M)[1].split()
    files = [page for folder in ("conf", "docs") for page in sorted((PROJECT / folder).rglob("*.*")) if page.suffix in (".conf", ".in", ".md")]
    logs = {log for file in [*files, PROJECT / "README.md"] for log in re.findall(r"MailOriginLog (/var/log/mailorigin/\S+\w)", file.read_text())}
    assert {"/var/log/mailorigin/mail.log", "/var/log/mailorigin/mail.json"} <= logs
    assert [log for log in sorted(logs) if not any(fnmatch(log, pattern) for pattern in rotated)] == []


def test_the_architecture_names_what_is_there():
    tops = [path for path in PROJECT.iterdir() if path.name != "build"]
    known = [str(path.relative_to(PROJECT)) for top in tops for path in (top, *top.rglob("*"))]
    named = set(re.findall(r"`([\w/.{},]+\.[\w{},]+|[\w/]+/)`", (PROJECT / "docs/architecture.md").read_text()))
    assert named, "no file found; has the page's form changed?"
    each = {name.replace("{h,cc}", suffix).rstrip("/") for name in named for suffix in ("h", "cc")}
    missing = sorted(name for name in each if not any(path == name or path.endswith("/" + name) for path in known))
    assert not missing, "docs/architecture.md names what is not there: " + ", ".join(missing)


@pytest.mark.parametrize("name", DIRECTIVES)
def test_a_directive_is_found_where_it_takes_effect(name):
    """Its name stands where something is done, not only where it is read."""
    read = re.compile(
        r"config\.(cc|h)|configuration\w*\.(cc|h)|\w+_(directives|arguments)\.(cc|h)|daemon_settings\.(cc|h)|default_paths\.h|\w*policy\.h"
    )
    found = [
        path for folder in PARTS for path in sorted((PROJECT / folder).rglob("*.*"))
        if path.suffix in (".cc", ".h", ".c") and not read.fullmatch(path.name) and re.search(rf"\b{name}\b", path.read_text())
    ]
    assert found, f"git grep {name} leads to no code that does it"
