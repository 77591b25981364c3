// Which counters did a host have, and how did they move?
#include "host/netstat_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <set>

#include "host/lines.hpp"
#include "host/netstat_sentences.hpp"
#include "host/text_file.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kMaxColumns = 1024;  ///< of one /proc/net/netstat line
constexpr std::size_t kMaxNameBytes = 64;

/// Longest first, so that "TcpExtPAWSPassive" is not a counter "ExtPAWSPassive" of Tcp.
constexpr std::array<std::string_view, 14> kSections{"MPTcpExt", "UdpLite6", "IcmpMsg", "UdpLite", "TcpExt",
                                                     "Icmp6",    "IpExt",    "Udp6",    "Icmp",    "Ip6",
                                                     "Tcp",      "Udp",      "Sctp",    "Ip"};

enum Format : std::uint8_t { sentences, pairs, nstat, format_count };

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name(std::string_view text) {
    const auto fits = [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    return !text.empty() && text.size() <= kMaxNameBytes && !is_digit(text.front()) && std::ranges::all_of(text, fits);
}

class Parser {
  public:
    explicit Parser(const std::string& name) : name_(name) {}

    void line(std::string_view raw) {
        ++line_;
        const auto text = trimmed(raw);
        if (text.empty()) return;
        if (finish_pair(text) || begin_pair(text) || section_heading(raw, text)) return;
        if (!raw.empty() && is_blank(raw.front()) && !section_.empty()) {
            sentence(text);
        } else {
            nstat_line(text);
        }
    }

    CounterFile take() {
        CounterFile file;
        for (auto& reading : readings_) {
            if (!reading.empty()) file.readings.push_back(std::move(reading));
        }
        file.zeros_omitted = saw_sentences_;
        file.complaints = std::move(complaints_);
        return file;
    }

  private:
    struct Progress {
        std::set<std::string, std::less<>> seen{};  ///< sections (or nstat names) of the current reading
        std::size_t reading = 0;
    };

    void complain(std::string what) {
        if (complaints_.size() < kMaxComplaints) {
            complaints_.push_back({std::move(what), fmt::format("{}:{}", name_, line_)});
        }
    }

    /// A section that comes up again starts the next reading of its format; the last of many replaces the second.
    void enter(Format format, std::string_view section) {
        auto& progress = progress_[format];
        if (progress.seen.size() < kMaxCounters && progress.seen.emplace(section).second) return;
        progress.seen.clear();
        progress.seen.emplace(section);
        if (progress.reading == 1) readings_[1].clear();
        progress.reading = 1;
    }

    void store(Format format, std::string_view section, std::string_view counter, std::int64_t value) {
        auto& reading = readings_[progress_[format].reading];
        if (!is_name(counter)) return;
        if (reading.size() >= kMaxCounters) return complain("too many counters");
        reading.insert_or_assign(fmt::format("{}.{}", section, counter), value);
    }

    /// "TcpExt: SyncookiesSent SyncookiesRecv": names first, the values follow under the same section.
    bool begin_pair(std::string_view text) {
        const auto words = words_of(text, kMaxColumns + 1);
        if (words.size() < 2 || !words[0].ends_with(':')) return false;
        const auto section = words[0].substr(0, words[0].size() - 1);
        if (std::ranges::find(kSections, section) == kSections.end()) return false;
        if (!std::all_of(words.begin() + 1, words.end(), is_name)) return false;
        names_.assign(words.begin() + 1, words.end());
        pair_section_ = section;
        return true;
    }

    bool finish_pair(std::string_view text) {
        if (names_.empty()) return false;
        const auto names = std::move(names_);
        names_.clear();
        const auto words = words_of(text, kMaxColumns + 1);
        if (words[0].size() != pair_section_.size() + 1 || !words[0].starts_with(pair_section_)) {
            complain(fmt::format("the values of {} are missing", pair_section_));
            return false;
        }
        if (words.size() != names.size() + 1) {
            complain(fmt::format("{} has {} names and {} values", pair_section_, names.size(), words.size() - 1));
        }
        enter(pairs, pair_section_);
        section_.clear();
        for (std::size_t i = 0; i < std::min(names.size(), words.size() - 1); ++i) {
            if (const auto value = integer_of(words[i + 1])) store(pairs, pair_section_, names[i], *value);
        }
        return true;
    }

    /// "Tcp:" alone and not indented.
    bool section_heading(std::string_view raw, std::string_view text) {
        if (is_blank(raw.front()) || !text.ends_with(':')) return false;
        const auto section = text.substr(0, text.size() - 1);
        if (!is_name(section)) return false;
        const bool known = std::ranges::find(kSections, section) != kSections.end();
        section_ = known ? std::string(section) : std::string();
        if (known) {
            enter(sentences, section);
            saw_sentences_ = true;
        }
        return true;
    }

    /// "    12 SYN cookies sent" or "    TCPReqQFullDrop: 5", with the number anywhere.
    void sentence(std::string_view text) {
        const auto colon = text.find(": ");
        if (colon != std::string_view::npos && is_name(text.substr(0, colon))) {
            if (const auto value = integer_of(trimmed(text.substr(colon + 1)))) {
                store(sentences, section_, text.substr(0, colon), *value);
            }
            return;
        }
        std::string shape;
        std::optional<std::int64_t> value;
        for (const auto word : words_of(text, kMaxColumns)) {
            const auto number = value ? std::nullopt : integer_of(word);
            if (!shape.empty()) shape += ' ';
            shape += number ? "#" : word;
            if (number) value = number;
        }
        if (shape.ends_with('.')) shape.pop_back();
        const auto counter = counter_of_sentence(section_, shape);
        if (value && !counter.empty()) store(sentences, section_, counter, *value);
    }

    /// "TcpExtPAWSPassive               12                 0.0"
    void nstat_line(std::string_view text) {
        const auto words = words_of(text, 4);
        if (words.size() < 2 || words.size() > 3) return;
        const auto value = integer_of(words[1]);
        if (!value) return;
        for (const auto section : kSections) {
            if (!words[0].starts_with(section)) continue;
            enter(nstat, words[0]);
            return store(nstat, section, words[0].substr(section.size()), *value);
        }
    }

    const std::string& name_;
    std::size_t line_ = 0;
    std::string section_{};       ///< of `netstat -s`
    std::string pair_section_{};  ///< of the names waiting for their values
    std::vector<std::string> names_{};
    std::array<Progress, format_count> progress_{};
    std::array<Counters, 2> readings_{};
    bool saw_sentences_ = false;
    std::vector<core::Error> complaints_{};
};

void append(CounterFile& file, CounterFile&& other) {
    for (auto& reading : other.readings) file.readings.push_back(std::move(reading));
    file.zeros_omitted = file.zeros_omitted || other.zeros_omitted;
    for (auto& complaint : other.complaints) file.complaints.push_back(std::move(complaint));
}

std::expected<CounterFile, core::Error> read_one(const std::string& path) {
    const auto text = read_text_file(path);
    if (!text) return std::unexpected(text.error());
    return parse_counters(*text, path);
}

}  // namespace

