#include "host/ruleset_reader.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include "host/text_file.hpp"

namespace synwhy::host {

namespace {

core::FilterText none(std::string reason) { return {{}, std::move(reason), false}; }
core::FilterText failed(std::string reason) { return {{}, std::move(reason), true}; }

core::FilterText printed_by(const std::string& name, const std::vector<std::string>& arguments,
                            const ToolLimits& limits) {
    const auto path = find_tool(name);
    if (!path) return failed(name + " is not installed");
    auto output = run_tool(*path, arguments, limits);
    if (!output) return failed(core::to_string(output.error()));
    return {std::move(*output), {}, false};
}

/// Whether a netlink question to nf_tables would find it in the kernel, rather than load it.
bool nf_tables_is_there() {
    if (access("/sys/module/nf_tables", F_OK) == 0) return true;
    utsname system{};
    uname(&system);
    const std::string modules = std::string("/lib/modules/") + system.release;
    // A kernel without modules, or without any that it could load, has what it has.
    if (access("/proc/modules", F_OK) != 0 || access(modules.c_str(), F_OK) != 0) return true;
    const auto built_in = read_text_file(modules + "/modules.builtin", FileKind::any);
    return built_in && built_in->find("/nf_tables.ko") != std::string::npos;
}

/// The tables that x_tables holds in this thread's namespace. Reading the list loads nothing.
bool legacy_tables_exist(const std::string& list) {
    const auto names = read_text_file("/proc/thread-self/net/" + list, FileKind::any);
    return names && !names->empty();
}

core::FilterText legacy(const std::string& list, const std::string& tool, const ToolLimits& limits) {
    if (!legacy_tables_exist(list)) return none("no legacy tables: " + list + " is absent or empty");
    return printed_by(tool, {"-c"}, limits);
}

/// Whether nft's text names x_tables parts, whose arguments it does not print.
bool has_foreign_parts(const std::string& nft) { return nft.find("{\"xt\":") != std::string::npos; }

}  // namespace

core::FilterTexts read_filter_texts(const ToolLimits& limits) {
    core::FilterTexts texts;
    texts.nft = nf_tables_is_there() ? printed_by("nft", {"-j", "list", "ruleset"}, limits)
                                     : none("nf_tables is not loaded: it holds no rules");
    if (has_foreign_parts(texts.nft.text)) {
        texts.iptables_nft = printed_by("iptables-nft-save", {"-c"}, limits);
        texts.ip6tables_nft = printed_by("ip6tables-nft-save", {"-c"}, limits);
    } else {
        texts.iptables_nft = texts.ip6tables_nft = none("no iptables parts in nft's ruleset");
    }
    texts.iptables_legacy = legacy("ip_tables_names", "iptables-legacy-save", limits);
    texts.ip6tables_legacy = legacy("ip6_tables_names", "ip6tables-legacy-save", limits);
    return texts;
}

}  // namespace synwhy::host
