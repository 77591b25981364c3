// Where on its way can a SYN, its SYN+ACK or the final ACK be stopped?
//
// THE table. Read it from top to bottom and you walk with the SYN: wire, capture tap, IP, netfilter, TCP, the socket
// that owns the 4-tuple, the listener in tcp_conn_request's order, the SYN+ACK's way out, the final ACK.
// Function names are those of the newest kernel that has the row. How a condition is computed stands in
// path_conditions.hpp, which kernel has which counter in path_counters.cpp.
#include <iterator>
#include <utility>

#include "core/path.hpp"
#include "core/path_conditions.hpp"
#include "core/version.hpp"

namespace synwhy::core {

namespace {

constexpr auto every = [](const Kernel&) { return true; };
constexpr auto lockless = [](const Kernel& k) { return k.behaviours.request_in_ehash; };
constexpr auto locked = [](const Kernel& k) { return !k.behaviours.request_in_ehash; };
constexpr auto recycles = [](const Kernel& k) { return k.behaviours.host_paws != HostPaws::none; };
constexpr auto limits_duplicates = [](const Kernel& k) { return k.behaviours.duplicate_rate_limited; };
constexpr auto has_ao = [](const Kernel& k) { return since(k, 6, 7); };
constexpr auto has_psp = [](const Kernel& k) { return since(k, 6, 18); };
constexpr auto resets_in_window = [](const Kernel& k) {
    return k.behaviours.syn_on_established == SynOnEstablished::reset_in_window;
};
constexpr auto challenges = [](const Kernel& k) {
    return k.behaviours.syn_on_established == SynOnEstablished::challenge ||
           k.behaviours.syn_on_established == SynOnEstablished::challenge_always;
};
/// Whole 0.0.0.0/8 up to 5.2 (between 4.20 and 5.4): net/ipv4/route.c:ip_route_input_slow
constexpr auto refuses_net_zero = [](const Kernel& k) { return !since(k, 5, 3); };
constexpr auto refuses_one_zero = [](const Kernel& k) { return since(k, 5, 3); };

constexpr Row kRows[] = {
    // ------------------------------------------------------------------ before a capture on the server sees the SYN
    {"before.no-local-port", Stage::before_tap, "client: net/ipv4/inet_hashtables.c:__inet_hash_connect",
     Cause::port_exhausted, Seen::silence,
     "the client has no free local port towards this server: connect() fails, no SYN leaves", "", every, nullptr},
    {"before.network", Stage::before_tap, "the network", Cause::never_arrived, Seen::silence,
     "the SYN was lost or filtered on the way", "", every, nullptr},
    {"before.nic", Stage::before_tap, "the NIC and its driver", Cause::nic_drop, Seen::silence,
     "bad CRC, no free descriptor, MAC filter or hardware flow rule",
     "dev.rx_missed_errors dev.rx_fifo_errors dev.rx_crc_errors dev.rx_over_errors", every, nullptr},
    {"before.driver-xdp", Stage::before_tap, "driver: bpf_prog_run_xdp", Cause::xdp_drop, Seen::silence,
     "a driver XDP program drops, aborts, redirects or sends the frame back", "",
     [](const Kernel& k) { return since(k, 4, 8); }, nullptr},
    {"before.softnet-backlog", Stage::before_tap, "net/core/dev.c:enqueue_to_backlog", Cause::softnet_backlog,
     Seen::silence, "per-CPU queue longer than net.core.netdev_max_backlog (RPS or netif_rx)", "softnet.dropped", every,
     nullptr},
    {"before.flow-limit", Stage::before_tap, "net/core/dev.c:skb_flow_limit", Cause::softnet_backlog, Seen::silence,
     "per-CPU queue half full and this flow has more than 64 of the last 128 packets (net.core.flow_limit_cpu_bitmap)",
     "softnet.dropped softnet.flow_limit", [](const Kernel& k) { return since(k, 3, 11); }, nullptr},
    {"before.device-down", Stage::before_tap, "net/core/dev.c:enqueue_to_backlog", Cause::nic_drop, Seen::silence,
     "the interface went down between interrupt and backlog", "dev.rx_dropped", every, nullptr},
    {"before.generic-xdp", Stage::before_tap, "net/core/dev.c:do_xdp_generic", Cause::xdp_drop, Seen::silence,
     "a generic XDP program drops, aborts, redirects or sends the frame back", "",
     [](const Kernel& k) { return since(k, 4, 12); }, nullptr},

    // ----------------------------------------------------------------------------------- ingress: from the tap to IP
    {"ingress.tc", Stage::ingress, "net/core/dev.c:sch_handle_ingress", Cause::tc_drop, Seen::silence,
     "a tc ingress, clsact or tcx program or filter drops", "", every, nullptr},
    {"ingress.netfilter", Stage::ingress, "net/core/dev.c:nf_ingress", Cause::netfilter_drop, Seen::silence,
     "a rule on the netdev ingress hook drops", "", [](const Kernel& k) { return since(k, 4, 2); }, nullptr},
    {"ingress.vlan", Stage::ingress, "net/8021q/vlan_core.c:vlan_do_receive", Cause::wrong_mac, Seen::silence,
     "the frame's VLAN id has no device here", "", every, nullptr},
    {"ingress.intercepted", Stage::ingress, "rx_handler (bridge, bond, macvlan, ipvlan), AF_PACKET stacks",
     Cause::intercepted, Seen::silence, "something else takes the frame before IP sees it", "", every, nullptr},

    // ------------------------------------------------------------------------------------------ ip: the header itself
    {"ip.other-host", Stage::ip, "net/ipv4/ip_input.c:ip_rcv_core", Cause::wrong_mac, Seen::silence,
     "destination MAC is not ours (a promiscuous capture shows the frame anyway)", "dev.rx_otherhost_dropped", every,
     nullptr},
    {"ip.header", Stage::ip, "net/ipv4/ip_input.c:ip_rcv_core", Cause::bad_ip_header, Seen::silence,
     "IP version, header length or total length is wrong", "Ip.InHdrErrors", every, nullptr},
    {"ip.truncated", Stage::ip, "net/ipv4/ip_input.c:ip_rcv_core", Cause::bad_ip_header, Seen::silence,
     "the frame is shorter than the IP length", "IpExt.InTruncatedPkts", every, nullptr},
    {"ip.checksum", Stage::ip, "net/ipv4/ip_input.c:ip_rcv_core", Cause::bad_ip_checksum, Seen::silence,
     "IP header checksum is wrong", "Ip.InHdrErrors IpExt.InCsumErrors", every,
     [](const Behaviours&, const Facts& f) { return f.ip_checksum_bad; }},

    // ------------------------------------------------------------------------------------------ netfilter: PREROUTING
    {"netfilter.conntrack-full", Stage::netfilter, "net/netfilter/nf_conntrack_core.c:__nf_conntrack_alloc",
     Cause::conntrack_full, Seen::silence, "conntrack holds nf_conntrack_max entries and finds no victim",
     "conntrack.drop", every, nullptr},
    {"netfilter.conntrack-expiring", Stage::netfilter, "net/netfilter/nf_conntrack_core.c:nf_conntrack_in",
     Cause::conntrack_clash, Seen::silence, "the SYN replaces a closed entry that expires at this moment",
     "conntrack.drop", every, nullptr},
    {"netfilter.conntrack-invalid", Stage::netfilter, "net/netfilter/nf_conntrack_proto_tcp.c:nf_conntrack_tcp_packet",
     Cause::conntrack_invalid_drop, Seen::silence,
     "conntrack calls the SYN INVALID (reply direction of a live entry, flags, checksum) and a rule drops INVALID",
     "conntrack.invalid", every, nullptr},
    {"netfilter.prerouting", Stage::netfilter, "net/netfilter/core.c:nf_hook_slow", Cause::netfilter_drop,
     Seen::silence,
     "a PREROUTING rule (raw, mangle, nat; iptables, nft, ipvs, ebtables) drops; only rule counters move", "", every,
     nullptr},

    // ----------------------------------------------------------------------------------------- ip: options and routing
    // ip_rcv_finish_core: a SYN that early demux hands to a socket with a cached route skips the source checks.
    {"ip.zero-net-source", Stage::ip, "net/ipv4/route.c:ip_route_input_slow", Cause::martian_source, Seen::silence,
     "source or destination in 0.0.0.0/8", "rt_cache.in_martian_src rt_cache.in_martian_dst", refuses_net_zero,
     nullptr},
    {"ip.zero-source", Stage::ip, "net/ipv4/route.c:ip_route_input_slow", Cause::martian_source, Seen::silence,
     "source or destination is 0.0.0.0 (the rest of 0.0.0.0/8 passes)",
     "rt_cache.in_martian_src rt_cache.in_martian_dst", refuses_one_zero, nullptr},
    {"ip.martian-source", Stage::ip, "net/ipv4/route.c:ip_route_input_slow", Cause::martian_source, Seen::silence,
     "source is multicast, limited broadcast or loopback (route_localnet=0)", "rt_cache.in_martian_src", every,
     nullptr},
    {"ip.own-source", Stage::ip, "net/ipv4/fib_frontend.c:__fib_validate_source", Cause::martian_source, Seen::silence,
     "source is one of our own addresses, accept_local=0, whatever rp_filter says", "rt_cache.in_martian_src",
     [](const Kernel& k) { return k.behaviours.land_is_martian; }, nullptr},
    {"ip.broadcast-source", Stage::ip, "net/ipv4/fib_frontend.c:__fib_validate_source", Cause::martian_source,
     Seen::silence, "source is the broadcast address of one of our subnets, whatever rp_filter says",
     "rt_cache.in_martian_src", [](const Kernel& k) { return k.behaviours.subnet_broadcast_source_dropped; }, nullptr},
    {"ip.rp-filter", Stage::ip, "net/ipv4/fib_frontend.c:__fib_validate_source", Cause::rp_filter, Seen::silence,
     "max(conf.all.rp_filter, conf.IF.rp_filter) is 1 and the route to the source leaves elsewhere, or 2 and there is "
     "no route to it",
     "TcpExt.IPReversePathFilter", every, nullptr},
    {"ip.not-local", Stage::ip, "net/ipv4/route.c:ip_error", Cause::not_local, Seen::silence,
     "the destination is no address of ours, net.ipv4.ip_forward=0", "Ip.InAddrErrors", every, nullptr},
    {"ip.no-forward-route", Stage::ip, "net/ipv4/route.c:ip_error", Cause::not_local, Seen::icmp,
     "the destination is no address of ours, forwarding is on and has no route", "IpExt.InNoRoutes", every, nullptr},
    {"ip.options", Stage::ip, "net/ipv4/ip_input.c:ip_rcv_options", Cause::ip_options_refused, Seen::silence,
     "bad IP option, or a source route with accept_source_route=0", "Ip.InHdrErrors Ip.InDiscards", every, nullptr},
    {"ip.l2-multicast", Stage::ip, "net/ipv4/ip_input.c:ip_rcv_finish_core", Cause::unicast_in_l2_multicast,
     Seen::silence, "unicast IP in a broadcast or multicast frame with drop_unicast_in_l2_multicast=1", "",
     [](const Kernel& k) { return since(k, 4, 6); }, nullptr},
    {"ip.fragment", Stage::ip, "net/ipv4/ip_fragment.c:ip_defrag", Cause::fragment_lost, Seen::silence,
     "the SYN came in IP fragments that were not all received", "Ip.ReasmFails Ip.ReasmTimeout", every, nullptr},

    // ----------------------------------------------------------------------------------------------- netfilter: INPUT
    {"netfilter.input", Stage::netfilter, "net/netfilter/core.c:nf_hook_slow", Cause::netfilter_drop, Seen::silence,
     "an INPUT rule drops (also limit, connlimit, recent); only rule counters move", "", every, nullptr},
    {"netfilter.reject", Stage::netfilter, "net/ipv4/netfilter/nf_reject_ipv4.c:nf_send_unreach",
     Cause::netfilter_reject, Seen::icmp, "an INPUT rule rejects with ICMP", "", every, nullptr},
    {"netfilter.reject-reset", Stage::netfilter, "net/ipv4/netfilter/nf_reject_ipv4.c:nf_send_reset",
     Cause::netfilter_reject, Seen::rst, "an INPUT rule rejects with tcp-reset; Tcp.OutRsts does not move", "", every,
     nullptr},
    {"netfilter.intercepted", Stage::netfilter, "TPROXY, IPVS, SYNPROXY, nf_queue", Cause::intercepted, Seen::silence,
     "a rule hands the SYN to something that answers, or does not, in its own way", "", every, nullptr},
    {"netfilter.conntrack-clash", Stage::netfilter, "net/netfilter/nf_conntrack_core.c:__nf_conntrack_confirm",
     Cause::conntrack_clash, Seen::silence,
     "another packet confirmed the same tuple first, the entry is dying, or the hash chain is too long",
     "conntrack.insert_failed conntrack.clashres conntrack.chainlength", every, nullptr},

    // --------------------------------------------------------------------------------------------- tcp_input: the
    // header
    {"tcp.l2-broadcast", Stage::tcp_input, "net/ipv4/tcp_ipv4.c:tcp_v4_rcv", Cause::wrong_mac, Seen::silence,
     "the frame was an L2 broadcast or multicast", "", every, nullptr},
    {"tcp.header", Stage::tcp_input, "net/ipv4/tcp_ipv4.c:tcp_v4_rcv", Cause::bad_tcp_header, Seen::silence,
     "the segment is shorter than 20 bytes or than its data offset, or that is below 5", "Tcp.InErrs", every,
     [](const Behaviours&, const Facts& f) { return f.tcp_header_bad; }},
    {"tcp.checksum", Stage::tcp_input, "net/ipv4/tcp_ipv4.c:tcp_v4_rcv", Cause::bad_tcp_checksum, Seen::silence,
     "TCP checksum is wrong", "Tcp.InErrs Tcp.InCsumErrors", every,
     [](const Behaviours&, const Facts& f) { return f.tcp_checksum_bad; }},

    // ------------------------------------------------------------------------------------------- lookup: whose SYN is
    // it
    {"lookup.bpf", Stage::lookup, "net/core/filter.c:bpf_sk_lookup, reuseport_select_sock", Cause::bpf_lookup_drop,
     Seen::rst, "a sk_lookup or sk_reuseport program returns SK_DROP", "Tcp.OutRsts",
     [](const Kernel& k) { return since(k, 4, 19); }, nullptr},
    {"lookup.elsewhere", Stage::lookup, "net/ipv4/inet_hashtables.c:__inet_lookup_listener", Cause::listener_elsewhere,
     Seen::rst,
     "the listener is bound to another address, device, VRF or namespace, is IPv6-only, or never called listen()",
     "Tcp.OutRsts", every, nullptr},
    {"lookup.no-listener", Stage::lookup, "net/ipv4/tcp_ipv4.c:tcp_v4_rcv, tcp_v4_send_reset", Cause::no_listener,
     Seen::rst, "no socket owns the 4-tuple and nobody listens", "Tcp.OutRsts", every,
     [](const Behaviours&, const Facts& f) { return !f.listening && !f.via_time_wait; }},

    // ---------------------------------------------------------------------- time_wait: an old connection's last minute
    {"time-wait.psp", Stage::time_wait, "net/ipv4/tcp_minisocks.c:tcp_timewait_state_process", Cause::psp_refused,
     Seen::silence, "PSP state of the old connection does not match", "", has_psp, nullptr},
    {"time-wait.fin-wait2-outside", Stage::time_wait, "net/ipv4/tcp_minisocks.c:tcp_timewait_state_process",
     Cause::fin_wait2_collision, Seen::bare_ack,
     "the old connection waits for the client's FIN (FIN_WAIT2); the SYN is outside its window or has an older TSval",
     "", every, nullptr},
    {"time-wait.fin-wait2-inside", Stage::time_wait, "net/ipv4/tcp_minisocks.c:tcp_timewait_state_process",
     Cause::fin_wait2_collision, Seen::rst,
     "the old connection waits for the client's FIN (FIN_WAIT2); the SYN is inside its window and ends it",
     "Tcp.OutRsts", every, nullptr},
    {"time-wait.fin-wait2-rate-limit", Stage::time_wait, "net/ipv4/tcp_minisocks.c:tcp_timewait_check_oow_rate_limit",
     Cause::ack_rate_limited, Seen::silence, "FIN_WAIT2 already answered an ACK within net.ipv4.tcp_invalid_ratelimit",
     "TcpExt.TCPACKSkippedFinWait2", limits_duplicates, nullptr},
    {"time-wait.paws", Stage::time_wait, "net/ipv4/tcp_minisocks.c:tcp_timewait_state_process",
     Cause::time_wait_refused, Seen::bare_ack, "TSval older than the old connection's last; the 60 s start again",
     "TcpExt.PAWSEstab TcpExt.PAWSTimewait", every, nullptr},
    {"time-wait.sequence", Stage::time_wait, "net/ipv4/tcp_minisocks.c:tcp_timewait_state_process",
     Cause::time_wait_refused, Seen::bare_ack,
     "sequence number not after the old connection's rcv_nxt, and TSval not newer than its last", "", every, nullptr},
    {"time-wait.rate-limit", Stage::time_wait, "net/ipv4/tcp_minisocks.c:tcp_timewait_check_oow_rate_limit",
     Cause::ack_rate_limited, Seen::silence,
     "an unacceptable SYN, but the old connection sent an ACK within net.ipv4.tcp_invalid_ratelimit",
     "TcpExt.TCPACKSkippedTimeWait", limits_duplicates, nullptr},
    {"time-wait.no-listener", Stage::time_wait, "net/ipv4/tcp_ipv4.c:tcp_v4_timewait_ack", Cause::time_wait_refused,
     Seen::bare_ack, "the SYN could reopen the 4-tuple, but nobody listens any more", "", every,
     [](const Behaviours&, const Facts& f) { return f.via_time_wait && !f.listening; }},
    {"time-wait.race", Stage::time_wait, "net/ipv4/tcp_ipv4.c:tcp_v4_hnd_req", Cause::time_wait_refused, Seen::silence,
     "the SYN waited in the listener's backlog while its 4-tuple entered TIME_WAIT", "", locked, nullptr},

    // ------------------------------------------------------------------------- request: SYN_RECV, in tcp_check_req's
    // order
    {"request.rate-limit", Stage::request, "net/ipv4/tcp_minisocks.c:tcp_check_req", Cause::ack_rate_limited,
     Seen::silence, "repeated SYN, but the SYN+ACK was repeated within net.ipv4.tcp_invalid_ratelimit",
     "TcpExt.TCPACKSkippedSynRecv", limits_duplicates, nullptr},
    {"request.paws", Stage::request, "net/ipv4/tcp_minisocks.c:tcp_check_req", Cause::syn_recv_collision,
     Seen::bare_ack, "TSval older than that of the pending SYN (another host behind the NAT)", "TcpExt.PAWSEstab",
     every, nullptr},
    {"request.other-isn", Stage::request, "net/ipv4/tcp_minisocks.c:tcp_check_req", Cause::syn_recv_collision,
     Seen::bare_ack, "a different ISN, outside the pending request's window", "", every, nullptr},
    {"request.in-window", Stage::request, "net/ipv4/tcp_minisocks.c:tcp_check_req", Cause::syn_recv_collision,
     Seen::rst, "a different ISN inside the window: the pending request is destroyed",
     "TcpExt.EmbryonicRsts Tcp.AttemptFails Tcp.OutRsts", every, nullptr},

    // --------------------------------------------------------------------------------- full_socket: the tuple is in
    // use
    {"full-socket.backlog", Stage::full_socket, "net/ipv4/tcp_ipv4.c:tcp_add_backlog", Cause::established_collision,
     Seen::silence, "the connection is locked by its process and its backlog is full", "TcpExt.TCPBacklogDrop", every,
     nullptr},
    {"full-socket.closed", Stage::full_socket, "net/ipv4/tcp_input.c:tcp_rcv_state_process",
     Cause::established_collision, Seen::silence, "the socket is in CLOSE", "", every, nullptr},
    {"full-socket.ignored", Stage::full_socket, "net/ipv4/tcp_input.c:tcp_rcv_established",
     Cause::established_collision, Seen::silence,
     "the connection lives; a segment with neither ACK nor RST is thrown away", "",
     [](const Kernel& k) { return k.behaviours.syn_on_established == SynOnEstablished::ignored; }, nullptr},
    {"full-socket.paws", Stage::full_socket, "net/ipv4/tcp_input.c:tcp_validate_incoming", Cause::established_collision,
     Seen::bare_ack, "the connection lives and the SYN's TSval is older than its last: duplicate ACK",
     "TcpExt.PAWSEstab",
     [](const Kernel& k) {
         return resets_in_window(k) || k.behaviours.syn_on_established == SynOnEstablished::challenge;
     },
     nullptr},
    {"full-socket.reset", Stage::full_socket, "net/ipv4/tcp_input.c:tcp_validate_incoming",
     Cause::established_collision, Seen::rst, "the SYN is in the window of a live connection, which dies of it",
     "TcpExt.TCPAbortOnSyn Tcp.InErrs Tcp.OutRsts", resets_in_window, nullptr},
    {"full-socket.duplicate-ack", Stage::full_socket, "net/ipv4/tcp_input.c:tcp_validate_incoming",
     Cause::established_collision, Seen::bare_ack, "the SYN is outside the window of a live connection",
     "TcpExt.DelayedACKLost", resets_in_window, nullptr},
    {"full-socket.challenge", Stage::full_socket, "net/ipv4/tcp_input.c:tcp_send_challenge_ack",
     Cause::established_collision, Seen::bare_ack, "the connection lives: challenge ACK (RFC 5961)",
     "TcpExt.TCPSYNChallenge TcpExt.TCPChallengeACK Tcp.InErrs", challenges, nullptr},
    {"full-socket.rate-limit", Stage::full_socket, "net/ipv4/tcp_input.c:tcp_oow_rate_limited", Cause::ack_rate_limited,
     Seen::silence, "a challenge ACK was sent within net.ipv4.tcp_invalid_ratelimit",
     "TcpExt.TCPSYNChallenge TcpExt.TCPACKSkippedChallenge Tcp.InErrs",
     [](const Kernel& k) { return challenges(k) && k.behaviours.established_reply_rate_limited; }, nullptr},
    {"full-socket.host-limit", Stage::full_socket, "net/ipv4/tcp_input.c:tcp_send_challenge_ack",
     Cause::ack_rate_limited, Seen::silence,
     "the host sent net.ipv4.tcp_challenge_ack_limit challenge ACKs this second", "TcpExt.TCPSYNChallenge Tcp.InErrs",
     [](const Kernel& k) { return challenges(k) && !since(k, 6, 1); }, nullptr},

    // --------------------------------------------------------------------- tcp_input: what the listener's socket
    // refuses
    {"tcp.min-ttl", Stage::tcp_input, "net/ipv4/tcp_ipv4.c:tcp_v4_rcv", Cause::min_ttl, Seen::silence,
     "TTL below IP_MINTTL (IPV6_MINHOPCOUNT) of the listener", "TcpExt.TCPMinTTLDrop sk_drops",
     [](const Kernel& k) { return k.behaviours.min_ttl_exists; },
     [](const Behaviours& b, const Facts& f) { return b.min_ttl_exists && f.below_min_ttl; }},
    {"tcp.xfrm", Stage::tcp_input, "net/xfrm/xfrm_policy.c:__xfrm_policy_check", Cause::xfrm_refused, Seen::silence,
     "an inbound IPsec policy wants protection that the SYN lacks",
     "xfrm.XfrmInNoPols xfrm.XfrmInTmplMismatch xfrm.XfrmInPolBlock sk_drops", every, nullptr},
    {"tcp.md5-malformed", Stage::tcp_input, "net/ipv4/tcp_input.c:tcp_do_parse_auth_options", Cause::md5_wrong,
     Seen::silence, "a malformed or repeated MD5 or AO option", "sk_drops",
     [](const Kernel& k) { return k.behaviours.malformed_md5_dropped; }, nullptr},
    {"tcp.md5-missing", Stage::tcp_input, "net/ipv4/tcp.c:tcp_inbound_hash", Cause::md5_missing, Seen::silence,
     "the listener has an MD5 key for this client and the SYN is unsigned", "TcpExt.TCPMD5NotFound sk_drops", every,
     nullptr},
    {"tcp.md5-unexpected", Stage::tcp_input, "net/ipv4/tcp.c:tcp_inbound_md5_hash", Cause::md5_unexpected,
     Seen::silence, "the SYN is signed and the listener has no key for this client", "TcpExt.TCPMD5Unexpected sk_drops",
     every, nullptr},
    {"tcp.md5-wrong", Stage::tcp_input, "net/ipv4/tcp.c:tcp_inbound_md5_hash", Cause::md5_wrong, Seen::silence,
     "the MD5 signature is wrong", "TcpExt.TCPMD5Failure sk_drops", every, nullptr},
    {"tcp.ao", Stage::tcp_input, "net/ipv4/tcp_ao.c:tcp_inbound_ao_hash", Cause::ao_refused, Seen::silence,
     "TCP-AO signature required, unknown key or wrong",
     "TcpExt.TCPAORequired TcpExt.TCPAOBad TcpExt.TCPAOKeyNotFound sk_drops", has_ao, nullptr},
    {"tcp.pfmemalloc", Stage::tcp_input, "net/core/filter.c:sk_filter_trim_cap", Cause::pfmemalloc_drop, Seen::silence,
     "the page came from the emergency reserve and the socket does not swap", "TcpExt.PFMemallocDrop sk_drops",
     [](const Kernel& k) { return since(k, 3, 6); }, nullptr},
    {"tcp.socket-filter", Stage::tcp_input, "net/core/filter.c:sk_filter_trim_cap", Cause::socket_filter, Seen::silence,
     "cgroup ingress program, LSM packet hook or the listener's SO_ATTACH_FILTER/BPF says drop", "sk_drops", every,
     [](const Behaviours&, const Facts& f) { return f.filtered; }},
    {"tcp.psp", Stage::tcp_input, "net/ipv4/tcp_ipv4.c:tcp_v4_do_rcv", Cause::psp_refused, Seen::silence,
     "PSP policy of the socket", "Tcp.InErrs", has_psp, nullptr},
    {"tcp.listener-backlog", Stage::tcp_input, "net/core/sock.c:sk_add_backlog", Cause::listener_backlog_full,
     Seen::silence,
     "the process holds the listener's lock (accept, setsockopt) and its backlog is over sk_rcvbuf + sk_sndbuf",
     "TcpExt.TCPBacklogDrop", [](const Kernel& k) { return locked(k) && (since(k, 2, 6, 34) || is_el6(k)); }, nullptr},

    // ------------------------------------------------------------------------ listen: tcp_rcv_state_process,
    // tcp_conn_request
    {"listen.flags", Stage::listen, "net/ipv4/tcp_input.c:tcp_rcv_state_process", Cause::bad_flags, Seen::silence,
     "the SYN also has FIN or RST", "", every, [](const Behaviours&, const Facts& f) { return f.flags_fin_or_rst; }},
    {"listen.broadcast-destination", Stage::listen, "net/ipv4/tcp_ipv4.c:tcp_v4_conn_request",
     Cause::broadcast_destination, Seen::silence, "the destination is one of our broadcast or multicast addresses",
     "TcpExt.ListenDrops sk_drops", every, [](const Behaviours&, const Facts& f) { return f.broadcast_destination; }},
    {"listen.mapped-source", Stage::listen, "net/ipv6/tcp_ipv6.c:tcp_v6_conn_request", Cause::martian_source,
     Seen::silence, "IPv6 with a v4-mapped source", "Ip6.InHdrErrors", [](const Kernel& k) { return since(k, 5, 11); },
     nullptr},
    {"listen.syn-queue", Stage::listen, "net/ipv4/tcp_input.c:tcp_syn_flood_action", Cause::syn_queue_full,
     Seen::silence, "the SYN queue is full, tcp_syncookies=0, and the SYN did not reopen a TIME_WAIT",
     "TcpExt.TCPReqQFullDrop TcpExt.ListenDrops sk_drops", every, condition::refused_by_syn_queue},
    {"listen.cookie", Stage::listen, "net/ipv4/tcp_input.c:tcp_syn_flood_action", Cause::syn_queue_full, Seen::cookie,
     "the SYN queue is full (or tcp_syncookies=2 where that exists): a cookie instead of a request, if the rows below "
     "let the SYN through",
     "TcpExt.TCPReqQFullDoCookies TcpExt.SyncookiesSent TcpExt.ListenDrops", every, condition::becomes_cookie},
    {"listen.accept-queue", Stage::listen, "net/ipv4/tcp_input.c:tcp_conn_request", Cause::accept_queue_full,
     Seen::silence,
     "the accept queue is longer than the backlog (up to 4.3: and more than one request is young); cookies do not help",
     "TcpExt.ListenOverflows TcpExt.ListenDrops sk_drops", every, condition::refused_by_accept_queue},
    {"listen.reuseport-member", Stage::listen, "net/core/sock_reuseport.c:reuseport_select_sock",
     Cause::reuseport_stuck_member, Seen::silence,
     "the accept queue of one member of a SO_REUSEPORT group is full: its share of client ports always lands there",
     "TcpExt.ListenOverflows TcpExt.ListenDrops sk_drops", [](const Kernel& k) { return since(k, 3, 9) || is_el6(k); },
     nullptr},
    {"listen.request-alloc", Stage::listen, "net/ipv4/tcp_input.c:inet_reqsk_alloc", Cause::request_alloc_failed,
     Seen::silence, "no memory for a request", "TcpExt.ListenDrops sk_drops", every, nullptr},
    {"listen.lsm", Stage::listen, "security/security.c:security_inet_conn_request", Cause::lsm_refused, Seen::silence,
     "SELinux, Smack, NetLabel or a BPF LSM refuses the connection", "TcpExt.ListenDrops sk_drops", every, nullptr},
    {"listen.mptcp-join", Stage::listen, "net/mptcp/subflow.c:subflow_v4_route_req", Cause::mptcp_join_refused,
     Seen::rst, "MPTCP join with an unknown token or refused by the path manager", "TcpExt.ListenDrops sk_drops",
     [](const Kernel& k) { return since(k, 5, 6); }, nullptr},
    {"listen.route", Stage::listen, "net/ipv4/tcp_ipv4.c:tcp_v4_route_req, inet_csk_route_req", Cause::no_route_back,
     Seen::silence, "no route back to the client (none, blackhole, unreachable, prohibit, strict source route)",
     "Ip.OutNoRoutes TcpExt.ListenDrops sk_drops",
     [](const Kernel& k) { return condition::route_before_quarter(k.behaviours); },
     [](const Behaviours& b, const Facts& f) { return condition::route_before_quarter(b) && !f.route_back; }},
    {"listen.host-paws", Stage::listen, "net/ipv4/tcp_metrics.c:tcp_peer_is_proven", Cause::per_host_paws,
     Seen::silence,
     "tcp_tw_recycle=1; a connection from this address, closed by the server less than 60 s ago, had a TSval 2 or more "
     "ticks newer (3.17 .. 4.11, el7: or the SYN has no timestamp); no cookie, no TIME_WAIT",
     "TcpExt.PAWSPassive TcpExt.ListenDrops sk_drops", recycles, condition::refused_by_host_paws},
    {"listen.quarter", Stage::listen, "net/ipv4/tcp_input.c:tcp_conn_request", Cause::syn_backlog_quarter,
     Seen::silence, "tcp_syncookies=0, less than a quarter of tcp_max_syn_backlog is free, and the client is not known",
     "TcpExt.ListenDrops sk_drops", every, condition::refused_by_quarter},
    {"listen.route-last", Stage::listen, "net/ipv4/tcp_ipv4.c:inet_csk_route_req", Cause::no_route_back, Seen::silence,
     "no route back to the client (none, blackhole, unreachable, prohibit, strict source route)",
     "Ip.OutNoRoutes TcpExt.ListenDrops sk_drops",
     [](const Kernel& k) { return !condition::route_before_quarter(k.behaviours); },
     [](const Behaviours& b, const Facts& f) { return !condition::route_before_quarter(b) && !f.route_back; }},
    {"listen.ao-options", Stage::listen, "net/ipv4/tcp_input.c:tcp_conn_request", Cause::ao_refused, Seen::silence,
     "malformed TCP-AO options", "TcpExt.ListenDrops sk_drops", has_ao, nullptr},
    {"listen.send-failed", Stage::listen, "net/ipv4/tcp_ipv4.c:tcp_v4_send_synack", Cause::syn_ack_filtered,
     Seen::silence, "the SYN+ACK could not be built or an OUTPUT rule dropped it: the request is freed",
     "TcpExt.ListenDrops", [](const Kernel& k) { return k.behaviours.send_failure_drops_syn; }, nullptr},
    {"listen.duplicate-request", Stage::listen, "net/ipv4/inet_connection_sock.c:inet_csk_reqsk_queue_hash_add",
     Cause::duplicate_request_race, Seen::silence, "another CPU queued the same 4-tuple first (its SYN+ACK goes out)",
     "", [](const Kernel& k) { return since(k, 6, 9); }, nullptr},
    {"listen.fast-open", Stage::listen, "net/ipv4/tcp_input.c:tcp_conn_request", Cause::fast_open_undone, Seen::synack,
     "the Fast Open child was answered, then the listener closed", "TcpExt.ListenDrops sk_drops", lockless, nullptr},

    // ------------------------------------------------------------------------------ reply: built, but not seen by the
    // client
    {"reply.output-filter", Stage::reply, "net/netfilter/core.c:nf_hook_slow", Cause::syn_ack_filtered, Seen::silence,
     "an OUTPUT or POSTROUTING rule drops the SYN+ACK; the request goes at its first timer", "TcpExt.TCPTimeouts",
     lockless, nullptr},
    {"reply.cgroup", Stage::reply, "kernel/bpf/cgroup.c:__cgroup_bpf_run_filter_skb", Cause::syn_ack_filtered,
     Seen::silence, "a cgroup egress program drops the SYN+ACK (not measured)", "TcpExt.TCPTimeouts",
     [](const Kernel& k) { return since(k, 4, 10); }, nullptr},
    {"reply.xfrm", Stage::reply, "net/xfrm/xfrm_output.c:xfrm_output", Cause::xfrm_refused, Seen::silence,
     "outbound IPsec has no usable state", "xfrm.XfrmOutNoStates xfrm.XfrmOutPolBlock", every, nullptr},
    {"reply.other-interface", Stage::reply, "net/ipv4/route.c:ip_route_output_flow", Cause::syn_ack_other_interface,
     Seen::silence, "the route back leaves by another interface, where nobody captures or somebody filters", "", every,
     nullptr},
    {"reply.neighbour", Stage::reply, "net/core/neighbour.c:__neigh_event_send", Cause::syn_ack_neighbour,
     Seen::silence, "the next hop's MAC is not resolved: ARP or NDP stays unanswered",
     "arp_cache.unresolved_discards arp_cache.table_fulls", every, nullptr},
    {"reply.tc-egress", Stage::reply, "net/core/dev.c:sch_handle_egress", Cause::syn_ack_qdisc, Seen::silence,
     "a clsact egress filter drops the SYN+ACK", "", [](const Kernel& k) { return since(k, 4, 5); }, nullptr},
    {"reply.qdisc", Stage::reply, "net/core/dev.c:__dev_xmit_skb", Cause::syn_ack_qdisc, Seen::silence,
     "the queueing discipline drops the SYN+ACK; TCP takes congestion for success", "", every, nullptr},
    {"reply.capture-blind", Stage::reply, "the place of the capture", Cause::capture_blind, Seen::synack,
     "the SYN+ACK went out where this capture does not look", "", every, nullptr},
    {"reply.lost", Stage::reply, "the network", Cause::syn_ack_lost, Seen::silence,
     "the SYN+ACK left the server and did not arrive", "TcpExt.TCPTimeouts TcpExt.TCPSynRetrans Tcp.RetransSegs", every,
     nullptr},

    // ---------------------------------------------------------------------------------- final_ack: the third packet
    {"final-ack.lost", Stage::final_ack, "the network", Cause::final_ack_lost, Seen::synack_repeated,
     "the client's ACK did not arrive", "TcpExt.TCPTimeouts TcpExt.TCPSynRetrans Tcp.RetransSegs", every, nullptr},
    {"final-ack.wrong-number", Stage::final_ack, "net/ipv4/tcp_minisocks.c:tcp_check_req", Cause::final_ack_invalid,
     Seen::rst, "acknowledges something else than our ISN+1", "Tcp.OutRsts", every, nullptr},
    {"final-ack.tsecr", Stage::final_ack, "net/ipv4/tcp_minisocks.c:tcp_check_req", Cause::final_ack_invalid,
     Seen::bare_ack, "TSecr is no TSval of our SYN+ACKs", "TcpExt.TSEcrRejected",
     [](const Kernel& k) { return k.behaviours.tsecr_checked; }, nullptr},
    {"final-ack.out-of-window", Stage::final_ack, "net/ipv4/tcp_minisocks.c:tcp_check_req", Cause::final_ack_invalid,
     Seen::bare_ack, "outside the window, or TSval older than the SYN's", "TcpExt.PAWSEstab", every, nullptr},
    {"final-ack.defer-accept", Stage::final_ack, "net/ipv4/tcp_minisocks.c:tcp_check_req", Cause::defer_accept,
     Seen::silence, "TCP_DEFER_ACCEPT waits for data", "TcpExt.TCPDeferAcceptDrop", every, nullptr},
    {"final-ack.accept-queue", Stage::final_ack, "net/ipv4/tcp_ipv4.c:tcp_v4_syn_recv_sock", Cause::final_ack_refused,
     Seen::synack_repeated,
     "the accept queue is longer than the backlog, tcp_abort_on_overflow=0: the client believes it is connected",
     "TcpExt.ListenOverflows TcpExt.ListenDrops", every, nullptr},
    {"final-ack.abort", Stage::final_ack, "net/ipv4/tcp_minisocks.c:tcp_check_req", Cause::aborted_on_overflow,
     Seen::rst, "the accept queue is longer than the backlog, tcp_abort_on_overflow=1",
     "TcpExt.ListenOverflows TcpExt.ListenDrops TcpExt.EmbryonicRsts Tcp.OutRsts", every, nullptr},
    {"final-ack.child-failed", Stage::final_ack, "net/ipv4/tcp_ipv4.c:tcp_v4_syn_recv_sock", Cause::final_ack_refused,
     Seen::synack_repeated, "no memory, route or port for the new socket", "TcpExt.ListenDrops", every, nullptr},
    {"final-ack.cookie-full", Stage::final_ack, "net/ipv4/syncookies.c:cookie_v4_check", Cause::cookie_ack_refused,
     Seen::silence, "a valid cookie meets a full accept queue; tcp_abort_on_overflow does not apply",
     "TcpExt.SyncookiesRecv TcpExt.ListenOverflows TcpExt.ListenDrops", every, nullptr},
    {"final-ack.cookie-invalid", Stage::final_ack, "net/ipv4/syncookies.c:cookie_v4_check", Cause::cookie_ack_refused,
     Seen::rst, "no overflow was recorded recently enough, or the cookie is wrong",
     "TcpExt.SyncookiesFailed Tcp.OutRsts", every, nullptr},
    {"final-ack.reuseport-closed", Stage::final_ack, "net/ipv4/tcp_ipv4.c:tcp_v4_rcv", Cause::reuseport_member_closed,
     Seen::rst, "the SO_REUSEPORT member that holds the request was closed and tcp_migrate_req is not there or 0",
     "Tcp.OutRsts TcpExt.TCPMigrateReqFailure", [](const Kernel& k) { return since(k, 3, 9) || is_el6(k); }, nullptr},
};

/// Asks one row of the listener; true when the walk ends here.
template <std::size_t index>
inline bool ends_at([[maybe_unused]] ListenDecision& decision, [[maybe_unused]] const Behaviours& kernel,
                    [[maybe_unused]] const Facts& facts) {
    constexpr const Row& row = kRows[index];
    if constexpr (row.stage == Stage::listen && row.applies != nullptr) {
        if (!row.applies(kernel, facts)) return false;
        decision.row = &row;
        if constexpr (row.seen == Seen::cookie) {
            decision.kind = ListenDecision::Kind::cookie;
            decision.cookie_chosen = true;
            return false;
        } else {
            decision.kind = ListenDecision::Kind::refuse;
            return true;
        }
    }
    return false;
}

/// The walk is unrolled over the table at compile time, because the model decides millions of SYNs a second.
template <std::size_t... indices>
inline ListenDecision walk(const Behaviours& kernel, const Facts& facts, std::index_sequence<indices...>) {
    ListenDecision decision;
    static_cast<void>((ends_at<indices>(decision, kernel, facts) || ...));
    return decision;
}

}  // namespace

std::span<const Row> path_rows() { return kRows; }

ListenDecision decide_listen(const Behaviours& kernel, const Facts& facts) {
    return walk(kernel, facts, std::make_index_sequence<std::size(kRows)>{});
}

}  // namespace synwhy::core
