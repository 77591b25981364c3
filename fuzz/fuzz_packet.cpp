// Can a frame of any link type make the decoder read too far or contradict itself?
//
// Input: one byte picks the link type, one byte adds to the wire length, the rest is the frame.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "core/packet.hpp"

using namespace synwhy::core;

namespace {

constexpr std::array kLinks = {LinkType::ethernet,      LinkType::raw,     LinkType::linux_sll,   LinkType::linux_sll2,
                               LinkType::null_loopback, LinkType::loop,    LinkType::ppp,         LinkType::ppp_hdlc,
                               LinkType::ppp_ether,     LinkType::raw_bsd, LinkType::raw_openbsd, LinkType::ipv4,
                               LinkType::ipv6,          LinkType{147}};

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const LinkType link = kLinks[data[0] % kLinks.size()];
    const std::span frame(data + 2, size - 2);
    const auto wire_length = static_cast<std::uint32_t>(frame.size() + data[1] * 8U);
    const Decoded decoded = decode(link, frame, wire_length);
    require(decoded.kind != FrameKind::unsupported_link || link == LinkType{147});
    if (decoded.kind == FrameKind::tcp) {
        require(decoded.tcp_offset + 20U <= frame.size());
        require(decoded.ip_offset + 20U <= decoded.tcp_offset);
        require(decoded.segment.payload_length <= wire_length);
        require(decoded.segment.source.address.family == decoded.segment.destination.address.family);
    }
    const Checksums sums = verify_checksums(decoded, frame, wire_length);
    require(sums.tcp != Checksum::not_checked && sums.ip != Checksum::not_checked);
    require(to_string(decoded.segment.source).size() <= 47 + 2);
    return 0;
}
