// Can any text as counters, sysctls or a list of listeners hurt us, or grow without bound?
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/host.hpp"
#include "host/netstat_file.hpp"
#include "host/ss_text.hpp"
#include "host/sysctl_text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synwhy;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto file = host::parse_counters(text, "fuzz")) {
        if (file->readings.empty() || file->readings.size() > 2) std::abort();
        if (file->complaints.size() > host::kMaxComplaints) std::abort();
        core::HostFacts facts;
        host::add_counters(facts, *file);
        for (const auto& [name, delta] : facts.counter_deltas) {
            if (delta < 0 || facts.moved(name) != delta) std::abort();
        }
        facts.kernel = core::resolve_kernel("4.9.229");
        core::correct_kernel_by_facts(facts);
    }
    if (const auto sysctls = host::parse_sysctls(text, "fuzz")) {
        for (const auto& [name, value] : *sysctls) {
            if (!name.starts_with("net.") || host::full_sysctl_name(name) != name) std::abort();
        }
    }
    if (host::parse_listeners(text).size() > host::kMaxListeners) std::abort();
    return 0;
}
