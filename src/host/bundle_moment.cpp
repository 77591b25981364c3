// What did the host look like at the moment these files were taken?
#include "host/bundle_moment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "host/bundle_names.hpp"
#include "host/bundle_processes.hpp"
#include "host/bundle_sockets.hpp"
#include "host/bundle_tables.hpp"
#include "host/counter_files.hpp"
#include "host/lines.hpp"
#include "host/ss_text.hpp"
#include "host/sysctl_text.hpp"
#include "host/system.hpp"

namespace synwhy::host {

namespace {

std::string_view first_line(std::string_view text) { return trimmed(text.substr(0, text.find('\n'))); }

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// "20723.35 23187.70": seconds since boot -> ns; nullopt when it is no such number.
std::optional<std::int64_t> uptime_ns(std::string_view text) {
    const auto words = words_of(first_line(text), 1);
    if (words.empty()) return std::nullopt;
    const auto point = words[0].find('.');
    const auto seconds = integer_of(words[0].substr(0, point));
    if (!seconds || *seconds < 0 || *seconds > 1'000'000'000) return std::nullopt;
    std::int64_t hundredths = 0;
    if (point != std::string_view::npos) hundredths = integer_of(words[0].substr(point + 1)).value_or(0);
    if (hundredths < 0 || hundredths > 99) hundredths = 0;
    return *seconds * 1'000'000'000 + hundredths * 10'000'000;
}

class MomentReader {
  public:
    MomentReader(const BundleFiles& files, std::string_view moment) : files_(files), moment_(moment) {}

    BundleMoment read() {
        read_files(moment_);
        if (!moment_.empty()) read_files("");
        finish_distribution();
        auto& state = moment_result_.state;
        state.facts.counters.insert(counters_.begin(), counters_.end());
        sockets_.finish(state);
        state.processes = processes_.take();
        for (const auto& confined : processes_.confined()) state.refusers.push_back(confined);
        finish_processes();
        finish_interfaces();
        moment_result_.found_anything = state.facts.kernel || !state.facts.sysctls.empty() ||
                                        !state.facts.counters.empty() || !state.listeners.empty();
        return std::move(moment_result_);
    }

  private:
    /// The files of one folder. Those beside before/ and after/ are of an unknown moment: what moves in them is passed
    /// over, and so is what the moment's own files told already.
    void read_files(std::string_view folder) {
        const auto told = told_;
        for (const auto& [path, text] : files_.texts) {
            const auto kind = bundle_kind(path);
            if (!kind || moment_of(path) != folder) continue;
            if (folder != moment_ && (is_counter(*kind) || (told.contains(*kind) && is_once(*kind)))) continue;
            told_.insert(*kind);
            if (use(*kind, path, text)) note_source(*kind, path);
        }
    }

    static bool is_counter(BundleKind kind) {
        return kind == BundleKind::counters || kind == BundleKind::sockstat || kind == BundleKind::softnet ||
               kind == BundleKind::cpu_table || kind == BundleKind::moment || kind == BundleKind::uptime;
    }

    /// Kinds whose texts replace or double each other.
    static bool is_once(BundleKind kind) {
        return kind == BundleKind::devices || kind == BundleKind::load || kind == BundleKind::cpu_time ||
               kind == BundleKind::memory || kind == BundleKind::proc_tcp || kind == BundleKind::half_open ||
               kind == BundleKind::processes || kind == BundleKind::nic_counters || kind == BundleKind::kernel_log;
    }

    void complain(core::Error error) {
        auto& complaints = moment_result_.complaints;
        if (complaints.size() < kMaxComplaints) complaints.push_back(std::move(error));
    }

    /// One entry for all of /proc/sys/net, one for each other file that facts come from.
    void note_source(BundleKind kind, const std::string& path) {
        auto& sources = moment_result_.state.facts.sources;
        const auto length = kind == BundleKind::sysctl_file ? path.find("proc/sys/net") + 12 : path.size();
        const auto source = files_.root + path.substr(0, length);
        const bool is_fact = kind <= BundleKind::listeners;
        if (is_fact && (sources.empty() || sources.back() != source)) sources.push_back(source);
    }

    /// @return whether the text told something
    bool use(BundleKind kind, const std::string& path, std::string_view text) {
        auto& state = moment_result_.state;
        const auto name = file_name(path);
        switch (kind) {
            case BundleKind::release: return use_release(text);
            case BundleKind::distribution: distributions_.emplace(name, first_distribution(text)); return true;
            case BundleKind::sysctls: return use_sysctls(text, path);
            case BundleKind::sysctl_file: return use_sysctl_file(text, path);
            case BundleKind::counters: return use_counters(text, path);
            case BundleKind::sockstat: add_sockstat(text, counters_); return true;
            case BundleKind::softnet: add_softnet(text, counters_); return true;
            case BundleKind::cpu_table: add_cpu_statistics(text, name, counters_); return true;
            case BundleKind::proc_tcp: sockets_.add_proc_tcp(text); return true;
            case BundleKind::listeners: return sockets_.add_listeners(text);
            case BundleKind::half_open: sockets_.add_half_open(text); return true;
            case BundleKind::owners: sockets_.add_owners(text); return true;
            case BundleKind::processes: processes_.add_all(text); return true;
            case BundleKind::process_file: processes_.add(path.substr(path.find("proc/")), text); return true;
            case BundleKind::addresses: add_addresses(text, interfaces_); return true;
            case BundleKind::devices: add_devices(text, interfaces_); return true;
            case BundleKind::nic_counters:
            case BundleKind::nic_rings:
            case BundleKind::tc_ingress: return use_interface_file(kind, path, text);
            case BundleKind::load: add_load(text, state.load); return true;
            case BundleKind::cpu_time: add_cpu_time(text, state.load); return true;
            case BundleKind::memory: add_memory(text, state.load); return true;
            case BundleKind::kernel_log: add_kernel_log(text, state.kernel_log); return true;
            case BundleKind::security: use_security(text); return true;
            case BundleKind::moment: use_moment(text); return true;
            case BundleKind::uptime: state.monotonic_ns = uptime_ns(text).value_or(state.monotonic_ns); return true;
            case BundleKind::description: use_description(text); return true;
            case BundleKind::refused: use_refused(text); return true;
        }
        return false;
    }

    /// `uname -a` and /proc/version name Debian's stable release, osrelease does not: the better answer wins.
    bool use_release(std::string_view text) {
        auto& facts = moment_result_.state.facts;
        while (const auto line = next_line(text)) {
            auto kernel = core::resolve_kernel(trimmed(*line));
            if (!kernel) continue;
            const bool better = !facts.kernel || kernel->open_questions.size() < facts.kernel->open_questions.size();
            if (better) facts.kernel = std::move(kernel);
            return better;
        }
        return false;
    }

    bool use_sysctls(std::string_view text, const std::string& path) {
        auto sysctls = parse_sysctls(text, files_.root + path);
        if (!sysctls) {
            complain(sysctls.error());
            return false;
        }
        for (auto& [name, value] : *sysctls) moment_result_.state.facts.sysctls.emplace(name, std::move(value));
        return true;
    }

    /// The path below proc/sys is the name.
    bool use_sysctl_file(std::string_view text, const std::string& path) {
        constexpr std::string_view kBase = "proc/sys/";
        auto& sysctls = moment_result_.state.facts.sysctls;
        const auto begin = path.find(kBase);
        if (begin == std::string::npos || sysctls.size() >= kMaxSysctls) return false;
        sysctls.emplace(full_sysctl_name(path.substr(begin + kBase.size())), std::string(first_line(text)));
        return true;
    }

    bool use_counters(std::string_view text, const std::string& path) {
        auto file = parse_counters(text, files_.root + path);
        if (!file) {
            complain(file.error());
            return false;
        }
        for (auto& complaint : file->complaints) complain(std::move(complaint));
        if (file->readings.size() > 1 && !moment_result_.earlier) moment_result_.earlier = file->readings.front();
        moment_result_.zeros_omitted = moment_result_.zeros_omitted || file->zeros_omitted;
        for (auto& [name, value] : file->readings.back()) counters_.emplace(name, value);
        return true;
    }

    bool use_interface_file(BundleKind kind, const std::string& path, std::string_view text) {
        const auto name = interface_in_name(path);
        if (name.empty() || (interfaces_.size() >= kMaxInterfaces && !interfaces_.contains(name))) return false;
        auto& interface = interfaces_[name];
        interface.name = name;
        if (kind == BundleKind::nic_counters) add_nic_counters(text, interface);
        if (kind == BundleKind::nic_rings) add_nic_rings(text, interface);
        if (kind == BundleKind::tc_ingress) add_tc_ingress(text, interface);
        return true;
    }

    void use_security(std::string_view text) {
        while (const auto line = next_line(text)) {
            if (const auto enforce = value_of(*line, "selinux_enforce"); enforce && *enforce == "1") {
                moment_result_.state.refusers.push_back({"selinux", "enforcing", 0});
            }
        }
    }

    void use_moment(std::string_view text) {
        while (const auto line = next_line(text)) {
            if (const auto wall = value_of(*line, "wall_s")) {
                const auto seconds = integer_of(*wall);
                const bool sane = seconds && *seconds > 0 && *seconds < 9'000'000'000;
                if (sane) moment_result_.state.wall_ns = *seconds * 1'000'000'000;
            }
            if (const auto uptime = value_of(*line, "uptime_s")) {
                if (const auto ns = uptime_ns(*uptime)) moment_result_.state.monotonic_ns = *ns;
            }
        }
    }

    void use_description(std::string_view text) {
        while (const auto line = next_line(text)) {
            if (const auto netns = value_of(*line, "netns")) moment_result_.state.netns = netns->substr(0, 256);
        }
    }

    /// "FILE: reason"
    void use_refused(std::string_view text) {
        auto& missing = moment_result_.state.missing;
        while (const auto line = next_line(text)) {
            const auto colon = line->find(": ");
            if (colon == std::string_view::npos || missing.size() >= kMaxMissingNotes) continue;
            missing.push_back({std::string(line->substr(0, std::min<std::size_t>(colon, 200))),
                               std::string(trimmed(line->substr(colon + 2, 300)))});
        }
    }

    /// PRETTY_NAME="CentOS Linux 7 (Core)" of os-release, the only line of the older files.
    static std::string first_distribution(std::string_view text) {
        auto rest = text;
        while (const auto line = next_line(rest)) {
            constexpr std::string_view kKey = "PRETTY_NAME=";
            if (!line->starts_with(kKey)) continue;
            auto value = trimmed(line->substr(kKey.size()));
            if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
                value = value.substr(1, value.size() - 2);
            return std::string(value.substr(0, 200));
        }
        return std::string(first_line(text).substr(0, 200));
    }

    void finish_distribution() {
        for (const std::string_view name : {"os-release", "redhat-release", "debian_version"}) {
            const auto found = distributions_.find(name);
            if (found == distributions_.end()) continue;
            moment_result_.state.distribution = (name == "debian_version" ? "Debian " : "") + found->second;
            return;
        }
    }

    void finish_processes() {
        auto& state = moment_result_.state;
        for (auto& [pid, process] : state.processes) {
            const auto open = sockets_.open_descriptors().find(pid);
            if (open != sockets_.open_descriptors().end()) process.descriptors = open->second;
        }
    }

    void finish_interfaces() {
        auto& state = moment_result_.state;
        for (auto& [name, interface] : interfaces_) state.interfaces.push_back(std::move(interface));
        std::ranges::stable_sort(state.interfaces, {}, &core::InterfaceState::index);
    }

    const BundleFiles& files_;
    std::string_view moment_;
    BundleMoment moment_result_{};
    std::set<BundleKind> told_{};
    Counters counters_{};
    BundleSockets sockets_{};
    ProcessFiles processes_{};
    Interfaces interfaces_{};
    std::map<std::string, std::string, std::less<>> distributions_{};
};

}  // namespace

BundleMoment read_moment(const BundleFiles& files, std::string_view moment) {
    return MomentReader(files, moment).read();
}

void note_missing(core::HostState& state) {
    const auto note = [&](bool absent, const char* what, const char* how) {
        if (absent && state.missing.size() < kMaxMissingNotes) {
            state.missing.push_back({what, fmt::format("the bundle does not hold it; {}", how)});
        }
    };
    const auto& facts = state.facts;
    const bool owners = std::ranges::any_of(state.listeners, [](const auto& one) { return !one.pids.empty(); });
    const bool limits = std::ranges::all_of(state.listeners, &core::Listener::backlog_known);
    note(!facts.kernel, "kernel release", "add the output of uname -a");
    note(facts.sysctls.empty(), "sysctls", "add the output of sysctl -a");
    note(facts.counters.empty(), "counters", "add the output of nstat -az, or /proc/net/netstat and snmp");
    note(state.listeners.empty(), "listening sockets", "add the output of ss -ltnmpe");
    note(!state.listeners.empty() && !limits, "limits of the accept queues", "add the output of ss -ltnmpe");
    note(!state.listeners.empty() && !owners, "owners of the listeners", "run synwhy-collect as root");
    note(state.processes.empty(), "states of the processes", "run synwhy-collect as root");
    note(state.interfaces.empty(), "interfaces", "add /proc/net/dev and the output of ip addr");
    note(state.kernel_log.empty(), "kernel messages about SYNs", "add the output of dmesg, unless there are none");
    note(state.load.total_ticks.empty(), "load of the processors", "add /proc/stat");
    note(true, "the way back to the clients", "only a live host can be asked for its routes");
}

}  // namespace synwhy::host
