// The help texts; see help_text.hpp.
#include "cli/help_text.hpp"

namespace synwhy::cli {
namespace {

constexpr std::string_view kOverview =
    R"text(synwhy: a SYN reached this Linux server and no SYN+ACK came back. Why?

usage: synwhy COMMAND [OPTIONS]

  check              what is wrong with this host now; also without COMMAND
  pcap FILE...       explain the unanswered connection attempts of a capture
  explain CAUSE      what a cause is and what helps; "list" names all
  path --kernel R    what Linux release R does with a SYN, step by step
  lab run NAME       play a script or scenario on the running kernel (root)
  sim SCENARIO       simulate clients, NAT, floods and servers; "list" names all
  size --rate N      how long queues must be, how many ports a client needs
  fix CAUSE          what to change on this host; changes it, takes it back
  emulate --kernel R answer real clients as Linux release R would
  replay FILE...     does the model do what these kernels were measured to do?

  synwhy COMMAND --help    options of a command
  synwhy --version

  tcpdump -i eth0 -s 128 -w trouble.pcap tcp && synwhy pcap trouble.pcap

exit status: 0 nothing found, 1 a cause found, 2 usage, 3 could not look,
             70 a bug in synwhy
)text";

constexpr std::string_view kCheck =
    R"text(usage: synwhy check [OPTIONS]

Looks at this host twice and watches the SYNs that arrive in between: which of
them got no SYN+ACK, and why. First what was found, then what was ruled out.
Only reads; as root it sees more (owners, firewall rules, the SYNs themselves).

where to look
      --netns NAME|PATH    a network namespace: of `ip netns`, or a file
      --pid N              the namespace of this process (a container's)
      --all-netns          every namespace of the machine
      --bundle FILE|DIR[,FILE2|DIR2]
                           a host copied by synwhy-collect or sosreport, of one
                           moment or of two, instead of this machine

what to look for
      --seconds N          between the two looks (5); 0: one look, no watching
      --port N             only SYNs to this port
      --from ADDRESS       also: would a SYN of this client get through?

output
  -v, --verbose            all reasons, all remedies
      --watch              again and again until ^C, in place on a terminal
      --json               one JSON object, like that of pcap
      --ndjson             one JSON object a line for each finding
      --color WHEN         auto, always, never
      --exit-zero          exit 0 also when a cause was found
  -n                       accepted and ignored: names are never resolved
)text";

constexpr std::string_view kPcap =
    R"text(usage: synwhy pcap [OPTIONS] FILE...

Explains, for every connection attempt in the captures, why it was not answered.
FILE is pcap or pcapng, also .gz .zst .lz4 .xz; "-" is standard input, which is
also read when no FILE is given and something is piped in. Several files are one
time line. Nothing is sent, no name is resolved.

what is known about the server (each fact removes rival explanations)
      --kernel RELEASE     its `uname -r`, best followed by `uname -v`
      --sysctl NAME=VALUE  one of its sysctls; repeatable
      --netstat FILE[,FILE2]
                           its counters, of one moment or of two: netstat -s,
                           nstat -az, /proc/net/netstat
      --bundle PATH[,PATH2]
                           files copied from it, a directory or a tarball, of
                           one moment or of two: synwhy-collect's bundle, a
                           /proc tree, sosreport, outputs of commands
      --server ADDRESS     look only at this server host

output
  -v, --verbose            also every SYN of the attempts in question
      --json               the report as one JSON object
      --ndjson             one JSON object a line for each attempt in question
      --all                with -v or --ndjson: the simply answered too
  -w, --write FILE         write the capture again as pcapng, the verdicts as
                           packet comments; "-" is standard output
      --local-time         times of this machine's zone instead of UTC
      --color WHEN         auto, always, never
      --no-progress        no progress bar on a terminal
      --max-handshakes N   remember at most N attempts, 600 bytes each
                           (1000000); the oldest answered ones go first
      --exit-zero          exit 0 also when a cause was found
  -n                       accepted and ignored: names are never resolved

