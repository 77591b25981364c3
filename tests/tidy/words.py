"""Does a tracked file mention what must not leave the machine it was written on, or what nobody would ever finish?

Forbidden: paths of somebody's machine, package-registry addresses, references to a tracker's numbers, and a note to do something
that does not name the condition which ends it. Left out: spelling, which codespell does in `./dev lint`.
"""

import re

import tidy

# (pattern, what is wrong). The brackets keep each pattern from matching its own definition.
FORBIDDEN = [
    (re.compile(r"(?<![\w.$}])/(?:hom[e]|wor[k]|workspac[e]|roo[t]|User[s])/[\w.-]+"),
     "a path of somebody's machine"),
    (re.compile(r'"resolve[d]"\s*:\s*"http'), "a download address in a lock file"),
    (re.compile(r"https?://[^\s/\"')]*(?:registr[y]|artifactor[y]|nexu[s]|mirr[o]r)[^\s\"')]*", re.IGNORECASE),
     "the address of a package registry"),
    (re.compile(r"\b(?:issue|ticket|merge request)s? #\d", re.IGNORECASE), "a tracker's number instead of the reason"),
    (re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b(?!\((?:until|when|once) )"),
     "a task without the condition that ends it: write (until ...) behind the word"),
    (re.compile(r"^(?:<{7}|>{7}) "), "a merge conflict"),
]


def check(tree):
    complaints = []
    for path in tidy.tracked_files(tree):
        for number, line in enumerate(tidy.read_lines(tree, path) or [], 1):
            for pattern, wrong in FORBIDDEN:
                match = pattern.search(line)
                if match:
                    complaints.append(f"{path}:{number}: {match.group(0)!r} is {wrong}")
    return complaints


if __name__ == "__main__":
    tidy.main(check)
