#!/bin/sh
# Builds the libFuzzer targets with clang and runs each for RUNS executions or SECONDS seconds, whichever ends first.
# usage: run_libfuzzer.sh SOURCE_FOLDER BUILD_FOLDER. Exits 77, saying why, where clang or its fuzzer runtime is missing.
set -eu
source=$1
build=$2
runs=${RUNS:-20000}
seconds=${SECONDS_EACH:-2}

if [ -z "${SYNWHY_LIBFUZZER:-}" ]; then
    echo "skipped: it builds everything once more with clang; ./dev fuzz runs it, or SYNWHY_LIBFUZZER=1 ./dev test"
    exit 77
fi
clang=$(command -v clang++-19 || command -v clang++ || true)
if [ -z "$clang" ]; then
    echo "skipped: no clang++ on this machine (Debian: clang-19)"
    exit 77
fi
version=$("$clang" -dumpversion | cut -d. -f1)
if [ "$version" -lt 19 ]; then
    echo "skipped: $clang is version $version, std::expected needs 19"
    exit 77
fi
if ! echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' |
    "$clang" -fsanitize=fuzzer,address -x c++ - -o /dev/null 2>/dev/null; then
    echo "skipped: no fuzzer runtime for $clang (Debian: libfuzzer-19-dev)"
    exit 77
fi

generator=
command -v ninja >/dev/null && generator="-G Ninja"
launcher=
command -v ccache >/dev/null && launcher="-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"
# A short run is over sooner without optimisation: building is most of it. Line tables: a finding names its line.
# shellcheck disable=SC2086 # two words on purpose
cmake -S "$source" -B "$build" $generator $launcher -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS_RELEASE="${OPTIMISE:--O0} -gline-tables-only" -DCMAKE_CXX_COMPILER="$clang" \
    -DCMAKE_C_COMPILER="$(echo "$clang" | sed "s/clang++/clang/")" \
    -DSYNWHY_FUZZ=ON -DSYNWHY_TESTS=OFF -DSYNWHY_WERROR=OFF >/dev/null
cmake --build "$build" --target fuzzers -j 2

for target in "$build"/fuzz/fuzz_*; do
    if [ ! -f "$target" ] || [ ! -x "$target" ]; then continue; fi
    name=$(basename "$target")
    echo "== $name"
    mkdir -p "$build/corpus/$name"
    "$target" -seed=1 -runs="$runs" -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$build/$name-" "$build/corpus/$name" "$source/fuzz/corpus/$name" >"$build/$name.log" 2>&1 || {
        tail -40 "$build/$name.log"
        exit 1
    }
    grep -E 'number_of_executed_units|average_exec' "$build/$name.log"
done
