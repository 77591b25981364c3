"""Does every page of causes/ answer all its questions?

A page is TOML between two lines of `+++` and nine sections of Markdown. Complaints are "page:line: what". The build's
generator (tools/catalogue) refuses what it cannot read; here is what a reader would miss: thin sections, a counter
nobody can find in `netstat -s`, a command without its risk, an open end. Left out: whether what a page says is true.
"""

import os
import re
import sys
import tomllib

HEADINGS = ["What happens", "In which kernels", "Counters", "In a capture", "Confirm", "Fix", "What does not help",
            "Why Linux does this", "Sources"]
MIN_SECTION_CHARACTERS = 120  # with the tables of the front matter that the section is shown with
MIN_PROSE_CHARACTERS = 40
TABLES = {"Counters": "counters", "Confirm": "confirm", "Fix": "fixes", "What does not help": "no_help"}
MIN_SUMMARY_CHARACTERS = 30
TEXTS = ["title", "summary", "stage", "seen", "capture_class", "kernels", "settle"]
CHOICES = {
    "stage": ["before_tap", "ingress", "ip", "netfilter", "tcp_input", "lookup", "time_wait", "request", "full_socket",
              "listen", "reply", "final_ack"],
    "seen": ["silence", "rst", "bare_ack", "cookie", "icmp", "synack_repeated"],
    "capture_class": ["silent", "visible", "absent"],
}
VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
COUNTER = re.compile(r"\w+\.\w+")
# The brackets keep the pattern from matching its own definition.
OPEN_END = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]|TB[D]|WI[P])\b|\?\?\?|\blorem ipsum\b", re.IGNORECASE)
# What people search for first: these pages must say how counters and a capture show the cause.
MAIN = ["per-host-paws", "accept-queue-full", "syn-queue-full", "syn-backlog-quarter", "time-wait-refused",
        "established-collision", "syn-recv-collision", "ack-rate-limited", "no-listener", "no-route-back",
        "listener-backlog-full", "netfilter-drop", "conntrack-full", "rp-filter", "final-ack-refused"]


class Page:
    """One page: its facts, its sections, and the line where each of them stands."""

    def __init__(self, path):
        self.path = path
        self.slug = os.path.basename(path).removesuffix(".md")
        with open(path, encoding="utf-8") as file:
            self.lines = file.read().splitlines()
        self.complaints = []
        self.facts = {}
        self.sections = []  # (heading, line, text)
        self.read()

    def complain(self, line, what):
        self.complaints.append(f"{self.path}:{line}: {what}")

    def read(self):
        if self.lines[:1] != ["+++"] or "+++" not in self.lines[1:]:
            self.complain(1, "front matter between two lines of +++ is missing")
            return
        end = self.lines.index("+++", 1)
        self.front = self.lines[:end]
        try:
            self.facts = tomllib.loads("\n".join([""] + self.front[1:]))
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"line (\d+)", str(error))
            self.complain(found.group(1) if found else 1, str(error))
        in_code = False
        for number, line in enumerate(self.lines[end + 1:], end + 2):
            in_code ^= line.startswith("```")
            if line.startswith("## ") and not in_code:
                self.sections.append((line[3:].strip(), number, []))
            elif self.sections:
                self.sections[-1][2].append(line)
            elif line.strip():
                self.complain(number, "text before the first heading")

    def section(self, heading):
        return next(("\n".join(text).strip() for name, _, text in self.sections if name == heading), "")

    def line_of(self, key, table=None, index=0):
        """Where a key of the front matter stands; the table's own line when the key is missing."""
        start, end = 1, len(self.front)
        headers = [i for i, line in enumerate(self.front) if line.startswith("[[")]
        if table:
            start = [i for i in headers if self.front[i].strip() == f"[[{table}]]"][index]
        elif headers:
            end = headers[0]
        for i in range(start + (table is not None), end):
            if table and i in headers:
                break
            if re.match(rf"{key}\s*=", self.front[i]):
                return i + 1
        return start + 1 if table else 1


def is_text(value):
    return isinstance(value, str) and bool(value.strip())


def check_facts(page):
    facts = page.facts
    for key in TEXTS:
        if not is_text(facts.get(key)):
            page.complain(page.line_of(key), f"'{key}' is missing or empty")
    for key, allowed in CHOICES.items():
        if facts.get(key) not in allowed:
            page.complain(page.line_of(key), f"'{key}' must be one of {', '.join(allowed)}")
    if not isinstance(facts.get("order"), int):
        page.complain(page.line_of("order"), "'order' must be a whole number")
    summary = facts.get("summary", "")
    if is_text(summary) and (len(summary) < MIN_SUMMARY_CHARACTERS or not summary.endswith(".")):
        page.complain(page.line_of("summary"), "'summary' must be a sentence")


