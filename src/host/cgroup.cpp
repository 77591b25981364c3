// In which control group is a process, what is it called, and is it held back?
#include "host/cgroup.hpp"

#include <algorithm>
#include <array>

#include "host/lines.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kMaxLines = 64;
constexpr std::size_t kShortId = 12;  ///< as the engines' own listings abbreviate

bool is_hex(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool lists(std::string_view controllers, std::string_view wanted) {
    while (!controllers.empty()) {
        const auto comma = controllers.find(',');
        if (controllers.substr(0, comma) == wanted) return true;
        controllers.remove_prefix(comma == std::string_view::npos ? controllers.size() : comma + 1);
    }
    return false;
}

/// "/a/b/c" -> a, b, c
std::vector<std::string_view> parts_of(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty() && parts.size() < kMaxCgroupDepth) {
        const auto slash = path.find('/');
        if (slash != 0) parts.push_back(path.substr(0, slash));
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    return parts;
}

/// What engines put before the container's id in the last part of a path: "docker-ID.scope", "cri-containerd-ID.scope".
struct Engine {
    std::string_view prefix;
    std::string_view name;
};
constexpr std::array<Engine, 6> kEngines{{{"docker-", "docker"},
                                          {"cri-containerd-", "containerd"},
                                          {"containerd-", "containerd"},
                                          {"crio-", "cri-o"},
                                          {"libpod-", "podman"},
                                          {"lxc.payload.", "lxc"}}};

std::string_view without_suffix(std::string_view text, std::string_view suffix) {
    return text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text;
}

/// "pod1b2c" and "kubepods-burstable-pod1b2c.slice" -> "1b2c"; empty when it names no pod.
std::string_view pod_of(std::string_view part) {
    part = without_suffix(part, ".slice");
    const auto at = part.rfind("pod");
    const bool at_start = at == 0 || (at != std::string_view::npos && part[at - 1] == '-');
    if (!at_start || at + 3 >= part.size() || part.substr(at).starts_with("pods")) return {};
    return part.substr(at + 3);
}

std::string engine_of(std::string_view part, std::string_view parent) {
    part = without_suffix(part, ".scope");
    for (const auto& [prefix, name] : kEngines) {
        if (!part.starts_with(prefix)) continue;
        const auto id = part.substr(prefix.size());
        if (name == "lxc") return "lxc " + std::string(id);
        if (is_hex(id)) return std::string(name) + ' ' + std::string(id.substr(0, kShortId));
    }
    if (parent == "lxc") return "lxc " + std::string(part);
    const bool is_id = part.size() >= 32 && is_hex(part);
    if (is_id && (parent == "docker" || parent == "podman" || parent == "libpod_parent")) {
        return std::string(parent == "docker" ? "docker" : "podman") + ' ' + std::string(part.substr(0, kShortId));
    }
    return is_id && !pod_of(parent).empty() ? "container " + std::string(part.substr(0, kShortId)) : std::string();
}

/// Calls `each` with the folder of the path below `mount`, then with every one above it but the root.
template <class Each>
void upwards(const std::string& mount, std::string path, Each each) {
    for (std::size_t depth = 0; depth < kMaxCgroupDepth && path.size() > 1; ++depth) {
        each(mount + path);
        path.resize(path.rfind('/'));
    }
}

std::string cpu_mount(const Tree& tree) {
    return tree.exists("sys/fs/cgroup/cpu") ? "sys/fs/cgroup/cpu" : "sys/fs/cgroup/cpu,cpuacct";
}

/// The number of "key 123" in a file of such lines.
std::optional<std::uint64_t> number_in(const Tree& tree, const std::string& file, std::string_view key) {
    const auto read = tree.text(file);
    if (!read) return std::nullopt;
    std::string_view text = *read;
    while (const auto line = next_line(text)) {
        const auto value = value_of(*line, key);
        const auto number = value ? integer_of(*value) : std::nullopt;
        if (number && *number >= 0) return static_cast<std::uint64_t>(*number);
    }
    return std::nullopt;
}

}  // namespace