  synwhy pcap trouble.pcap --kernel "$(uname -r) $(uname -v)"
  ssh SERVER tcpdump -U -s 128 -w - tcp | synwhy pcap -

The first ^C ends the reading and reports what was read, the second ends synwhy.
)text";

constexpr std::string_view kExplain =
    R"text(usage: synwhy explain [OPTIONS] [CAUSE | list]

Prints the page of a cause: what happens, in which kernels, how to confirm it,
what helps and what does not. "list", or nothing, prints all causes in the order
in which a SYN meets them.

      --json        the page as one JSON object; of "list" one object a line
      --color WHEN  auto, always, never

  synwhy explain per-host-paws
)text";

constexpr std::string_view kPath =
    R"text(usage: synwhy path --kernel RELEASE | --diff RELEASE RELEASE | --list

Prints where this kernel can fail to answer a SYN, in the order a SYN meets the
places, or what differs between two kernels.

      --kernel RELEASE         a `uname -r`, best followed by `uname -v`
      --diff RELEASE RELEASE   only what differs
      --list                   releases at which something changed

  synwhy path --kernel 3.10.0-1160.el7
  synwhy path --diff 4.9 4.12
)text";

constexpr std::string_view kLab =
    R"text(usage: synwhy lab list | run NAME | compare [NAME...]

Asks the running kernel. A script is SYNs and other segments, one by one, and
says what came back and which counters moved. A scenario, as `synwhy sim` knows
them, is played with real clients, listeners and NAT gateways, in real time.
Everything happens in network namespaces of its own. Needs root, /dev/net/tun,
and nft for NAT. NAME is one of `lab list`, NAME/VARIANT, or a scenario file.

  list             which there are, and why this kernel can't show some
  run NAME         play one
  compare NAME...  play them on the kernel, in the model of this kernel, and in
                   the model behind a TUN device; print where they differ.
                   Without NAME: all scripts, which takes minutes

      --json          list, run: one JSON object
      --record FILE   run, script: write the measurement, for `synwhy replay`
      --engine NAME   run, scenario: kernel (default), model, tun
      --from SECONDS  scenario: begin there in its time
      --seconds N     scenario: stop after that; default: as the scenario says,
                      else 0 and 20. At most 3600
      --ipv6          scenario: the same with IPv6 addresses
      --color WHEN    auto, always, never
      --exit-zero     exit 0 also when somebody was hindered

A scenario's kernels are replaced by the running one, its uptimes and links left
out: the report says so. At most 1,024 client hosts, 50,000 connections and
20,000 SYNs of a flood a second.

  synwhy lab run accept-stall
  synwhy lab compare nat-recycle --seconds 10
  synwhy lab run accept-queue-full-backlog-1
  synwhy lab run my-experiment.toml --record my-kernel.json

exit status: run 0 nobody hindered, 1 somebody was; compare 0 all agree, 1 they
             differ
)text";

constexpr std::string_view kSim =
    R"text(usage: synwhy sim [OPTIONS] SCENARIO | list

Simulates what SCENARIO describes: servers of any kernel, clients, NAT gateways,
lossy links, SYN floods and changes of settings; says who was refused and why.
SCENARIO is a TOML file or the name of a built-in one, followed by /VARIANT for
one of its variants. The same seed gives the same run, byte for byte. No packet
leaves this process.

      --seed N             another run of the same scenario
      --duration TIME      "90 s", "10 min"
      --kernel RELEASE     of every server
      --sysctl NAME=VALUE  of every server; repeatable
  -v, --verbose            all counters and clients
      --json               the result as one JSON object
  -w, --write FILE         what the servers' interfaces saw, as pcapng; "-" is
                           standard output
      --html FILE          a report with plots in one file
      --color WHEN         auto, always, never
      --exit-zero          exit 0 also when somebody was refused

  synwhy sim nat-recycle
  synwhy sim nat-recycle --kernel 4.12
  synwhy sim nat-recycle -w nat.pcapng --html nat.html; synwhy pcap nat.pcapng
)text";

