// Which security modules and BPF programs could refuse a packet without any counter?
#include "host/refusers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>

#include <array>

#include "host/bpf_programs.hpp"
#include "host/capability.hpp"
#include "host/cgroup.hpp"
#include "host/descriptor.hpp"
#include "host/lines.hpp"

namespace synwhy::host {

namespace {

void add(core::HostState& state, std::string_view kind, std::string what, int pid = 0) {
    if (state.refusers.size() < kMaxRefusers) state.refusers.push_back({std::string(kind), std::move(what), pid});
}

void add_security_modules(const Tree& tree, core::HostState& state) {
    const auto enforcing = tree.line("sys/fs/selinux/enforce");
    if (enforcing == "1") add(state, "selinux", "enforcing");
    if (enforcing == "0") add(state, "selinux", "permissive");
    const auto modules = tree.line("sys/kernel/security/lsm");  // "capability,landlock,apparmor"
    for (const std::string_view module : {"smack", "tomoyo"}) {
        if (modules.find(module) != std::string::npos) add(state, module, "active");
    }
    if (!tree.exists("proc/self/attr")) return;
    const bool apparmor = modules.find("apparmor") != std::string::npos || tree.exists("sys/module/apparmor");
    if (!apparmor) return;
    for (const auto& [pid, process] : state.processes) {
        auto profile = tree.line(fmt::format("proc/{}/attr/apparmor/current", pid));  // since 5.8
        if (profile.empty()) profile = tree.line(fmt::format("proc/{}/attr/current", pid));
        if (!profile.empty() && profile != "unconfined") add(state, "apparmor", profile, pid);
    }
}

std::string text_of(std::uint32_t id) {
    const auto program = describe_program(id);
    return program && !program->name.empty() ? fmt::format("{}, id {}", program->name, id) : fmt::format("id {}", id);
}

/// Programs that see, and may drop, what a socket of the process's group receives and sends.
void add_cgroup_programs(const Tree& tree, core::HostState& state) {
    const auto mount = unified_mount(tree);
    if (mount.empty()) return;
    for (const auto& [pid, process] : state.processes) {
        const auto paths = parse_cgroups(tree.text(fmt::format("proc/{}/cgroup", pid)).value_or(""));
        const Descriptor group(::open(tree.path(mount + paths.unified).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!group) continue;
        for (const auto id : attached_programs(group.get(), kBpfCgroupIngress, true)) {
            add(state, "cgroup-skb", text_of(id) + ", ingress", pid);
        }
        for (const auto id : attached_programs(group.get(), kBpfCgroupEgress, true)) {
            add(state, "cgroup-skb", text_of(id) + ", egress", pid);
        }
    }
}

void add_programs(const Tree& tree, core::HostState& state) {
    if (!has_capability(CAP_SYS_ADMIN)) {
        return miss(state, "BPF programs", "asking for them needs CAP_SYS_ADMIN; run as root");
    }
    for (const auto& program : loaded_lsm_programs()) add(state, "bpf-lsm", text_of(program.id));
    add_cgroup_programs(tree, state);
    const Descriptor own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!own) return;
    for (const auto id : attached_programs(own.get(), kBpfSkLookup)) add(state, "sk-lookup", text_of(id));
}

}  // namespace

void read_refusers(const Tree& tree, core::HostState& state) {
    add_security_modules(tree, state);
    if (tree.live()) add_programs(tree, state);
}

}  // namespace synwhy::host