def check_bounds(page, facts, table=None, index=0):
    for key in ("kernel_min", "kernel_max"):
        if key in facts and not VERSION.fullmatch(str(facts[key])):
            page.complain(page.line_of(key, table, index), f"'{key}' must be a version like 4.11")


def check_lists(page):
    for table, keys in {"counters": ["name", "netstat", "kernels"], "confirm": ["command", "look"],
                        "fixes": ["kernels", "says"], "no_help": ["what", "why"]}.items():
        for index, entry in enumerate(page.facts.get(table, [])):
            for key in keys:
                if not is_text(entry.get(key)):
                    line = page.line_of(key, table, index)
                    page.complain(line, f"'{key}' of this entry of {table} is missing or empty")
            check_bounds(page, entry, table, index)
    for index, counter in enumerate(page.facts.get("counters", [])):
        if is_text(counter.get("name")) and not COUNTER.fullmatch(counter["name"]):
            line = page.line_of("name", "counters", index)
            page.complain(line, "a counter is named with its group: TcpExt.ListenDrops")
    for index, fix in enumerate(page.facts.get("fixes", [])):
        if is_text(fix.get("command")) and not is_text(fix.get("risk")):
            page.complain(page.line_of("risk", "fixes", index), "a fix with a command needs its 'risk'")
    for table in ("confirm", "fixes"):
        if not page.facts.get(table):
            page.complain(1, f"no [[{table}]] at all")


def check_sections(page):
    names = [name for name, _, _ in page.sections]
    for heading in HEADINGS:
        if heading not in names:
            page.complain(len(page.lines), f"section '{heading}' is missing")
    for name, line, text in page.sections:
        if name not in HEADINGS or names.count(name) > 1:
            page.complain(line, f"section '{name}' is unknown or stands here twice")
        prose = len(" ".join("\n".join(text).split()))
        told = sum(len(value) for entry in page.facts.get(TABLES.get(name), []) for value in entry.values()
                   if isinstance(value, str))
        if prose < MIN_PROSE_CHARACTERS or prose + told < MIN_SECTION_CHARACTERS:
            page.complain(line, f"section '{name}' says next to nothing: {prose} characters of prose")
    known = [(HEADINGS.index(name), line, name) for name, line, _ in page.sections if name in HEADINGS]
    for before, after in zip(known, known[1:]):
        if before[0] > after[0]:
            page.complain(after[1], f"section '{after[2]}' must stand before '{before[2]}'")


def check_words(page):
    for number, line in enumerate(page.lines, 1):
        found = OPEN_END.search(line)
        if found:
            page.complain(number, f"{found.group(0)!r} is an open end")


def check_main(page):
    """A page that many will read says what netstat shows and what a capture shows."""
    line = {name: number for name, number, _ in page.sections}
    if not page.facts.get("counters") and not re.search(r"n(et)?stat\b", page.section("Counters")):
        page.complain(line.get("Counters", 1), "a main cause: say what netstat or nstat shows")
    if not re.search(r"\bcaptur|\bpcap|\bSYN\b", page.section("In a capture")):
        page.complain(line.get("In a capture", 1), "a main cause: say what a capture shows")


def check_related(page, slugs):
    related = page.facts.get("related", [])
    for slug in related:
        if slug not in slugs or slug == page.slug:
            page.complain(page.line_of("related"), f"related '{slug}' is no other page of the catalogue")
    if len(set(related)) != len(related):
        page.complain(page.line_of("related"), "'related' names a page twice")


def check(causes):
    pages = [Page(os.path.join(causes, name)) for name in sorted(os.listdir(causes)) if name.endswith(".md")]
    slugs = {page.slug for page in pages}
    complaints = [f"{causes}:1: the page of the main cause '{slug}' is missing" for slug in MAIN if slug not in slugs]
    for page in pages:
        if page.facts:
            check_facts(page)
            check_bounds(page, page.facts)
            check_lists(page)
            check_sections(page)
            check_related(page, slugs)
            if page.slug in MAIN:
                check_main(page)
        check_words(page)
        complaints += page.complaints
    return complaints if pages else [f"{causes}:1: no page"]


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {os.path.basename(sys.argv[0])} CAUSES")
    complaints = check(sys.argv[1])
    print("\n".join(complaints) or "every page is complete")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
