// How are counters of an engine named? "TcpExt.ListenDrops", the file's prefix and the kernel's name.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace synwhy::sim {

using CounterValues = std::map<std::string, std::int64_t, std::less<>>;

}  // namespace synwhy::sim
