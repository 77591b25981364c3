// Host facts from the command line; see facts.hpp.
#include "cli/facts.hpp"

#include <sys/utsname.h>

#include <utility>
#include <vector>

#include "cli/talk.hpp"
#include "host/bundle.hpp"
#include "host/netstat_file.hpp"
#include "host/sysctl_text.hpp"

namespace synwhy::cli {
namespace {

void tell(const std::vector<core::Error>& complaints) {
    for (const core::Error& complaint : complaints) complain(core::to_string(complaint));
}

std::expected<void, Refusal> add_bundle(core::HostFacts& facts, const std::string& path_or_pair) {
    auto bundle = host::read_bundle(path_or_pair);
    if (!bundle) {
        complain(core::to_string(bundle.error()));
        return std::unexpected(ExitCode::could_not_look);
    }
    tell(bundle->complaints);
    facts = std::move(bundle->facts);
    return {};
}

std::expected<void, Refusal> add_counters(core::HostFacts& facts, const std::string& spec) {
    const auto file = host::read_counters(spec);
    if (!file) {
        complain(core::to_string(file.error()));
        return std::unexpected(ExitCode::could_not_look);
    }
    tell(file->complaints);
    host::add_counters(facts, *file);
    facts.sources.push_back(spec);
    return {};
}

std::expected<void, Refusal> add_sysctls(core::HostFacts& facts, const std::vector<std::string>& assignments) {
    for (const std::string& assignment : assignments) {
        auto parsed = host::parse_sysctl_assignment(assignment);
        if (!parsed) {
            complain("--sysctl: " + core::to_string(parsed.error()));
            return std::unexpected(ExitCode::usage);
        }
        facts.sysctls.insert_or_assign(std::move(parsed->first), std::move(parsed->second));
    }
    return {};
}

}  // namespace

std::expected<core::Kernel, Refusal> kernel_of(const std::string& release) {
    if (auto kernel = core::resolve_kernel(release)) return *std::move(kernel);
    std::string known;
    for (const std::string_view name : core::known_releases()) {
        known += known.empty() ? "" : " ";
        known += name;
    }
    complain("'" + release + "' holds no kernel release; give what `uname -r` prints, for example one of: " + known);
    return std::unexpected(ExitCode::usage);
}

std::expected<core::Kernel, Refusal> kernel_or_running(const std::string& release) {
    if (!release.empty()) return kernel_of(release);
    utsname name{};
    ::uname(&name);
    return kernel_of(std::string(name.release) + ' ' + name.version);
}

std::expected<core::HostFacts, Refusal> gather_facts(const PcapOptions& options) {
    core::HostFacts facts;
    if (!options.bundle.empty()) {
        if (const auto added = add_bundle(facts, options.bundle); !added) return std::unexpected(added.error());
    }
    if (!options.netstat.empty()) {
        if (const auto added = add_counters(facts, options.netstat); !added) return std::unexpected(added.error());
    }
    if (const auto added = add_sysctls(facts, options.sysctls); !added) return std::unexpected(added.error());
    if (!options.kernel.empty()) {
        auto kernel = kernel_of(options.kernel);
        if (!kernel) return std::unexpected(kernel.error());
        facts.kernel = *std::move(kernel);
    }
    core::correct_kernel_by_facts(facts);
    return facts;
}

}  // namespace synwhy::cli
