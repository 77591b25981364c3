// What does a script read about a whole report? One JSON object, as schema/pcap.schema.json describes it.
//
// Fields are only ever added. Left out: single handshakes (ndjson.hpp).
#pragma once

#include <string>

#include "core/verdict.hpp"

namespace synwhy::emit {

/// The report as indented JSON, UTF-8, ending in a newline. What is not UTF-8 in a name becomes U+FFFD.
std::string report_json(const core::Report& report);

/// Each finding as one line: the object it is in the document, with "v" and "type":"finding" before it.
std::string finding_lines(const core::Report& report);

}  // namespace synwhy::emit
