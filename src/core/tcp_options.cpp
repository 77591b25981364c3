// How is a TCP option list read? In the order and with the forgiveness of net/ipv4/tcp_input.c:tcp_parse_options:
// an option of a known kind with an unexpected length is skipped, a length below two or past the end stops the
// parse, the last of several equal options wins.
#include "core/tcp_options.hpp"

#include "core/bytes.hpp"
#include "core/usual_options.hpp"

namespace synwhy::core {
namespace {

// Option kinds, https://www.iana.org/assignments/tcp-parameters.
constexpr std::uint8_t kEnd = 0, kNop = 1, kMss = 2, kWindowScale = 3, kSackPermitted = 4, kTimestamps = 8, kMd5 = 19,
                       kAo = 29, kFastOpen = 34, kExperimental = 254;

/// The kernel's search for authentication options ends when less than an MD5 option's room is left
/// (net/ipv4/tcp_input.c:tcp_do_parse_auth_options; measured on 6.18.44).
constexpr std::size_t kSmallestAuthArea = 18;

constexpr std::uint16_t kFastOpenMagic = 0xf989;  // RFC 7413 appendix A

/// One option. @param value what follows the length byte; `length` counts the kind and length bytes too, as sent
void take(TcpOptions& options, std::uint8_t kind, const std::uint8_t* value, std::uint8_t length) noexcept {
    if (kind == kMss && length == 4) {
        options.has_mss = true;
        options.mss = load_be16(value);
    } else if (kind == kWindowScale && length == 3) {
        options.has_window_scale = true;
        options.window_scale = *value;
    } else if (kind == kSackPermitted && length == 2) {
        options.has_sack_permitted = true;
    } else if (kind == kTimestamps && length == 10) {
        options.has_timestamps = true;
        options.ts_value = load_be32(value);
        options.ts_echo = load_be32(value + 4);
    } else if (kind == kMd5 && length == 18) {
        options.has_md5 = true;
    } else if (kind == kAo && length >= 4) {
        options.has_ao = true;
    } else if (kind == kMd5 || kind == kAo) {
        options.has_bad_auth = true;
    } else if (kind == kFastOpen || (kind == kExperimental && length >= 4 && load_be16(value) == kFastOpenMagic)) {
        options.has_fast_open = true;
        options.fast_open_registered = kind == kFastOpen;
        options.fast_open_cookie_length = static_cast<std::uint8_t>(length - (kind == kFastOpen ? 2 : 4));
    }
}

void parse_list(TcpOptions& options, std::span<const std::uint8_t> bytes, std::size_t declared_length) noexcept {
    std::size_t at = 0;
    while (at < bytes.size()) {
        const std::uint8_t kind = bytes[at];
        if (kind == kEnd) {
            return;
        }
        if (kind == kNop) {
            ++at;
            continue;
        }
        if (declared_length - at < 2) {
            options.malformed = true;
            return;
        }
        if (bytes.size() - at < 2) {
            return;  // cut by the snap length, not the sender's fault
        }
        const std::uint8_t length = bytes[at + 1];
        const bool auth_looked_at = declared_length - at >= kSmallestAuthArea;
        if (length < 2 || length > declared_length - at) {
            options.has_bad_auth = (kind == kMd5 || kind == kAo) && auth_looked_at;
            options.malformed = true;
            return;
        }
        if (length > bytes.size() - at) {
            return;
        }
        const bool had_bad_auth = options.has_bad_auth;
        take(options, kind, bytes.data() + at + 2, length);
        if (!auth_looked_at) options.has_bad_auth = had_bad_auth;
        at += length;
    }
}

}  // namespace

void parse_tcp_options(std::span<const std::uint8_t> bytes, std::size_t declared_length, TcpOptions& options) noexcept {
    if (bytes.size() < declared_length) {
        options.cut_by_snaplen = true;
        parse_list(options, bytes, declared_length);
        return;
    }
    bytes = bytes.first(declared_length);
    if (!parse_usual_options(bytes, options)) {
        parse_list(options, bytes, declared_length);
    }
}

TcpOptions parse_tcp_options(std::span<const std::uint8_t> bytes, std::size_t declared_length) noexcept {
    TcpOptions options;
    parse_tcp_options(bytes, declared_length, options);
    return options;
}

}  // namespace synwhy::core
