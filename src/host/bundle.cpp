// What does a directory copied from another host tell about it?
#include "host/bundle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "host/lines.hpp"
#include "host/netstat_file.hpp"
#include "host/ss_text.hpp"
#include "host/sysctl_text.hpp"
#include "host/text_file.hpp"

namespace synwhy::host {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSysctlFileBytes = 4096;

enum class Kind : std::uint8_t { release, sysctls, counters, listeners };

/// Where the files lie: the root of a flat folder, a copied /proc, sosreport's command output.
constexpr std::array<std::string_view, 7> kFolders{
    "", "proc", "proc/net", "proc/sys/kernel", "commands", "sos_commands/kernel", "sos_commands/networking"};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// What a file is by its name, lower case and without ".txt": "netstat_-s", "proc-net-snmp", "ss_-ltnp".
std::optional<Kind> kind_of(std::string_view folder, std::string name) {
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    for (const std::string_view suffix : {".txt", ".out", ".log"}) {
        if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    }
    if (name.starts_with("uname") || name == "osrelease" || name == "version_signature") return Kind::release;
    if (name.ends_with("proc_version") || name.ends_with("proc-version")) return Kind::release;
    if (name == "version" && folder == "proc") return Kind::release;
    if (name.starts_with("sysctl") && !contains(name, "conf")) return Kind::sysctls;
    if (name.starts_with("nstat")) return Kind::counters;
    if (name.ends_with("snmp") || name == "netstat" || name.ends_with("net_netstat") || name.ends_with("net-netstat")) {
        return Kind::counters;
    }
    if (name.starts_with("netstat") && contains(name, "-s")) return Kind::counters;
    if (name == "ss" || name.starts_with("ss_") || name.starts_with("ss-")) return Kind::listeners;
    return std::nullopt;
}

class Collector {
  public:
    explicit Collector(fs::path root) : root_(std::move(root)) {}

    /// Reads all that is known below `top`, which is the root or a subfolder of it.
    void collect(const fs::path& top) {
        for (const auto folder : kFolders) read_folder(top, folder);
        walk_sysctls(top / "proc/sys/net", top / "proc/sys", 0);
    }

    [[nodiscard]] bool found_anything() const {
        return facts.kernel || !facts.sysctls.empty() || !counters.empty() || !facts.listeners.empty();
    }

    core::HostFacts facts{};
    Counters counters{};
    bool zeros_omitted = false;
    std::optional<CounterFile> two_readings{};
    std::vector<core::Error> complaints{};

  private:
    void complain(core::Error error) {
        if (complaints.size() < kMaxComplaints) complaints.push_back(std::move(error));
    }

    /// The file's own path when it lies inside the bundle, wherever links lead; nullopt otherwise.
    std::optional<fs::path> inside(const fs::path& path) {
        std::error_code error;
        auto real = fs::canonical(path, error);
        if (error) return std::nullopt;
        const auto [end, ignored] = std::mismatch(root_.begin(), root_.end(), real.begin(), real.end());
        if (end != root_.end()) {
            complain({"a link leads out of the bundle", path.string()});
            return std::nullopt;
        }
        return real;
    }

    std::optional<std::string> text_of(const fs::path& path, std::size_t limit = kMaxTextBytes) {
        const auto real = inside(path);
        if (!real) return std::nullopt;
        auto text = read_text_file(real->string(), FileKind::regular, limit);
        if (text) return std::move(*text);
        complain(text.error());
        return std::nullopt;
    }

    /// Entry names of a directory, sorted, within the budget of the whole bundle.
    std::vector<std::string> names_in(const fs::path& directory) {
        std::vector<std::string> names;
        std::error_code error;
        const auto real = inside(directory);
        if (!real) return names;
        for (fs::directory_iterator entry(*real, error), end; !error && entry != end; entry.increment(error)) {
            if (files_seen_ >= kMaxBundleFiles) {
                complain(
                    {fmt::format("more than {} files, the rest is not read", kMaxBundleFiles), directory.string()});
                break;
            }
            ++files_seen_;
            names.push_back(entry->path().filename().string());
        }
        std::ranges::sort(names);
        return names;
    }

    void read_folder(const fs::path& top, std::string_view folder) {
        const auto directory = folder.empty() ? top : top / folder;
        std::error_code error;
        if (!fs::is_directory(directory, error)) return;
        for (const auto& name : names_in(directory)) {
            const auto kind = kind_of(folder, name);
            const auto path = directory / name;
            if (!kind || fs::is_directory(path, error)) continue;
            if (const auto text = text_of(path)) use(*kind, *text, path.string());
        }
    }

    void use(Kind kind, std::string_view text, const std::string& path) {
        bool used = false;
        switch (kind) {
            case Kind::release: used = use_release(text); break;
            case Kind::sysctls: used = use_sysctls(text, path); break;
            case Kind::counters: used = use_counters(text, path); break;
            case Kind::listeners: used = use_listeners(text); break;
        }
        if (used) facts.sources.push_back(path);
    }