std::expected<CounterFile, core::Error> parse_counters(std::string_view text, const std::string& name) {
    Parser parser(name);
    while (const auto line = next_line(text)) parser.line(*line);
    auto file = parser.take();
    if (file.readings.empty()) {
        return std::unexpected(core::Error{"holds no counter", name, "make it with: nstat -az, or netstat -s"});
    }
    return file;
}

std::expected<CounterFile, core::Error> read_counters(const std::string& spec) {
    std::error_code ignored;
    const auto comma = spec.find(',');
    if (comma == std::string::npos || std::filesystem::exists(spec, ignored)) return read_one(spec);
    auto before = read_one(spec.substr(0, comma));
    if (!before) return before;
    auto after = read_one(spec.substr(comma + 1));
    if (!after) return after;
    before->readings.resize(1);  // two files: each stands for one moment, its first reading
    after->readings.erase(after->readings.begin(), after->readings.end() - 1);
    append(*before, std::move(*after));
    return before;
}

void add_counters(core::HostFacts& facts, const CounterFile& file) {
    if (file.readings.empty()) return;
    facts.counters = file.readings.back();
    if (file.readings.size() < 2) return;
    const auto& before = file.readings.front();
    for (const auto& [name, value] : file.readings.back()) {
        const auto found = before.find(name);
        if (found == before.end() && !file.zeros_omitted) continue;
        const std::int64_t old = found == before.end() ? 0 : found->second;
        // Both are non-negative in every kernel; a hostile file must not overflow the difference.
        if (old >= 0 && value >= old) facts.counter_deltas.insert_or_assign(name, value - old);
    }
}

}  // namespace synwhy::host
