// What does --help say?
//
// Written by hand, 80 columns, because order and examples teach more than a generated list. tests/cli checks that
// every option named here exists and every existing option is named.
#pragma once

#include <string_view>

namespace synwhy::cli {

/// @param command "pcap", "explain", "path", "emulate"; anything else gives the overview
std::string_view help_text(std::string_view command);

}  // namespace synwhy::cli
