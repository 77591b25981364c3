// The line writer; see ndjson.hpp.
#include "emit/ndjson.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <iterator>
#include <optional>

#include "core/catalogue.hpp"
#include "emit/text.hpp"
#include "emit/time_text.hpp"

namespace synwhy::emit {
namespace {

constexpr std::int64_t kSecond_ns = 1'000'000'000;

/// Slugs, outcomes and addresses need no escaping.
void append_plain(std::string& out, std::string_view text) {
    out += '"';
    out += text;
    out += '"';
}

void append_cause(std::string& out, const std::optional<core::Cause>& cause) {
    if (cause) {
        append_plain(out, core::slug(*cause));
    } else {
        out += "null";
    }
}

void append_number(std::string& out, std::uint64_t number) {
    const fmt::format_int digits(number);
    out.append(digits.data(), digits.size());
}

void append_escaped(std::string& out, char c) {
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default: fmt::format_to(std::back_inserter(out), FMT_COMPILE("\\u{:04x}"), static_cast<unsigned char>(c));
    }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (static_cast<unsigned char>(c) < 0x80) {
            if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7F) {
                append_escaped(out, c);
            } else {
                out += c;
            }
            ++at;
            continue;
        }
        const CodePoint point = decode_utf8(text, at);
        if (point.valid) {
            out += text.substr(at, point.length);
        } else {
            out += "\xEF\xBF\xBD";
        }
        at += point.length;
    }
    out += '"';
}

void HandshakeWriter::append_time(std::string& out, std::int64_t time_ns) {
    std::int64_t second = time_ns / kSecond_ns;
    if (time_ns % kSecond_ns < 0) --second;
    if (second != second_) {
        second_ = second;
        second_text_ = rfc3339(time_ns).substr(0, 20);  // up to and with the decimal point
    }
    out += '"';
    out += second_text_;
    // Unsigned: a time near INT64_MIN must not overflow when its second is taken off.
    const std::uint64_t fraction = static_cast<std::uint64_t>(time_ns) -
                                   static_cast<std::uint64_t>(second) * static_cast<std::uint64_t>(kSecond_ns);
    fmt::format_to(std::back_inserter(out), FMT_COMPILE("{:09}Z\""), fraction);
}

void HandshakeWriter::append_copies(std::string& out, const core::HandshakeVerdict& handshake) {
    out += ",\"copies\":[";
    bool first = true;
    for (const core::SynVerdict& syn : handshake.syns) {
        out += first ? "{\"t\":" : ",{\"t\":";
        first = false;
        append_time(out, syn.time_ns);
        out += ",\"outcome\":";
        append_plain(out, core::to_string(syn.outcome));
        out += ",\"cause\":";
        append_cause(out, syn.cause);
        out += ",\"detail\":";
        append_json_string(out, syn.detail);
        out += '}';
    }
    out += ']';
}

void HandshakeWriter::append(std::string& out, const core::HandshakeVerdict& handshake) {
    out += R"({"v":1,"type":"handshake","client":)";
    append_plain(out, core::to_string(handshake.tuple.client));
    out += ",\"server\":";
    append_plain(out, core::to_string(handshake.tuple.server));
    out += ",\"isn\":";
    append_number(out, handshake.isn);
    out += ",\"t\":";
    append_time(out, handshake.first_ns);
    out += ",\"syns\":";
    append_number(out, handshake.syns.size() + handshake.more_syns);
    out += ",\"outcome\":";
    append_plain(out, core::to_string(handshake.outcome));
    out += ",\"answer_inferred\":";
    out += handshake.answer_inferred ? "true" : "false";
    out += ",\"cause\":";
    append_cause(out, handshake.cause);
    out += ",\"confidence\":";
    append_plain(out, core::to_string(handshake.confidence));
    out += ",\"rivals\":[";
    bool first = true;
    for (const core::Cause rival : handshake.rivals) {
        if (!first) out += ',';
        first = false;
        append_plain(out, core::slug(rival));
    }
    out += ']';
    append_copies(out, handshake);
    out += "}\n";
}

}  // namespace synwhy::emit
