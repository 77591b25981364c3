#include "truth/segment_of_step.hpp"

#include <charconv>
#include <vector>

namespace synwhy::truth {

namespace {

std::vector<std::uint8_t> from_hex(std::string_view digits) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        unsigned value = 0;
        if (std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16).ec != std::errc{}) break;
        bytes.push_back(static_cast<std::uint8_t>(value));
    }
    while (bytes.size() % 4 != 0) bytes.push_back(0);
    return bytes;
}

long number_of(std::string_view digits, long otherwise) {
    long value = otherwise;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

/// IP options that steer: loose or strict source route.
bool has_source_route(std::string_view hex) {
    const auto bytes = from_hex(hex);
    return !bytes.empty() && (bytes[0] == 0x83 || bytes[0] == 0x89);
}

void add_options(const Step& step, core::TcpOptions& options) {
    if (const auto hex = step.key("opts"); !hex.empty()) {
        const auto bytes = from_hex(hex);
        options = core::parse_tcp_options(bytes, bytes.size());
    }
    if (const auto hex = step.key("xopts"); !hex.empty()) {
        const auto bytes = from_hex(hex);
        const auto more = core::parse_tcp_options(bytes, bytes.size());
        options.has_fast_open = more.has_fast_open;
        options.fast_open_registered = more.fast_open_registered;
        options.fast_open_cookie_length = more.fast_open_cookie_length;
        options.has_md5 = more.has_md5;
        options.has_ao = more.has_ao;
        options.has_bad_auth = more.has_bad_auth;
    }
}

}  // namespace

std::optional<Injection> injection_of(const Step& step) {
    if (!step.injected) return std::nullopt;
    if (!step.key("proto").empty() && number_of(step.key("proto"), 6) != 6) return std::nullopt;
    constexpr long kDontFragment = 0x4000;
    const auto fragment = step.key("frag");
    if (!fragment.empty() && (number_of(fragment, kDontFragment) & 0x3fff) != 0) return std::nullopt;
    Injection injection;
    injection.segment = *step.injected;
    model::Arrival& arrival = injection.arrival;
    add_options(step, injection.segment.options);
    const bool ipv4 = injection.segment.source.address.family == core::Family::ipv4;
    arrival.tcp_checksum_bad = !step.key("csum").empty();
    arrival.ip_checksum_bad = ipv4 && step.key("ipcsum") == "bad";
    arrival.ip_header_bad = !step.key("ihl").empty() || !step.key("ipver").empty();
    arrival.ip_truncated = !step.key("trunc").empty() || !step.key("totlen").empty();
    arrival.ip_source_route = ipv4 && has_source_route(step.key("ipopts"));
    if (const auto offset = step.key("doff"); !offset.empty()) {
        const long words = number_of(offset, 5);
        arrival.tcp_header_bad = words < 5;
        const std::size_t bytes = 20 + 20 + injection.segment.payload_length;
        arrival.tcp_header_beyond = words >= 5 && static_cast<std::size_t>(words) * 4 > bytes;
    }
    return injection;
}

}  // namespace synwhy::truth
