"""Do the tidy checkers reject what they are there to reject?

Every case is a tiny tree, written into a temporary folder, and the complaints it must cause: each expected text stands
in exactly one complaint and there are no others. A case without expected texts must pass.
"""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))

# Words that words.py would find in this very file are put together from two halves.
HOME, DO = "/ho" + "me/me/synwhy", "TO" + "DO"

LAYERS = [
    ("clean tree", {
        "src/core/a.hpp": "#include <vector>\n#include \"core/b.hpp\"\n#include \"core/cause.hpp\"\n",
        "src/emit/json.cpp": "#include <nlohmann/json.hpp>\n#include <fmt/format.h>\n#include \"core/a.hpp\"\n",
        "src/cli/main.cpp": "#include <CLI/CLI.hpp>\n#include \"diagnose/d.hpp\"\n#include \"emit/e.hpp\"\n",
        "src/capture/r.cpp": "#include <sys/stat.h>\n#include <zlib.h>\n",
    }, []),
    ("core uses a library, POSIX and another folder", {
        "src/core/a.cpp": "#include <fmt/format.h>\n#include <unistd.h>\n#include \"model/listener.hpp\"\n",
    }, ["src/core/a.cpp:1: core may include C++ standard headers only, not <fmt/format.h>",
        "src/core/a.cpp:2: core may include C++ standard headers only, not <unistd.h>",
        "src/core/a.cpp:3: core must not include model"]),
    ("arrows backwards and sideways", {
        "src/emit/e.cpp": "#include \"diagnose/d.hpp\"\n",
        "src/diagnose/d.cpp": "#include \"host/h.hpp\"\n",
        "src/capture/c.cpp": "  #  include \"emit/e.hpp\"\n",
        "src/model/m.cpp": "#include \"capture/fold.hpp\"\n",
    }, ["src/emit/e.cpp:1: emit must not include diagnose", "src/diagnose/d.cpp:1: diagnose must not include host",
        "src/capture/c.cpp:1: capture must not include emit", "src/model/m.cpp:1: model must not include capture"]),
    ("third-party headers outside their folder", {
        "src/diagnose/d.cpp": "#include <nlohmann/json.hpp>\n",
        "src/emit/e.cpp": "#include <CLI/CLI.hpp>\n#include <zstd.h>\n",
    }, ["<nlohmann/json.hpp> belongs into emit", "<CLI/CLI.hpp> belongs into cli", "<zstd.h> belongs into capture"]),
    ("CLI11 in two files", {
        "src/cli/a.cpp": "#include <CLI/CLI.hpp>\n",
        "src/cli/b.cpp": "#include <CLI/App.hpp>\n",
    }, ["src/cli/a.cpp:1: headers of CLI/", "src/cli/b.cpp:1: headers of CLI/"]),
    ("a folder nobody put into the table, an include without folder", {
        "src/util/u.cpp": "#include <vector>\n",
        "src/core/a.cpp": "#include \"address.hpp\"\n",
    }, ["src/util/u.cpp:1: folder util is not in the table", "src/core/a.cpp:1: \"address.hpp\" does not name"]),
    ("the linker is told otherwise", {
        "CMakeLists.txt": "synwhy_library(core)\nsynwhy_library(host DEPENDS core emit EXTERNAL fmt::fmt)\n",
    }, ["CMakeLists.txt:2: host must not depend on emit"]),
]

WORDS = [
    ("clean tree", {"README.md": "Read /proc/net/netstat, write to /tmp/x, see https://example.org/home/page.\n",
                    "a.cpp": f"// {DO}(until g++ 13 is packaged): std::print\n", "b.bin": "\0" + HOME}, []),
    ("somebody's machine", {"a.md": f"cd {HOME} && make\n"}, ["is a path of somebody's machine"]),
    ("lock file with addresses", {
        "web/package-lock.json": '{\n"res' + 'olved": "https://example.org/x.tgz"\n}\n',
    }, ["web/package-lock.json:2: "]),
    ("package registry", {"x.md": "from https://regis" + "try.example.org/vite\n"}, ["the address of a package registry"]),
    ("tracker's number", {"x.cpp": "// see issue" + " #12\n"}, ["a tracker's number"]),
    ("task without an end", {"x.cpp": f"\n// {DO}: faster\n"}, ["x.cpp:2: '" + DO]),
]

FILE_SIZE = [
    ("clean tree", {"src/core/a.cpp": "\n" * 500, "data.json": "\n" * 900}, []),
    ("too long", {"src/core/a.cpp": "\n" * 501}, ["src/core/a.cpp:501: 501 lines"]),
    ("too long with a reason", {
        "src/core/a.cpp": "\n" * 501,
        "tests/tidy/long_files.txt": "# path reason\nsrc/core/a.cpp one table, read as one page\n",
    }, []),
    ("reason missing, file short, file gone", {
        "src/a.cpp": "\n" * 501, "src/b.cpp": "\n",
        "tests/tidy/long_files.txt": "src/a.cpp long\nsrc/b.cpp it was long once\nsrc/c.cpp it was long once\n",
    }, ["long_files.txt:1: src/a.cpp needs a reason", "long_files.txt:2: src/b.cpp has 1 lines",
        "long_files.txt:3: src/c.cpp does not exist"]),
]


def write_tree(folder, files):
    for path, content in files.items():
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(content)


class Checkers(unittest.TestCase):
    def run_cases(self, checker, cases):
        for story, files, expected in cases:
            with self.subTest(checker=checker, story=story), tempfile.TemporaryDirectory() as tree:
                write_tree(tree, files)
                done = subprocess.run([sys.executable, os.path.join(HERE, checker), tree], capture_output=True,
                                      text=True, check=False)
                complaints = done.stdout.splitlines()
                self.assertEqual(done.stderr, "")
                self.assertEqual(done.returncode, 1 if expected else 0, done.stdout)
                for text in expected:
                    self.assertEqual(sum(text in line for line in complaints), 1, f"{text!r} in:\n{done.stdout}")
                self.assertEqual(len(complaints), len(expected), done.stdout)

    def test_layers(self):
        self.run_cases("layers.py", LAYERS)

    def test_words(self):
        self.run_cases("words.py", WORDS)

    def test_file_size(self):
        self.run_cases("file_size.py", FILE_SIZE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