    /// `uname -a` and /proc/version name Debian's stable release, osrelease does not: the better answer wins.
    bool use_release(std::string_view text) {
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
        auto sysctls = parse_sysctls(text, path);
        if (!sysctls) {
            complain(sysctls.error());
            return false;
        }
        for (auto& [name, value] : *sysctls) facts.sysctls.emplace(name, std::move(value));
        return true;
    }

    bool use_counters(std::string_view text, const std::string& path) {
        auto file = parse_counters(text, path);
        if (!file) {
            complain(file.error());
            return false;
        }
        for (auto& complaint : file->complaints) complain(std::move(complaint));
        if (file->readings.size() > 1 && !two_readings) two_readings = *file;
        zeros_omitted = zeros_omitted || file->zeros_omitted;
        for (auto& [name, value] : file->readings.back()) counters.emplace(name, value);
        return true;
    }

    bool use_listeners(std::string_view text) {
        if (!facts.listeners.empty()) return false;  // ss_-ltn and ss_-ltnp show the same sockets twice
        facts.listeners = parse_listeners(text);
        return !facts.listeners.empty();
    }

    /// One file per sysctl, the path below proc/sys is its name.
    void walk_sysctls(const fs::path& directory, const fs::path& base, std::size_t depth) {
        std::error_code error;
        if (depth > kMaxBundleDepth || !fs::is_directory(fs::symlink_status(directory, error))) return;
        if (depth == 0) facts.sources.push_back(directory.string());
        for (const auto& name : names_in(directory)) {
            const auto path = directory / name;
            const auto status = fs::symlink_status(path, error);
            if (fs::is_directory(status)) {
                walk_sysctls(path, base, depth + 1);
            } else if (fs::is_regular_file(status) && facts.sysctls.size() < kMaxSysctls) {
                const auto text = text_of(path, kMaxSysctlFileBytes);
                const auto key = full_sysctl_name(path.lexically_relative(base).string());
                if (text) facts.sysctls.emplace(key, std::string(trimmed(text->substr(0, text->find('\n')))));
            }
        }
    }

    fs::path root_;
    std::size_t files_seen_ = 0;
};

/// A tar of a sosreport unpacks into one folder: step into it.
fs::path effective_root(const fs::path& root) {
    std::error_code error;
    std::optional<fs::path> only;
    std::size_t seen = 0;
    for (fs::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
        if (++seen > 1) return root;
        if (fs::is_directory(entry->symlink_status(error))) only = entry->path();
    }
    const bool is_part = only && (only->filename() == "proc" || only->filename() == "sos_commands");
    return only && !is_part ? *only : root;
}

void finish_counters(Collector& collector, const Collector* earlier) {
    CounterFile file;
    file.zeros_omitted = collector.zeros_omitted;
    if (earlier != nullptr && !earlier->counters.empty() && !collector.counters.empty()) {
        file.zeros_omitted = file.zeros_omitted || earlier->zeros_omitted;
        file.readings = {earlier->counters, collector.counters};
    } else if (collector.two_readings) {
        file = *collector.two_readings;
    } else if (!collector.counters.empty()) {
        file.readings = {collector.counters};
    }
    add_counters(collector.facts, file);
    for (const auto& [name, value] : collector.counters) collector.facts.counters.emplace(name, value);
}

/// What only the earlier moment tells is better than nothing.
void fill_gaps(core::HostFacts& facts, const core::HostFacts& earlier) {
    if (!facts.kernel) facts.kernel = earlier.kernel;
    facts.sysctls.insert(earlier.sysctls.begin(), earlier.sysctls.end());
    if (facts.listeners.empty()) facts.listeners = earlier.listeners;
    facts.sources.insert(facts.sources.begin(), earlier.sources.begin(), earlier.sources.end());
}

}  // namespace

std::expected<Bundle, core::Error> read_bundle(const std::string& directory) {
    std::error_code error;
    const auto given = fs::canonical(directory, error);
    if (error) return std::unexpected(core::Error{error.message(), directory, "name a directory"});
    if (!fs::is_directory(given, error)) {
        return std::unexpected(core::Error{"is no directory", directory, "unpack the archive first"});
    }
    const auto root = effective_root(given);

    Collector now(root);
    Collector earlier(root);
    const bool two_moments = fs::is_directory(root / "before", error) && fs::is_directory(root / "after", error);
    now.collect(root);
    if (two_moments) {
        earlier.collect(root / "before");
        now.counters.clear();  // loose files beside before/ and after/ are of an unknown moment
        now.collect(root / "after");
        fill_gaps(now.facts, earlier.facts);
    }
    finish_counters(now, two_moments ? &earlier : nullptr);
    core::correct_kernel_by_facts(now.facts);
    if (!now.found_anything()) {
        return std::unexpected(core::Error{
            "holds neither uname, sysctl, netstat/nstat nor ss output", directory,
            "expected for example proc/net/netstat, sos_commands/, or files like uname-a, sysctl-a, nstat-az, ss-ltn"});
    }
    Bundle bundle{std::move(now.facts), std::move(now.complaints)};
    for (auto& complaint : earlier.complaints) {
        if (bundle.complaints.size() < kMaxComplaints) bundle.complaints.push_back(std::move(complaint));
    }
    return bundle;
}

}  // namespace synwhy::host
