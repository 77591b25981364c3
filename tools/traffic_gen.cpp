// What does a busy server's traffic look like, reproducibly, as a pcap file?
//
// synwhy_traffic writes captures for benchmarks: the same kind, packet count and seed give the same bytes on every
// machine. Clients connect from a pool of 4-tuples that come back; servers have overload windows in which they answer
// no SYN, and one port that is closed. All checksums are right. Left out: loss, reordering, anything a kernel decides.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::int64_t kMicrosecond = 1, kMillisecond = 1000 * kMicrosecond, kSecond = 1000 * kMillisecond;
constexpr std::int64_t kEpochUs = 1'700'000'000 * kSecond;  ///< time of the first packet
constexpr std::uint64_t kServers = 8;                       ///< the last one listens to nothing: RST
constexpr std::uint64_t kClientHosts = 50'000;
constexpr std::uint16_t kMss = 1448;  ///< payload of a full segment with timestamps
constexpr std::array<std::int64_t, 4> kSynTimes{0, 1 * kSecond, 3 * kSecond, 7 * kSecond};

constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10;

/// splitmix64 (Steele, Lea, Flood 2014): a number for every number, the same on every machine.
std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/// What makes one kind of traffic differ from another.
struct Kind {
    std::string_view name;
    std::uint32_t snap_length;
    double packets_per_attempt;  ///< measured; sizes the pool of 4-tuples
    double attempts_per_tuple;
    unsigned ipv6_percent;
    unsigned vlan_percent;
    std::int64_t overload_us;  ///< of every kOverloadPeriod
    bool data;
};
constexpr std::int64_t kOverloadPeriod = 4 * kSecond;
constexpr std::array kKinds{
    Kind{"syn", 65535, 5.0, 3.5, 0, 0, 400 * kMillisecond, false},
    Kind{"mixed", 65535, 28.0, 1.5, 15, 12, 120 * kMillisecond, true},
    Kind{"mixed96", 96, 28.0, 1.5, 15, 12, 120 * kMillisecond, true},
};

/// What the next packet of a connection is. Order is the order of a life.
enum class Step : std::uint8_t {
    syn,
    syn_ack,
    closed_rst,
    final_ack,
    request,
    response,
    response_ack,
    client_rst,
    client_fin,
    server_fin,
    last_ack
};

struct Flow {
    std::uint64_t tuple = 0;  ///< hash that the addresses are made of
    std::uint32_t client_isn = 0;
    std::uint32_t server_isn = 0;
    std::uint32_t client_sent = 0;  ///< payload bytes
    std::uint32_t server_sent = 0;
    std::int64_t start_us = 0;
    std::int64_t round_trip_us = 0;
    std::uint16_t segments_left = 0;
    std::uint8_t copies = 0;  ///< SYNs sent
    bool ipv6 = false;
    bool vlan = false;
    bool timestamps = false;
    bool resets = false;  ///< a probe: RST right after the handshake
    Step step = Step::syn;
};

struct Event {
    std::int64_t time_us;
    std::uint64_t order;  ///< of creation: makes equal times deterministic
    std::uint32_t flow;

    friend bool operator>(const Event& a, const Event& b) {
        return a.time_us != b.time_us ? a.time_us > b.time_us : a.order > b.order;
    }
};

/// Facts about what was written, for the one who compares.
struct Summary {
    std::uint64_t packets = 0, wire_bytes = 0, syns = 0, attempts = 0, unanswered_syns = 0, refused_syns = 0;
};

