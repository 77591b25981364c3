// Which setting bounds which queue on this kernel?
#pragma once

#include <cstdint>
#include <vector>

#include "size/listener.hpp"

namespace synwhy::size {

/// 65535 where the backlog has 16 bits; else as far as a simulation goes, which no host needs.
std::uint32_t widest_backlog(const core::Kernel& kernel);

/// The value of a sysctl that the question sets; its default otherwise.
int setting_of(const ListenerQuestion& question, int model_default, const char* name);
/// Cookies are switched on.
bool cookies_on(const ListenerQuestion& question);
/// Does net.ipv4.tcp_max_syn_backlog bound the SYN queue?
bool syn_backlog_matters(const ListenerQuestion& question);
/// Smallest tcp_max_syn_backlog that lets so many half-open requests in.
std::uint32_t needed_syn_backlog(const ListenerQuestion& question, std::uint32_t requests);

std::vector<Knob> knobs_of(const ListenerQuestion& question, const ListenerAnswer& answer);

}  // namespace synwhy::size
