// Can any file of a copied tree, or what a strange process calls itself, hurt a reader or grow without bound?
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/host_state.hpp"
#include "host/cgroup.hpp"
#include "host/counter_files.hpp"
#include "host/ethtool.hpp"
#include "host/interfaces.hpp"
#include "host/kernel_log.hpp"
#include "host/lines.hpp"
#include "host/proc_tcp.hpp"
#include "host/process.hpp"
#include "host/system.hpp"

namespace {

using namespace synwhy;

void require(bool holds) {
    if (!holds) std::abort();
}

void try_counters(std::string_view text) {
    host::Counters counters;
    host::add_sockstat(text, counters);
    host::add_softnet(text, counters);
    host::add_cpu_table(text, "conntrack.", counters);
    require(counters.size() <= host::kMaxCounters);
    for (const auto& [name, value] : counters) require(value >= 0 && !name.empty());
}

void try_lines(std::string_view text) {
    while (const auto line = host::next_line(text)) {
        if (const auto socket = host::parse_proc_tcp_line(*line)) require(!core::to_string(socket->local).empty());
        if (const auto interface = host::parse_dev_line(*line)) {
            require(!interface->name.empty() && interface->name.find('/') == std::string::npos);
        }
        host::syscall_of(*line);
        host::names_a_loss(*line);
        host::container_of(*line);
        if (const auto record = host::parse_log_record(*line)) {
            require(record->text.size() <= host::kMaxLogLineBytes && record->since_boot_us >= 0);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try_counters(text);
    try_lines(text);
    host::parse_stat_line(text);
    require(host::parse_kernel_stack(text).size() <= core::kMaxStackFrames);
    host::container_of(host::parse_cgroups(text).best());
    host::pretty_name(text);
    core::LoadState load;
    host::add_cpu_ticks(text, load);
    host::add_memory(text, load);
    require(load.total_ticks.size() == load.softirq_ticks.size() && load.total_ticks.size() <= host::kMaxCpus);
    return 0;
}
