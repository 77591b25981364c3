"""Do the arrows between the folders of src/ go one way?

One table says which folder may include which, and where third-party headers may stand. Checked: every #include below
src/ and the DEPENDS of every synwhy_library() in CMakeLists.txt. Left out: what a header pulls in indirectly, which the
table already bounds.
"""

import os
import re

import tidy

# Folder -> folders it may include, besides itself. cli is the only one that may see everything.
LAYERS = {
    "core": [],
    "model": ["core"],
    "capture": ["core"],
    "host": ["core"],
    "live": ["core"],
    "firewall": ["core"],
    "truth": ["model", "core"],
    # Only their values: a run (sim/result.hpp, sim/outcome.hpp), an answer of size, a plan of fix.
    "emit": ["truth", "size", "fix", "sim", "core"],
    "sim": ["model", "core"],
    "tun": ["model", "core"],
    "lab": ["sim", "tun", "model", "core"],
    "size": ["sim", "model", "core"],
    "fix": ["host", "core"],
    "diagnose": ["model", "capture", "core"],
    "doctor": ["core"],
    "serve": ["emit", "core"],
    "fleet": ["emit", "core"],
    "cli": ["serve", "fleet", "size", "fix", "lab", "tun", "live", "host", "firewall", "capture", "sim", "truth",
            "diagnose", "doctor", "emit", "model", "core"],
}

# Folders of pure values and decisions: no I/O, hence nothing but the C++ standard library.
STANDARD_ONLY = ("core", "model")

# Third-party header -> (folders that may include it, at most so many files; None: no limit).
THIRD_PARTY = [
    (re.compile(r"CLI/"), ("cli",), 1),  # 3.8 s a translation unit
    (re.compile(r"nlohmann/"), ("emit", "truth", "firewall"), None),
    (re.compile(r"toml\+\+/|toml\.hpp"), ("sim",), 1),
    (re.compile(r"fmt/"), ("diagnose", "doctor", "emit", "host", "live", "lab", "tun", "serve", "fleet", "cli"), None),
    (re.compile(r"(zlib|zstd|lz4|lz4frame|lzma|libdeflate)(_\w+)?\.h$"), ("capture",), None),
    (re.compile(r"archive\.h$"), ("host",), 1),
    (re.compile(r"archive_entry\.h$"), ("host",), 1),
    (re.compile(r"bpf/"), ("live",), None),
    (re.compile(r"linux/bpf"), ("live", "host"), None),
    (re.compile(r"httplib\.h$"), ("serve",), 1),
    (re.compile(r"nats/"), ("fleet",), None),
]

STANDARD_HEADERS = frozenset("""
algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits
clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint
cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception execution expected filesystem flat_map flat_set
format forward_list fstream functional future generator initializer_list iomanip ios iosfwd iostream istream iterator
latch limits list locale map mdspan memory memory_resource mutex new numbers numeric optional ostream print queue random
ranges ratio regex scoped_allocator semaphore set shared_mutex source_location span spanstream sstream stack stacktrace
stdexcept stdfloat stop_token streambuf string string_view strstream syncstream system_error thread tuple type_traits
typeindex typeinfo unordered_map unordered_set utility valarray variant vector version
""".split())

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
LIBRARY = re.compile(r"^synwhy_library\((\w+)(?:\s+DEPENDS\s+((?:(?!EXTERNAL)\w+\s*)+))?", re.MULTILINE)


def check_quoted(folder, header):
    """Why `folder` may not include "header", or None."""
    target = header.split("/")[0]
    if "/" not in header or target not in LAYERS:
        return f'"{header}" does not name a folder of src/: write "folder/file.hpp"'
    if target != folder and target not in LAYERS[folder]:
        return f"{folder} must not include {target} (allowed: {', '.join(LAYERS[folder]) or 'only itself'})"
    return None


def check_angled(folder, header):
    """Why `folder` may not include <header>, or None."""
    if folder in STANDARD_ONLY and header not in STANDARD_HEADERS:
        return f"{folder} may include C++ standard headers only, not <{header}>"
    for pattern, folders, _ in THIRD_PARTY:
        if pattern.match(header) and folder not in folders:
            return f"<{header}> belongs into {', '.join(folders)}, not into {folder}"
    return None


def check_cmake(tree):
    """Complaints about the DEPENDS in CMakeLists.txt; a tree without one has none."""
    complaints = []
    if not os.path.exists(os.path.join(tree, "CMakeLists.txt")):
        return complaints
    text = "\n".join(tidy.read_lines(tree, "CMakeLists.txt"))
    for match in LIBRARY.finditer(text):
        folder, depends = match.group(1), (match.group(2) or "").split()
        line = text.count("\n", 0, match.start()) + 1
        if folder not in LAYERS:
            complaints.append(f"CMakeLists.txt:{line}: folder {folder} is not in the table of tests/tidy/layers.py")
            continue
        complaints += [f"CMakeLists.txt:{line}: {folder} must not depend on {target}"
                       for target in depends if target not in LAYERS[folder]]
    return complaints


def check(tree):
    complaints = []
    users = {}  # third-party pattern -> [path:line]
    for path in tidy.tracked_files(tree):
        parts = path.split("/")
        if parts[0] != "src" or not path.endswith((".hpp", ".cpp", ".h", ".c")):
            continue
        folder = parts[1]
        if len(parts) < 3 or folder not in LAYERS:
            complaints.append(f"{path}:1: folder {folder} is not in the table of tests/tidy/layers.py")
            continue
        for number, line in enumerate(tidy.read_lines(tree, path) or [], 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quote, header = match.groups()
            reason = check_quoted(folder, header) if quote == '"' else check_angled(folder, header)
            if reason:
                complaints.append(f"{path}:{number}: {reason}")
            for pattern, _, _ in THIRD_PARTY:
                if pattern.match(header):
                    users.setdefault(pattern, []).append(f"{path}:{number}")
    for pattern, _, limit in THIRD_PARTY:
        where = users.get(pattern, [])
        if limit is not None and len(where) > limit:
            complaints += [f"{place}: headers of {pattern.pattern} may stand in {limit} file only, they cost compile time"
                           for place in where]
    return complaints + check_cmake(tree)


if __name__ == "__main__":
    tidy.main(check)
