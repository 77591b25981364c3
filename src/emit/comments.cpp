// Packet comments; see comments.hpp.
#include "emit/comments.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/catalogue.hpp"
#include "emit/handshake_text.hpp"

namespace synwhy::emit {
namespace {

std::string comment_on(const core::SynVerdict& syn, const core::HandshakeVerdict& handshake) {
    std::string text =
        syn.outcome == core::Outcome::none ? "synwhy: not answered" : fmt::format("synwhy: {}", describe(syn.outcome));
    if (syn.cause) text += fmt::format(": {}", core::slug(*syn.cause));
    // The handshake's confidence and rivals are about the handshake's cause, not about another one of this copy.
    if (syn.cause && syn.cause == handshake.cause) {
        text += fmt::format(" ({})", core::to_string(handshake.confidence));
        if (!handshake.rivals.empty()) text += fmt::format("; rivals: {}", rival_slugs(handshake));
    }
    if (!syn.detail.empty()) text += fmt::format(". {}", syn.detail);
    if (syn.cause == handshake.cause || !handshake.cause) return text;
    return text + fmt::format(". Whole handshake: {} ({})", core::slug(*handshake.cause),
                              core::to_string(handshake.confidence));
}

}  // namespace

std::vector<PacketComment> packet_comments(const core::Report& report) {
    std::vector<PacketComment> comments;
    for (const core::HandshakeVerdict& handshake : report.handshakes) {
        if (simply_answered(handshake)) continue;
        for (const core::SynVerdict& syn : handshake.syns)
            comments.push_back({syn.file, syn.ordinal, comment_on(syn, handshake)});
    }
    return comments;
}

}  // namespace synwhy::emit
