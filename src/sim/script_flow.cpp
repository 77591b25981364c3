#include "sim/script_flow.hpp"

#include <algorithm>
#include <set>

#include "core/seq.hpp"
#include "sim/script_words.hpp"

namespace synwhy::sim::detail {
namespace {

using std::string_view;

constexpr string_view kDefaultClient = "198.51.100.7";
constexpr string_view kFlagLetters = "FSRPAUEC";
constexpr std::uint16_t kClientWindow = 64240;
constexpr std::int32_t kPlausibleProgress = 1'000'000;  // bytes a reply may be ahead of what was seen
constexpr std::uint8_t kFirstNeighbourType = 130;       // ICMPv6: MLD and neighbour discovery from here on

core::Address address(const Word& word) { return core::parse_address(word.text).value_or(core::Address{}); }
core::Address default_client() { return *core::parse_address(kDefaultClient); }
core::Address default_server() { return *core::parse_address("10.0.0.1"); }

std::uint32_t as_u32(std::int64_t value) { return static_cast<std::uint32_t>(static_cast<std::uint64_t>(value)); }

/// "+3" from `own`, "@3" from `base`, "3" as it is.
std::uint32_t relative(string_view text, std::uint32_t own, std::uint32_t base) {
    if (text.starts_with('@')) return base + as_u32(parse_number(text.substr(1)).value_or(0));
    const auto value = as_u32(parse_number(text).value_or(0));
    return text.starts_with('+') || text.starts_with('-') ? own + value : value;
}

std::vector<std::uint8_t> unhex(string_view text) {
    const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10); };
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        bytes.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4U | digit(text[i + 1])));
    }
    return bytes;
}

string_view usual_flags(Op op) {
    if (op == Op::syn) return "S";
    if (op == Op::fin) return "FA";
    if (op == Op::data) return "PA";
    return op == Op::rst ? "R" : "A";
}

std::uint8_t flag_bits(string_view letters) {
    unsigned bits = 0;
    for (const char letter : letters) {
        const auto bit = kFlagLetters.find(letter);
        if (bit != string_view::npos) bits |= 1U << bit;
    }
    return static_cast<std::uint8_t>(bits);
}

void set_options(const Step& step, const Flow& flow, core::Segment& segment) {
    const bool syn = (segment.flags & core::tcp_flag::syn) != 0;
    core::TcpOptions& o = segment.options;
    if (syn) {
        o.has_mss = flow.mss != 0;
        o.mss = flow.mss;
        o.has_sack_permitted = flow.sack;
        o.has_window_scale = flow.window_scale >= 0;
        o.window_scale = static_cast<std::uint8_t>(std::max(flow.window_scale, 0));
    }
    o.has_timestamps = flow.timestamps;
    o.ts_value = flow.ts_value;
    o.ts_echo = segment.is_syn() ? 0 : flow.ts_echo;
    if (step.key("tsecr") != nullptr) o.ts_echo = as_u32(step.number("tsecr", 0));
}

/// What the step wants wrong with the packet. @return complaint, empty when there is none
std::string set_faults(const Step& step, bool ipv6, Crafted& crafted) {
    for (const string_view key : {"ipcsum", "ipopts", "ihl", "totlen", "frag", "tos"}) {
        if (ipv6 && step.key(key) != nullptr) return "'" + std::string(key) + "=' exists in IPv4 only";
    }
    if (const Word* sum = step.key("csum")) {
        if (sum->text == "bad") {
            crafted.tcp_checksum_bad = true;
        } else {
            crafted.tcp_checksum = static_cast<std::uint16_t>(step.number("csum", 0));
        }
    }
    const auto byte = [&](string_view key) { return static_cast<std::uint8_t>(step.number(key, 0)); };
    crafted.ip_checksum_bad = step.key("ipcsum") != nullptr;
    if (const Word* hex = step.key("opts")) crafted.options = unhex(hex->text);
    if (const Word* hex = step.key("xopts")) crafted.more_options = unhex(hex->text);
    if (const Word* hex = step.key("ipopts")) crafted.ip_options = unhex(hex->text);
    if (step.key("doff") != nullptr) crafted.data_offset = byte("doff");
    if (step.key("ipver") != nullptr) crafted.ip_version = byte("ipver");
    if (step.key("ihl") != nullptr) crafted.ip_header_words = byte("ihl");
    if (step.key("totlen") != nullptr) crafted.ip_total_length = static_cast<std::uint16_t>(step.number("totlen", 0));
    if (step.key("trunc") != nullptr) crafted.truncate_to = static_cast<std::size_t>(step.number("trunc", 0));
    crafted.reserved = byte("res");
    crafted.urgent = static_cast<std::uint16_t>(step.number("urg", 0));
    crafted.type_of_service = byte("tos");
    crafted.ttl = static_cast<std::uint8_t>(step.number("ttl", 64));
    crafted.protocol = static_cast<std::uint8_t>(step.number("proto", 6));
    crafted.fragment = static_cast<std::uint16_t>(step.number("frag", 0x4000));
    const std::size_t options = (crafted.options ? crafted.options->size() : 0) + crafted.more_options.size();
    return options > 40 ? "more than 40 bytes of TCP options" : "";
}

