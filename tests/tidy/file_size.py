"""Is every source file short enough to be read in one sitting?

Longer than 500 lines needs a line in long_files.txt with the reason. A line there whose file is gone or short again is
refused too, so that the list only shrinks. Left out: data and generated files.
"""

import os

import tidy

LIMIT_LINES = 500
SOURCES = (".cpp", ".hpp", ".c", ".h", ".py", ".sh", ".ts", ".tsx", ".cmake")
EXCEPTIONS = "tests/tidy/long_files.txt"


def read_exceptions(tree):
    """path -> line number in the list; complaints for lines without a reason."""
    allowed, complaints = {}, []
    if not os.path.exists(os.path.join(tree, EXCEPTIONS)):
        return allowed, complaints
    for number, line in enumerate(tidy.read_lines(tree, EXCEPTIONS), 1):
        if not line.strip() or line.startswith("#"):
            continue
        path, _, reason = line.partition(" ")
        if len(reason.split()) < 3:
            complaints.append(f"{EXCEPTIONS}:{number}: {path} needs a reason of at least three words")
        allowed[path] = number
    return allowed, complaints


def check(tree):
    allowed, complaints = read_exceptions(tree)
    for path in tidy.tracked_files(tree):
        if not path.endswith(SOURCES) and path != "dev":
            continue
        length = len(tidy.read_lines(tree, path) or [])
        exception = allowed.pop(path, None)
        if length > LIMIT_LINES and exception is None:
            complaints.append(f"{path}:{LIMIT_LINES + 1}: {length} lines, more than {LIMIT_LINES}: "
                              f"split it, or say why not in {EXCEPTIONS}")
        if length <= LIMIT_LINES and exception is not None:
            complaints.append(f"{EXCEPTIONS}:{exception}: {path} has {length} lines, the exception is no longer needed")
    complaints += [f"{EXCEPTIONS}:{number}: {path} does not exist" for path, number in allowed.items()]
    return complaints


if __name__ == "__main__":
    tidy.main(check)
