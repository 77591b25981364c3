#!/bin/sh
# Does ./dev ask for exactly the packages that are missing, and hand arguments and exit codes through?
#
# A copy of the script runs in a folder with spaces, from elsewhere, with a PATH that holds nothing but stand-ins for
# apt, dpkg, cmake and ctest, each writing down how it was called. Left out: real installing and building.
# shellcheck disable=SC2016  # the stand-ins expand their own variables
set -eu

tree=$1
shell=$(command -v "${2:-sh}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bin=$work/bin
home="$work/a folder/synwhy"
log=$work/log
mkdir -p "$bin" "$home/build/release" "$home/examples"
cp "$tree/dev" "$home/dev"
for tool in sh dirname grep id nproc mkdir cat env; do ln -s "$(command -v $tool)" "$bin/$tool"; done

# stand_in NAME BODY: a command that logs its call first.
stand_in() {
    printf '#!/bin/sh\nprintf "%%s" "%s" >>"%s"; printf " %%s" "$@" >>"%s"; echo >>"%s"\n%s\n' \
        "$1" "$log" "$log" "$log" "$2" >"$bin/$1"
    chmod +x "$bin/$1"
}
# dpkg-query: everything is installed but the words in $MISSING.
cat >"$bin/dpkg-query" <<'END'
#!/bin/sh
for last in "$@"; do :; done
case " ${MISSING:-} " in *" $last "*) exit 1 ;; esac
echo installed
END
chmod +x "$bin/dpkg-query"
stand_in apt-get 'exit "${APT_STATUS:-0}"'
stand_in sudo 'shift; exec "$@"'
stand_in ninja ''
stand_in cmake ''
stand_in ctest 'echo "100% tests passed"; exit "${CTEST_STATUS:-0}"'
printf '#!/bin/sh\necho "synwhy $*"\nexit "${SYNWHY_STATUS:-0}"\n' >"$home/build/release/synwhy"
chmod +x "$home/build/release/synwhy"
: >"$home/build/release/build.ninja"

# run EXPECTED_STATUS ARGUMENTS...: leaves $work/out, $work/err and $log.
run() {
    expected=$1
    shift
    : >"$log"
    status=0
    (cd / && PATH=$bin "$shell" "$home/dev" "$@") </dev/null >"$work/out" 2>"$work/err" || status=$?
    [ "$status" -eq "$expected" ] || fail "exit status $status, not $expected"
}
fail() {
    echo "FAILED: $story: $*"
    echo "--- calls"; cat "$log"
    echo "--- stdout"; cat "$work/out"
    echo "--- stderr"; cat "$work/err"
    exit 1
}
called() { grep -q -e "$1" "$log" || fail "no call like: $1"; }
not_called() { ! grep -q -e "$1" "$log" || fail "a call like: $1"; }

story="everything installed: apt stays untouched"
run 0 test
not_called apt-get
called "^cmake --preset release .*-DSYNWHY_TESTS=ON"
called "^ctest --test-dir $home/build/release --output-on-failure"
[ "$(cat "$work/out")" = "100% tests passed" ] || fail "ctest's line is not the last and only one"

story="one package missing: this one is installed, without recommended ones"
MISSING="libfmt-dev" run 0 test
called "apt-get .*update"
called "apt-get .*--no-install-recommends install libfmt-dev$"

story="run does not ask for what only tests need"
MISSING="tshark" run 0 run
not_called apt-get
not_called "SYNWHY_TESTS=ON"

story="bench on a fresh tree does not need what only tests need"
mv "$home/build/release/build.ninja" "$work/build.ninja"
mkdir -p "$home/bench"
stand_in python3 ''
MISSING="libgtest-dev" run 0 bench --packets 10
not_called apt-get
called "^cmake .*-DSYNWHY_TESTS=OFF"
called "^python3 $home/bench/compare.py .* --packets 10$"
mv "$work/build.ninja" "$home/build/release/build.ninja"

story="apt fails: said, and the build is tried"
APT_STATUS=100 MISSING="tshark" run 0 test
called "^ctest"
grep -q "could not install all of: tshark" "$work/err" || fail "it is not said"

story="no apt: said, and the build is tried"
mv "$bin/apt-get" "$work/apt-get"
MISSING="tshark" run 0 test
called "^ctest"
grep -q "no apt here" "$work/err" || fail "it is not said"
mv "$work/apt-get" "$bin/apt-get"

story="ctest's exit status and arguments go through"
CTEST_STATUS=8 run 8 test -R "a b"
called " -R a b$"

story="the tour shows the example and ends well when a cause was found"
SYNWHY_STATUS=1 run 0 run
grep -q "^synwhy pcap $home/examples/" "$work/out" || fail "the example was not shown"
SYNWHY_STATUS=3 run 3 run

story="arguments after run belong to synwhy, and so does the exit status"
SYNWHY_STATUS=1 run 1 run explain "rp-filter"
[ "$(cat "$work/out")" = "synwhy explain rp-filter" ] || fail "other arguments"

story="no cmake: exit status 3 and a sentence"
mv "$bin/cmake" "$work/cmake"
run 3 test
grep -q "cmake is missing" "$work/err" || fail "it is not said"
mv "$work/cmake" "$bin/cmake"

story="usage"
run 2 nonsense
run 2 fuzz many
run 0 help
run 0
echo "dev: every story went as told"
