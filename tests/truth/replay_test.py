"""Does the model agree with every comparable step that was measured?

Unpacks the recordings (data/KERNEL.tar.zst) into a scratch folder and gives them to `synwhy replay`.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile


def unpack(archive, folder):
    """The recordings of one kernel; labels and captures are for other tests."""
    raw = subprocess.run(["zstd", "-dcq", str(archive)], check=True, stdout=subprocess.PIPE)
    path = folder / "raw.tar"
    path.write_bytes(raw.stdout)
    files = []
    with tarfile.open(path) as tar:
        for member in tar:
            name = pathlib.PurePath(member.name).name
            if name.endswith(".json") and not name.endswith(".label.json"):
                target = folder / f"{archive.name.removesuffix('.tar.zst')}-{name}"
                target.write_bytes(tar.extractfile(member).read())
                files.append(str(target))
    path.unlink()
    return files


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--synwhy", required=True)
    parser.add_argument("--data", required=True, type=pathlib.Path, nargs="+")
    parser.add_argument("--known", required=True)
    parser.add_argument("--min-comparable", type=float, default=0.95)
    parser.add_argument("--max-known", type=float, default=0.01)
    options = parser.parse_args()
    failed = False
    archives = sorted(path for folder in options.data for path in folder.glob("*.tar.zst"))
    if not archives:
        sys.exit(f"no recordings in {options.data}")
    for archive in archives:
        with tempfile.TemporaryDirectory() as scratch:
            files = unpack(archive, pathlib.Path(scratch))
            run = subprocess.run([options.synwhy, "replay", "--json", "--known", options.known, *files],
                                 stdout=subprocess.PIPE, check=False)
            result = json.loads(run.stdout)
        unknown = [d for d in result["differences"] if not d["known"]]
        print(f"{archive.name}: {result['scenarios']} scenarios, {result['steps']} steps, "
              f"{result['comparable']} comparable, {result['agree']} agree, {result['known']} known differences")
        for d in unknown[:20]:
            print(f"  {d['scenario']} step {d['step']}: {d['line']}\n    {d['field']}: the kernel {d['expected']}, "
                  f"the model {d['got']} ({d['row']})")
        failed |= run.returncode != 0 or bool(unknown)
        failed |= result["scenarios"] != len(files) or result["steps"] == 0
        failed |= result["comparable"] < options.min_comparable * result["steps"]
        failed |= result["known"] > options.max_known * result["steps"]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