ReplyKind kind_of(const core::Segment& segment) {
    namespace flag = core::tcp_flag;
    if ((segment.flags & (flag::syn | flag::ack)) == (flag::syn | flag::ack)) return ReplyKind::synack;
    if ((segment.flags & flag::rst) != 0) return ReplyKind::rst;
    if ((segment.flags & flag::syn) != 0) return ReplyKind::syn;
    if ((segment.flags & flag::fin) != 0) return ReplyKind::fin;
    if (segment.payload_length != 0) return ReplyKind::data;
    return (segment.flags & flag::ack) != 0 ? ReplyKind::ack : ReplyKind::other;
}

bool is_neighbour_discovery(const std::vector<std::uint8_t>& packet) {
    if (packet.size() < 48 || packet[0] >> 4U != 6) return false;
    const bool extended = packet[6] == 0;  // MLD reports carry a hop-by-hop header of eight bytes
    if (packet[6] != 58 && !(extended && packet[40] == 58)) return false;
    return extended || packet[40] >= kFirstNeighbourType;
}

}  // namespace

Flow* Flows::find(string_view name) {
    const auto found = std::ranges::find(flows_, name, &Flow::name);
    return found == flows_.end() ? nullptr : &*found;
}

Flow* Flows::get(string_view name) {
    if (Flow* const known = find(name)) return known;
    if (flows_.size() == kMaxScriptFlows) return nullptr;
    Flow flow{.name = std::string(name)};
    flow.client = {default_client(), 40000};
    flow.server = {default_server(), 80};
    flow.isn = 1'000'000'000U + 1'000'000U * static_cast<std::uint32_t>(flows_.size() + 1);
    return &flows_.emplace_back(std::move(flow));
}

void Flows::apply(const Step& step, Flow& flow) {
    if (const Word* source = step.key("src")) {
        flow.client.address = address(*source);
        const core::Address server = default_server();
        const bool ipv6 = flow.client.address.family == core::Family::ipv6;
        if (step.key("dst") == nullptr) flow.server.address = ipv6 ? ipv6_twin(server) : server;
    }
    if (const Word* destination = step.key("dst")) flow.server.address = address(*destination);
    flow.client.port = static_cast<std::uint16_t>(step.number("sport", flow.client.port));
    flow.server.port = static_cast<std::uint16_t>(step.number("dport", flow.server.port));
    flow.isn = as_u32(step.number("isn", flow.isn));
    if (const Word* ts = step.key("ts")) {
        flow.timestamps = ts->text != "none";
        if (flow.timestamps) flow.ts_value = relative(ts->text, flow.ts_value, 0);
    }
    flow.mss = static_cast<std::uint16_t>(step.number("mss", flow.mss));
    flow.window_scale = static_cast<int>(step.number("ws", flow.window_scale));
    flow.sack = step.number("sack", flow.sack) != 0;
    flow.snd_nxt = as_u32(step.number("sndnxt", flow.snd_nxt));
    flow.rcv_nxt = as_u32(step.number("rcvnxt", flow.rcv_nxt));
    flow.used = ++clock_;
}

void Flows::copy(const Flow& from, Flow& to) {
    std::string name = std::move(to.name);
    to = from;
    to.name = std::move(name);
}

std::expected<std::vector<std::uint8_t>, std::string> Flows::write(const Step& step, Flow& flow) {
    const Word* const given = step.key("flags");
    const std::uint8_t flags = flag_bits(given != nullptr ? string_view(given->text) : usual_flags(step.op));
    std::uint32_t sequence = flow.snd_nxt;
    std::uint32_t acknowledgment = flow.rcv_nxt;
    if (step.op == Op::syn) {
        sequence = flow.isn;
        acknowledgment = 0;
        flow.has_iss = false;
    }
    if (const Word* seq = step.key("seq")) sequence = relative(seq->text, flow.snd_nxt, flow.isn);
    if (const Word* ack = step.key("ack")) {
        acknowledgment = relative(ack->text, flow.rcv_nxt, flow.iss);
    } else if ((flags & core::tcp_flag::ack) == 0) {
        acknowledgment = 0;
    }
    Crafted crafted;
    core::Segment& segment = crafted.segment;
    segment.source = flow.client;
    segment.destination = flow.server;
    segment.sequence = sequence;
    segment.acknowledgment = acknowledgment;
    segment.flags = flags;
    segment.window = static_cast<std::uint16_t>(step.number("win", kClientWindow));
    segment.payload_length = static_cast<std::uint32_t>(step.number("len", 0));
    segment.ip_id = next_ip_id_++;
    set_options(step, flow, segment);
    const bool ipv6 = flow.client.address.family == core::Family::ipv6;
    if (ipv6 != (flow.server.address.family == core::Family::ipv6)) {
        return std::unexpected("src and dst are of different families");
    }
    if (auto wrong = set_faults(step, ipv6, crafted); !wrong.empty()) return std::unexpected(std::move(wrong));
    flow.last_packet = write_packet(crafted);
    const std::uint32_t length = segment.payload_length + ((flags & core::tcp_flag::fin) != 0 ? 1U : 0U);
    if (step.op == Op::syn) {
        flow.snd_nxt = flow.isn + 1;
    } else if (sequence == flow.snd_nxt && !step.has_word("noadv")) {
        flow.snd_nxt += length;
    }
    return flow.last_packet;
}

