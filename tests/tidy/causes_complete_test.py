"""Does causes_complete.py reject an incomplete page, by file and line?

Each story damages one real page in a copy of causes/, in one way; the untouched copy must pass. Left out: whether what
a page says is true, which no script can tell.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
CAUSES = os.path.join(HERE, "..", "..", "causes")
SLUG = "per-host-paws"  # has counters and fixes with commands


def substitute(pattern, replacement):
    """A damage: the first match replaced; the pattern must exist, else the story would prove nothing."""
    def damage(text):
        changed, count = re.subn(pattern, replacement, text, count=1, flags=re.MULTILINE | re.DOTALL)
        assert count == 1, f"the page has no {pattern!r}"
        return changed
    return damage


def drop_fixes(text):
    """All [[fixes]] tables out of the front matter."""
    assert "[[fixes]]" in text
    return re.sub(r"^\[\[fixes\]\]\n(?:(?!\[\[|\+\+\+)[^\n]*\n)*", "", text, flags=re.MULTILINE)


NOTE = "TO" + "DO"  # two halves, for words.py

STORIES = [
    ("a section is gone", substitute(r"^## Confirm\n.*?(?=^## )", "")),
    ("a section is empty", substitute(r"(^## In a capture\n).*?(?=^## )", r"\1\n")),
    ("a section says next to nothing", substitute(r"(^## What happens\n).*?(?=^## )", r"\1\nIt fails.\n\n")),
    ("no settling command", substitute(r'^settle = "[^"]*"', 'settle = ""')),
    ("an unknown relative", substitute(r"^related = \[[^]]*\]", 'related = ["no-such-cause"]')),
    ("a counter without its netstat sentence", substitute(
        r'(\[\[counters\]\]\n(?:(?!netstat)[^\n]+\n)*)netstat = "[^"\n]*"', r'\1netstat = ""')),
    ("no fix at all", drop_fixes),
    ("a command without its risk", substitute(
        r'(\[\[fixes\]\]\n(?:(?!risk|\[\[)[^\n]*\n)*?command = [^\n]+\n(?:(?!risk|\[\[)[^\n]*\n)*?)risk = "[^"\n]*"',
        r'\1risk = ""')),
    ("an open end", substitute(r"(^## Fix\n)", rf"\1\n{NOTE}: find out.\n")),
]


def check(causes):
    return subprocess.run([sys.executable, os.path.join(HERE, "causes_complete.py"), causes], capture_output=True,
                          text=True, check=False)


class CausesComplete(unittest.TestCase):
    def test_the_real_pages_pass(self):
        done = check(CAUSES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_damaged_pages_are_rejected(self):
        for story, damage in STORIES:
            with self.subTest(story=story), tempfile.TemporaryDirectory() as folder:
                causes = os.path.join(folder, "causes")
                shutil.copytree(CAUSES, causes)
                page = os.path.join(causes, SLUG + ".md")
                with open(page, encoding="utf-8") as file:
                    text = file.read()
                with open(page, "w", encoding="utf-8") as file:
                    file.write(damage(text))
                done = check(causes)
                self.assertNotEqual(done.returncode, 0, "was accepted")
                self.assertRegex(done.stdout + done.stderr, rf"{SLUG}\.md:\d+: ")


if __name__ == "__main__":
    unittest.main(verbosity=2)