const std::string& CgroupPaths::best() const {
    for (const auto* path : {&unified, &named, &memory, &cpu, &freezer}) {
        if (path->size() > 1) return *path;
    }
    return unified;
}

CgroupPaths parse_cgroups(std::string_view text) {
    CgroupPaths paths;
    for (std::size_t i = 0; i < kMaxLines; ++i) {
        const auto line = next_line(text);
        if (!line) break;
        const auto first = line->find(':');
        const auto second = first == std::string_view::npos ? first : line->find(':', first + 1);
        if (second == std::string_view::npos) continue;
        const auto controllers = line->substr(first + 1, second - first - 1);
        const std::string path(line->substr(second + 1));
        if (!path.starts_with('/')) continue;
        if (controllers.empty()) paths.unified = path;
        if (controllers == "name=systemd") paths.named = path;
        if (lists(controllers, "freezer")) paths.freezer = path;
        if (lists(controllers, "cpu")) paths.cpu = path;
        if (lists(controllers, "memory")) paths.memory = path;
    }
    return paths;
}

std::string container_of(std::string_view path) {
    const auto parts = parts_of(path);
    std::string container;
    std::string pod;
    std::string unit;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto part = parts[i];
        if (const auto id = pod_of(part); !id.empty()) pod = id;
        if (auto engine = engine_of(part, i == 0 ? std::string_view{} : parts[i - 1]); !engine.empty())
            container = engine;
        if (part.ends_with(".service") || part.ends_with(".socket")) unit = part;
    }
    if (!pod.empty()) return container.empty() ? "pod " + pod : "pod " + pod + ' ' + container;
    if (!container.empty()) return container;
    if (!unit.empty()) return unit;
    const bool scope = !parts.empty() && (parts.back().ends_with(".scope") || parts.back().ends_with(".slice"));
    return scope ? std::string(parts.back()) : std::string();
}

std::string unified_mount(const Tree& tree) {
    for (const std::string_view mount : {"sys/fs/cgroup", "sys/fs/cgroup/unified"}) {
        if (tree.exists(std::string(mount) + "/cgroup.controllers")) return std::string(mount);
    }
    return {};
}

std::optional<bool> is_frozen(const Tree& tree, const CgroupPaths& paths) {
    std::optional<bool> frozen;
    const auto note = [&frozen](bool value) { frozen = value || frozen.value_or(false); };
    if (const auto mount = unified_mount(tree); !mount.empty()) {
        // cgroup.events tells what is, also when a group above ordered it; cgroup.freeze only what was ordered here.
        upwards(mount, paths.unified, [&](const std::string& folder) {
            if (const auto value = number_in(tree, folder + "/cgroup.events", "frozen")) note(*value != 0);
        });
    }
    upwards("sys/fs/cgroup/freezer", paths.freezer, [&](const std::string& folder) {
        const auto state = tree.line(folder + "/freezer.state");  // THAWED FREEZING FROZEN
        if (!state.empty()) note(state != "THAWED");
    });
    return frozen;
}

std::optional<std::uint64_t> throttled_us(const Tree& tree, const CgroupPaths& paths) {
    std::optional<std::uint64_t> most;
    const auto note = [&most](std::uint64_t value) { most = std::max(value, most.value_or(0)); };
    if (const auto mount = unified_mount(tree); !mount.empty()) {
        upwards(mount, paths.unified, [&](const std::string& folder) {
            if (const auto value = number_in(tree, folder + "/cpu.stat", "throttled_usec")) note(*value);
        });
    }
    upwards(cpu_mount(tree), paths.cpu, [&](const std::string& folder) {
        if (const auto value = number_in(tree, folder + "/cpu.stat", "throttled_time")) note(*value / 1000);  // ns
    });
    return most;
}

}  // namespace synwhy::host