Flow* Flows::owner(const core::Segment& reply) {
    Flow* latest = nullptr;
    for (Flow& flow : flows_) {
        if (flow.client != reply.destination || flow.server != reply.source) continue;
        if (latest == nullptr || flow.used > latest->used) latest = &flow;
    }
    return latest;
}

void Flows::learn(const core::Segment& segment, Flow& flow) const {
    if ((segment.flags & core::tcp_flag::rst) != 0) return;
    if (segment.options.has_timestamps) flow.ts_echo = segment.options.ts_value;
    const std::uint32_t end = segment.sequence + segment.sequence_length();
    const auto ahead = static_cast<std::int32_t>(end - flow.rcv_nxt);
    if (segment.is_syn_ack()) {
        flow.iss = segment.sequence;
        flow.has_iss = true;
        flow.rcv_nxt = end;
    } else if (!flow.has_iss || (ahead > 0 && ahead < kPlausibleProgress)) {
        flow.rcv_nxt = end;
    }
}

std::optional<Reply> Flows::read(const Packet& packet) {
    if (is_neighbour_discovery(packet.bytes)) return std::nullopt;
    Reply reply{.t_ns = packet.t_ns, .bytes = packet.bytes};
    const core::Decoded decoded =
        core::decode(core::LinkType::raw, packet.bytes, static_cast<std::uint32_t>(packet.bytes.size()));
    if (decoded.kind == core::FrameKind::icmp_error) {
        reply.kind = ReplyKind::icmp;
        reply.icmp_type = decoded.icmp_type;
        reply.icmp_code = decoded.icmp_code;
        return reply;
    }
    if (decoded.kind != core::FrameKind::tcp) return reply;
    reply.segment = decoded.segment;
    reply.kind = kind_of(decoded.segment);
    if (Flow* const flow = owner(decoded.segment)) {
        learn(decoded.segment, *flow);
        reply.flow = flow->name;
        reply.ack_isn = static_cast<std::int32_t>(decoded.segment.acknowledgment - flow->isn);
        if (flow->has_iss && reply.kind != ReplyKind::rst) {
            reply.seq_iss = static_cast<std::int32_t>(decoded.segment.sequence - flow->iss);
        }
    }
    return reply;
}

}  // namespace synwhy::sim::detail

namespace synwhy::sim {

core::Address ipv6_twin(const core::Address& address) {
    const std::uint32_t value = address.ipv4_value();
    std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
    if ((value & 0xffff'ff00U) == 0x0a00'0000U) {
        bytes = {0xfd};
        bytes[15] = static_cast<std::uint8_t>(value);
    } else {
        for (std::size_t i = 0; i < 4; ++i) bytes[12 + i] = static_cast<std::uint8_t>(value >> (24U - 8U * i));
    }
    return core::Address::from_ipv6(bytes.data());
}

std::vector<Step> ipv6_twin(std::vector<Step> steps) {
    std::set<std::string> known;
    const auto rewrite = [](Step& step, const Word& key, Word& value) {
        const auto address = core::parse_address(value.text);
        if (!address || address->family == core::Family::ipv6) return;
        const std::string twin = core::to_string(ipv6_twin(*address));
        const std::string old = ' ' + key.text + '=' + value.text;
        const auto at = step.text.find(old);
        if (at != std::string::npos) step.text.replace(at, old.size(), ' ' + key.text + '=' + twin);
        value.text = twin;
    };
    for (Step& step : steps) {
        const bool sends = step.op == Op::flow || (step.op >= Op::syn && step.op <= Op::resend);
        if (step.op == Op::like) known.insert(step.names[0].text);
        if (sends && known.insert(step.names[0].text).second && step.key("src") == nullptr) {
            const std::string client(detail::kDefaultClient);
            step.keys.emplace_back(Word{"src"}, Word{client});
            step.text += " src=" + client;
        }
        if (step.op == Op::listen && !step.has_word("v6") && !step.has_word("v6only")) {
            step.words.push_back({"v6"});
            step.text += " v6";
        }
        for (auto& [key, value] : step.keys) {
            if (key.text == "src" || key.text == "dst" || key.text == "addr") rewrite(step, key, value);
        }
    }
    return steps;
}

}  // namespace synwhy::sim
