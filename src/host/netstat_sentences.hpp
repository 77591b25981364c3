// Which counter does a sentence of `netstat -s` show, and the other way round?
//
// net-tools translates the counters it knows into sentences and prints the rest as "Name: value".
#pragma once

#include <string_view>

namespace synwhy::host {

/// @param section "Tcp", "TcpExt", ...
/// @param sentence with '#' for the number, single blanks, no final full stop
/// @return the counter's kernel name without its section ("PAWSPassive"), empty when the sentence is not known
std::string_view counter_of_sentence(std::string_view section, std::string_view sentence);

/// The inverse, in the wording of today's net-tools; empty where it prints "Name: value".
std::string_view sentence_of_counter(std::string_view section, std::string_view counter);

}  // namespace synwhy::host
