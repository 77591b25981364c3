// How does a finding name things?
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "doctor/chart.hpp"
#include "doctor/examination.hpp"

namespace synwhy::doctor {

/// counted(1, "SYN") -> "1 SYN", counted(12, "SYN") -> "12 SYNs"
std::string counted(std::uint64_t number, std::string_view noun);
/// What a counter that no suspicion came from says about its cause: it stood still, it moved before, or it is not
/// known.
/// @param reading for the report; ends with what stillness() says
Examination unmoved(const Chart& chart, const std::string& counter, std::string reading);
/// "2.6.32-754.el6.x86_64", also when the whole of `uname -a` was read.
std::string kernel_name(const core::Kernel& kernel);
/// "0.0.0.0:80 (nginx, pid 812)"; several owners: the first and how many more.
std::string listener_name(const Chart& chart, const core::Listener& listener);
/// "10.0.0.1:80" and who listens there, if anybody.
std::string server_name(const Chart& chart, const core::Endpoint& server);
/// "nft table inet filter, chain input, handle 7: tcp dport 80 drop"
std::string rule_name(const core::FilterRule& rule);

}  // namespace synwhy::doctor
