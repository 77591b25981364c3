// Fates in words; see handshake_text.hpp.
#include "emit/handshake_text.hpp"

#include "core/catalogue.hpp"

namespace synwhy::emit {

std::string_view describe(core::Outcome outcome) {
    switch (outcome) {
        case core::Outcome::synack: return "SYN+ACK";
        case core::Outcome::cookie: return "SYN cookie";
        case core::Outcome::rst: return "RST";
        case core::Outcome::ack: return "bare ACK";
        case core::Outcome::icmp: return "ICMP error";
        case core::Outcome::none: return "no answer";
    }
    return {};
}

std::string rival_slugs(const core::HandshakeVerdict& handshake) {
    std::string text;
    for (const core::Cause rival : handshake.rivals) {
        if (!text.empty()) text += ", ";
        text += core::slug(rival);
    }
    return text;
}

}  // namespace synwhy::emit