constexpr std::string_view kSize =
    R"text(usage: synwhy size --rate N --accept-gap TIME [OPTIONS]
       synwhy size FILE | --arrivals FILE --accept-gap TIME [OPTIONS]
       synwhy size --client --rate N [OPTIONS]

Finds the smallest backlog that keeps the overflow probability of a listener
under a target, by simulating the model of the kernel; says which settings
matter there, and how many simulated connections support the answer. With
--client: how many connections per second a client or proxy can open before it
runs out of ports. Nothing is sent.

what arrives
      --rate N             connections per second, at random moments (Poisson)
      --arrivals FILE      measured times, one a line, in seconds; "-" is
                           standard input
      FILE                 a capture: the first SYNs of each attempt, and the
                           round trip time
      --server ADDR:PORT   the listener in it; the busiest one without
      --rtt TIME           round trip to the clients (30ms)

what the program does; TIME is "50ms", "exp:50ms" (mean) or "20ms-80ms"
      --accept-gap TIME    how long a pause lasts in which nothing is accepted
      --gap-every TIME     from the end of one pause to the next (exp:1s)
      --accept-time TIME   between two accept() calls of a busy program (0)

the question
      --target P           overflow probability of a connection (1e-3)
      --backlog N          what it is now, to be judged as well
      --kernel RELEASE     a `uname -r` (the running one)
      --sysctl NAME=VALUE  one of its sysctls; repeatable
      --connections N      simulate at most so many for one probability
                           (2000000)
      --seed N             another run (1)

clients
      --client             ports and TIME_WAIT instead of queues
      --destinations N     server addresses times ports times own addresses (1)
      --ports LOW-HIGH     ip_local_port_range (the kernel's default)
      --tw-reuse           net.ipv4.tcp_tw_reuse=1, timestamps at both ends
      --close-first WHO    server or client (client)
      --hold TIME          from request to response (0)

      --json               the answer as one JSON object
      --color WHEN         auto, always, never
      --exit-zero          exit 0 also when something has to be changed

  synwhy size --rate 2000 --accept-gap 50ms --target 1e-4 --backlog 128
  synwhy size trouble.pcap --accept-gap exp:20ms --kernel 3.10.0-1160.el7
  synwhy size --client --rate 800 --tw-reuse

exit status: 0 it fits as it is, or nothing was said about now; 1 something has
             to be changed; 2 usage; 3 could not look
)text";

constexpr std::string_view kFix =
    R"text(usage: synwhy fix CAUSE [OPTIONS]
       synwhy fix CAUSE --apply [--persist] | --undo

Shows what helps against CAUSE on this kernel, what would change on this host,
the risk, and what does not help. Changes nothing without --apply. A limit that
is higher already is never lowered. Before the first change the old values are
written to a journal, from which --undo puts back exactly what was there.

      --apply           change the settings of the steps that are chosen
      --persist         also keep them: /etc/sysctl.d/90-synwhy-CAUSE.conf
      --undo            put back the values and the file from before
      --force           undo also what somebody else has changed since
      --step N          choose step N instead of the usual ones; repeatable
      --interface IF    for steps about one interface
      --netns NAME      in this network namespace: a name of `ip netns`, a path
      --pid N           in the one of process N
      --seconds N       watch the counters of the cause so long before and after
                        the change (5); 0: not at all
      --kernel RELEASE  only the plan, for a host with this kernel
      --root DIR        use DIR/proc/sys, DIR/etc/sysctl.d
      --state DIR       folder of the journals (/var/lib/synwhy)
      --json            one JSON object
      --color WHEN      auto, always, never
      --exit-zero       exit 0 also when something would change

  synwhy fix accept-queue-full
  synwhy fix accept-queue-full --apply --persist
  synwhy fix rp-filter --interface eth1 --apply
  synwhy fix accept-queue-full --undo