/// Internet checksum (RFC 1071) over `bytes`, continued from `sum`; not yet folded.
std::uint32_t add_words(std::uint32_t sum, const std::uint8_t* bytes, std::size_t count) {
    for (std::size_t i = 0; i + 1 < count; i += 2) sum += std::uint32_t{bytes[i]} << 8 | bytes[i + 1];
    return sum;
}
std::uint16_t fold(std::uint32_t sum) {
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

/// A frame under construction. Payload is all zeros and never stored before it is written: it adds nothing to a sum.
class Frame {
  public:
    void u8(unsigned v) { bytes_[size_++] = static_cast<std::uint8_t>(v); }
    void u16(unsigned v) { u8(v >> 8), u8(v & 0xff); }
    void u32(std::uint32_t v) { u16(v >> 16), u16(v & 0xffff); }
    void put16(std::size_t at, unsigned v) {
        bytes_[at] = static_cast<std::uint8_t>(v >> 8);
        bytes_[at + 1] = static_cast<std::uint8_t>(v);
    }
    [[nodiscard]] const std::uint8_t* data() const { return bytes_.data(); }
    [[nodiscard]] std::size_t size() const { return size_; }

  private:
    std::array<std::uint8_t, 160> bytes_{};
    std::size_t size_ = 0;
};

/// pcap, microseconds, this machine's byte order, Ethernet.
class PcapWriter {
  public:
    PcapWriter(std::FILE* out, std::uint32_t snap_length) : out_(out), snap_length_(snap_length) {
        struct {
            std::uint32_t magic;
            std::uint16_t major, minor;
            std::uint32_t zone, accuracy, snap, link;
        } const header{0xa1b2c3d4, 2, 4, 0, 0, snap_length, 1};
        write(&header, sizeof header);
    }

    void packet(std::int64_t time_us, const Frame& frame, std::uint32_t payload) {
        static constexpr std::array<std::uint8_t, kMss> kZeros{};
        const auto wire = static_cast<std::uint32_t>(frame.size()) + payload;
        const auto kept = std::min(wire, snap_length_);
        const std::array<std::uint32_t, 4> record{static_cast<std::uint32_t>(time_us / kSecond),
                                                  static_cast<std::uint32_t>(time_us % kSecond), kept, wire};
        write(record.data(), sizeof record);
        const auto head = std::min<std::size_t>(kept, frame.size());
        write(frame.data(), head);
        write(kZeros.data(), kept - head);
    }
    [[nodiscard]] bool good() const { return good_; }

  private:
    void write(const void* data, std::size_t size) { good_ = good_ && std::fwrite(data, 1, size, out_) == size; }

    std::FILE* out_;
    std::uint32_t snap_length_;
    bool good_ = true;
};

class Traffic {
  public:
    Traffic(const Kind& kind, std::uint64_t packets, std::uint64_t seed, PcapWriter& out)
        : kind_(kind), limit_(packets), seed_(mix(seed)), out_(out) {
        const auto attempts = static_cast<double>(packets) / kind.packets_per_attempt;
        pool_ = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(attempts / kind.attempts_per_tuple));
        // A 4-tuple comes back after 75 s: its last life, retransmits and the client's TIME_WAIT included, is over.
        arrival_gap_us_ = std::max<std::int64_t>(1, 75 * kSecond / static_cast<std::int64_t>(pool_));
    }

    Summary run() {
        while (summary_.packets < limit_ && out_.good()) {
            if (events_.empty() || next_arrival_us_ <= events_.top().time_us) {
                arrive();
                continue;
            }
            const Event event = events_.top();
            events_.pop();
            advance(event);
        }
        return summary_;
    }

  private:
    void arrive() {
        std::uint32_t index = 0;
        if (free_.empty()) {
            index = static_cast<std::uint32_t>(flows_.size());
            flows_.emplace_back();
        } else {
            index = free_.back();
            free_.pop_back();
        }
        const std::uint64_t dice = mix(seed_ ^ mix(summary_.attempts));
        Flow flow{};
        flow.tuple = mix(seed_ + summary_.attempts % pool_);
        flow.client_isn = static_cast<std::uint32_t>(dice);
        flow.server_isn = static_cast<std::uint32_t>(mix(dice));
        flow.start_us = next_arrival_us_;
        flow.round_trip_us = 2 * kMillisecond + static_cast<std::int64_t>(host_of(flow) % 90) * kMillisecond;
        flow.ipv6 = host_of(flow) % 100 < kind_.ipv6_percent;
        flow.vlan = (host_of(flow) / 100) % 100 < kind_.vlan_percent;
        flow.timestamps = host_of(flow) % 5 != 0;  // one client in five speaks without timestamps
        flow.resets = !kind_.data && (dice >> 32) % 2 == 0;
        flow.segments_left = static_cast<std::uint16_t>(4 + (dice >> 40) % 21);
        flows_[index] = flow;
        schedule(index, next_arrival_us_);
        ++summary_.attempts;
        next_arrival_us_ +=
            1 + static_cast<std::int64_t>(mix(dice + 1) % (2 * static_cast<std::uint64_t>(arrival_gap_us_)));
    }

    void schedule(std::uint32_t index, std::int64_t time_us) { events_.push({time_us, order_++, index}); }
    void next(std::uint32_t index, Step step, std::int64_t time_us) {
        flows_[index].step = step;
        schedule(index, time_us);
    }

    /// Sends the packet that is due and says what comes after it.
    void advance(const Event& event) {
        Flow& flow = flows_[event.flow];
        const std::uint32_t index = event.flow;
        const std::int64_t now = event.time_us, server_turn = now + 60 * kMicrosecond;
        const std::int64_t client_turn = now + flow.round_trip_us;
        switch (flow.step) {
            case Step::syn: return syn(index, now);
            case Step::syn_ack: send(flow, now, true, kSyn | kAck, 0); return next(index, Step::final_ack, client_turn);
            case Step::closed_rst: send(flow, now, true, kRst | kAck, 0); return finish(index);
            case Step::final_ack:
                send(flow, now, false, kAck, 0);
                if (kind_.data) return next(index, Step::request, now + 100 * kMicrosecond);
                return next(index, flow.resets ? Step::client_rst : Step::client_fin, now + kMillisecond);
            case Step::request:
                send(flow, now, false, kPsh | kAck, 200 + static_cast<std::uint32_t>(flow.client_isn % 800));
                return next(index, Step::response, server_turn);
            case Step::response: {
                send(flow, now, true, kAck, kMss);
                --flow.segments_left;
                const bool acknowledge = flow.segments_left % 2 == 0;
                return next(index, acknowledge ? Step::response_ack : Step::response,
                            acknowledge ? client_turn : now + 12);
            }
            case Step::response_ack:
                send(flow, now, false, kAck, 0);
                return next(index, flow.segments_left == 0 ? Step::client_fin : Step::response, server_turn);
            case Step::client_rst: send(flow, now, false, kRst | kAck, 0); return finish(index);
            case Step::client_fin:
                send(flow, now, false, kFin | kAck, 0);
                return next(index, Step::server_fin, server_turn);
            case Step::server_fin:
                send(flow, now, true, kFin | kAck, 0);
                return next(index, Step::last_ack, client_turn);
            case Step::last_ack: send(flow, now, false, kAck, 0); return finish(index);
        }
    }

    void syn(std::uint32_t index, std::int64_t now) {
        Flow& flow = flows_[index];
        send(flow, now, false, kSyn, 0);
        ++flow.copies;
        ++summary_.syns;
        const std::uint64_t server = server_of(flow);
        if (server == kServers - 1) {
            ++summary_.refused_syns;
            return next(index, Step::closed_rst, now + 40 * kMicrosecond);
        }
        // Each server is overloaded at another time of the period.
        const std::int64_t phase = (now + static_cast<std::int64_t>(server) * 500 * kMillisecond) % kOverloadPeriod;
        if (phase >= kind_.overload_us) return next(index, Step::syn_ack, now + 60 * kMicrosecond);
        ++summary_.unanswered_syns;
        if (flow.copies == kSynTimes.size()) return finish(index);
        next(index, Step::syn, flow.start_us + kSynTimes[flow.copies]);
    }

    void finish(std::uint32_t index) { free_.push_back(index); }

    [[nodiscard]] static std::uint64_t host_of(const Flow& flow) { return (flow.tuple >> 20) % kClientHosts; }
    /// One tuple in twenty goes to the closed port.
    [[nodiscard]] static std::uint64_t server_of(const Flow& flow) {
        return (flow.tuple >> 8) % 20 == 0 ? kServers - 1 : flow.tuple % (kServers - 1);
    }

    void send(Flow& flow, std::int64_t now, bool from_server, unsigned flags, std::uint32_t payload) {
        Frame frame;
        ethernet(frame, flow, from_server);
        const std::size_t ip = frame.size();
        // SYN and SYN+ACK: MSS, SACK permitted, window scale and, if spoken, timestamps; afterwards timestamps or none.
        const bool options_of_syn = (flags & kSyn) != 0;
        const bool stamped = flow.timestamps && (flags & kRst) == 0;
        const std::uint32_t tcp_header = 20 + (options_of_syn ? (stamped ? 20 : 12) : (stamped ? 12 : 0));
        const std::size_t addresses = network(frame, flow, from_server, tcp_header + payload);
        const std::size_t tcp = frame.size();
        transport(frame, flow, from_server, flags, tcp_header);
        if (options_of_syn) frame.u32(0x020405b4);
        if (options_of_syn && !stamped) frame.u32(0x01030307), frame.u32(0x01010402);
        if (stamped) {
            frame.u32(options_of_syn ? 0x0402080a : 0x0101080a);
            frame.u32(stamp(flow, now, from_server));
            frame.u32((flags & kAck) != 0 ? stamp(flow, now - flow.round_trip_us, !from_server) : 0);
        }
        if (options_of_syn && stamped) frame.u32(0x01030307);
        if (!flow.ipv6) frame.put16(ip + 10, fold(add_words(0, frame.data() + ip, 20)));
        const std::uint32_t pseudo = add_words(6 + tcp_header + payload, frame.data() + addresses, tcp - addresses);
        frame.put16(tcp + 16, fold(add_words(pseudo, frame.data() + tcp, tcp_header)));
        out_.packet(kEpochUs + now, frame, payload);
        (from_server ? flow.server_sent : flow.client_sent) += payload;
        ++summary_.packets;
        summary_.wire_bytes += frame.size() + payload;
    }

    static void ethernet(Frame& frame, const Flow& flow, bool from_server) {
        const std::uint32_t gateway = 0x00000001, server = 0x00000100 + static_cast<std::uint32_t>(server_of(flow));
        for (const std::uint32_t mac : {from_server ? gateway : server, from_server ? server : gateway}) {
            frame.u16(0x0200);
            frame.u32(mac);
        }
        if (flow.vlan) frame.u16(0x8100), frame.u16(100);
        frame.u16(flow.ipv6 ? 0x86dd : 0x0800);
    }

    /// @return offset of the two addresses, which reach to the end of the header
    static std::size_t network(Frame& frame, const Flow& flow, bool from_server, std::uint32_t length) {
        const auto host = static_cast<std::uint32_t>(host_of(flow));
        const std::uint32_t client = 0x64400000 + host;  // 100.64.0.0/10
        const std::uint32_t server = 0x0a000001 + static_cast<std::uint32_t>(server_of(flow));
        const std::array<std::uint32_t, 2> pair{from_server ? server : client, from_server ? client : server};
        if (flow.ipv6) {
            frame.u32(0x60000000), frame.u16(length), frame.u8(6), frame.u8(64);
            for (const std::uint32_t address : pair) {
                frame.u32(0x20010db8), frame.u32(0), frame.u32(0), frame.u32(address);
            }
            return frame.size() - 32;
        }
        frame.u16(0x4500), frame.u16(20 + length), frame.u16(mix(flow.tuple + flow.client_sent) & 0xffff);
        frame.u16(0x4000), frame.u8(from_server ? 64 : 52), frame.u8(6), frame.u16(0);
        for (const std::uint32_t address : pair) frame.u32(address);
        return frame.size() - 8;
    }

    /// The fixed TCP header; the checksum is filled in later.
    static void transport(Frame& frame, const Flow& flow, bool from_server, unsigned flags, std::uint32_t header) {
        const unsigned client_port = 32768 + static_cast<unsigned>((flow.tuple >> 36) % 28232);
        const unsigned server_port = 80;
        // SYN and FIN take one number each; a side that sent its SYN has used it in every later packet.
        const std::uint32_t client_next = flow.client_isn + flow.client_sent + (flow.step > Step::closed_rst ? 1 : 0) +
                                          (flow.step > Step::client_fin ? 1 : 0);
        const std::uint32_t server_next = flow.server_isn + flow.server_sent + (flow.step > Step::closed_rst ? 1 : 0) +
                                          (flow.step > Step::server_fin ? 1 : 0);
        const bool refusal = flow.step == Step::closed_rst;
        frame.u16(from_server ? server_port : client_port);
        frame.u16(from_server ? client_port : server_port);
        frame.u32(from_server ? (refusal ? 0 : server_next) : client_next);
        const std::uint32_t acknowledged =
            from_server ? client_next + ((flags & kSyn) != 0 || refusal ? 1 : 0) : server_next;
        frame.u32((flags & kAck) != 0 ? acknowledged : 0);
        frame.u8(header / 4 << 4), frame.u8(flags);
        frame.u16((flags & kRst) != 0 ? 0 : 64240), frame.u16(0), frame.u16(0);
    }

    /// Every host counts milliseconds from a start of its own.
    [[nodiscard]] static std::uint32_t stamp(const Flow& flow, std::int64_t now, bool server) {
        const std::uint64_t base = mix(server ? server_of(flow) : 1000 + host_of(flow));
        return static_cast<std::uint32_t>(base + static_cast<std::uint64_t>(now / kMillisecond));
    }

    const Kind& kind_;
    std::uint64_t limit_;
    std::uint64_t seed_;
    PcapWriter& out_;
    std::uint64_t pool_ = 1;
    std::int64_t arrival_gap_us_ = 1;
    std::int64_t next_arrival_us_ = 0;
    std::uint64_t order_ = 0;
    Summary summary_{};
    std::vector<Flow> flows_;  ///< bounded by the connections alive at once
    std::vector<std::uint32_t> free_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

int usage() {
    std::fputs(
        "usage: synwhy_traffic syn|mixed|mixed96 PACKETS SEED > FILE.pcap\n"
        "The same arguments give the same bytes. A summary goes to stderr as one JSON object.\n",
        stderr);
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return usage();
    const auto* kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.name == argv[1]; });
    const auto packets = number(argv[2]);
    const auto seed = number(argv[3]);
    if (kind == kKinds.end() || !packets || !seed) return usage();

    static std::array<char, 1 << 20> buffer;
    std::setvbuf(stdout, buffer.data(), _IOFBF, buffer.size());
    PcapWriter out(stdout, kind->snap_length);
    const Summary done = Traffic(*kind, *packets, *seed, out).run();
    if (!out.good() || std::fflush(stdout) != 0) {
        std::perror("synwhy_traffic: cannot write");
        return 3;
    }
    std::fprintf(
        stderr,
        R"({"kind":"%s","packets":%llu,"wire_bytes":%llu,"attempts":%llu,"syns":%llu,"unanswered_syns":%llu,"rst_syns":%llu})"
        "\n",
        argv[1], static_cast<unsigned long long>(done.packets), static_cast<unsigned long long>(done.wire_bytes),
        static_cast<unsigned long long>(done.attempts), static_cast<unsigned long long>(done.syns),
        static_cast<unsigned long long>(done.unanswered_syns), static_cast<unsigned long long>(done.refused_syns));
    return 0;
}
