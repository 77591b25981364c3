// What does a script read about each handshake? One JSON object a line, as schema/handshake.schema.json describes it.
//
// Written directly, because millions of lines are no place for a tree of values. Left out: the whole report (json.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/verdict.hpp"

namespace synwhy::emit {

/// Appends `text` as a JSON string with its quotes. Control characters are escaped (RFC 8259 7); what is not UTF-8
/// becomes U+FFFD, byte by byte.
void append_json_string(std::string& out, std::string_view text);

class HandshakeWriter {
  public:
    /// Appends one line with its newline.
    void append(std::string& out, const core::HandshakeVerdict& handshake);

  private:
    void append_time(std::string& out, std::int64_t time_ns);
    void append_copies(std::string& out, const core::HandshakeVerdict& handshake);

    // Neighbouring lines share their second: its text is kept.
    std::int64_t second_ = INT64_MIN;
    std::string second_text_{};
};

}  // namespace synwhy::emit