exit status: 0 all is as advised, or it was done; 1 something would change, or
             the counters still move after the change; 2 usage; 3 could not
)text";

constexpr std::string_view kEmulate =
    R"text(usage: synwhy emulate --kernel RELEASE [OPTIONS]
       synwhy emulate --show [TABLE] | --do COMMAND

Answers real TCP clients as the listener of another kernel would: opens a TUN
device with a route to the emulated host's address, in the network namespace it
runs in, until ^C. Needs root or CAP_NET_ADMIN, which is given up once the
device is open. Then it reports what became of the SYNs, and why.

the emulated host
      --kernel RELEASE     a `uname -r`, best followed by `uname -v`
      --sysctl NAME=VALUE  one of its sysctls; repeatable
      --address ADDR/LEN   its address (10.0.0.1/24)
      --address6 ADDR/LEN  its IPv6 address; without, it has none
      --hz N               its CONFIG_HZ (1000)
      --seed N             of its sequence numbers and offsets; random without

its application
      --listen PORT | ADDRESS:PORT | [ADDRESS]:PORT
                           repeatable (80)
      --backlog N          as given to listen() (128)
      --defer-accept S     TCP_DEFER_ACCEPT, seconds
      --serve WHAT         http; or bytes: the body at once, no HTTP (http)
      --response-bytes N   of each body (64)
      --no-keep-alive      closes after each answer, whatever the client asks
      --close-first WHO    server or client, after the last answer (server)
      --accept-rate N      connections accepted per second
      --stall FROM-TO      does nothing between these seconds; repeatable
      --idle-timeout S     closes connections silent for so long (60)

this machine
      --tun NAME           name of the device (synwhy0)
      --host-address ADDR  its address on the device (next to --address)
      --host-address6 ADDR the same for IPv6
      --duration S         ends by itself
  -w, --write FILE         what crossed the device, as pcapng with comments
      --write-limit MB     ends the file at this size (1000)
      --control PATH       socket for --show and --do
                           (/run/synwhy/emulate-NAME.sock)
      --json               the report, or --show, as one JSON object
      --color WHEN         auto, always, never
      --exit-zero          exit 0 also when a SYN was refused

while it runs
      --show [TABLE]       queues and sockets (as ss prints them), peers (as
                           ip tcp_metrics), counters (as netstat), states,
                           syns, application, or all (all)
      --do COMMAND         stall, resume, set NAME=VALUE, backlog N,
                           accept-rate N, accept-rate off

  synwhy emulate --kernel 3.10 --sysctl net.ipv4.tcp_tw_recycle=1 --listen 80
  curl http://10.0.0.1/
  synwhy emulate --show peers
)text";

constexpr std::string_view kReplay =
    R"text(usage: synwhy replay [OPTIONS] FILE...

Replays recorded experiments (the format of tests/truth: JSON, also compressed)
through the model of the kernel that was measured, and compares every step: what
was answered, the fields that are determined, the counters, the queues, when
SYN+ACKs were repeated and when sockets were gone. Nothing is sent.

      --json        one JSON object
      --known FILE  differences that are known: "KERNEL SCENARIO STEP: reason"
  -v, --verbose     also the known ones, and what was not comparable and why

exit status: 0 all agree, 1 a difference, 3 a file could not be read

  synwhy replay experiments/*.json
)text";

}  // namespace

std::string_view help_text(std::string_view command) {
    if (command == "check") return kCheck;
    if (command == "pcap") return kPcap;
    if (command == "explain") return kExplain;
    if (command == "path") return kPath;
    if (command == "lab") return kLab;
    if (command == "sim") return kSim;
    if (command == "size") return kSize;
    if (command == "fix") return kFix;
    if (command == "emulate") return kEmulate;
    if (command == "replay") return kReplay;
    return kOverview;
}

}  // namespace synwhy::cli
