// Reads and validates one page of the catalogue. See page.hpp.
#include "page.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include <toml++/toml.h>

namespace catalogue {
namespace {

// The names of core::Stage in path order; the generated table is checked against the enum by the unit test.
constexpr std::array<std::string_view, 12> kStages = {"before_tap",  "ingress", "ip",        "netfilter",
                                                      "tcp_input",   "lookup",  "time_wait", "request",
                                                      "full_socket", "listen",  "reply",     "final_ack"};
constexpr std::array<std::string_view, 6> kSeen = {"silence", "rst", "bare_ack", "cookie", "icmp", "synack_repeated"};
constexpr std::array<std::string_view, 3> kCaptureClasses = {"silent", "visible", "absent"};
constexpr std::array<std::string_view, 8> kVendors = {"el6", "el7", "el8", "el9", "el10", "debian", "ubuntu", "suse"};
constexpr std::array<std::string_view, 4> kRules = {"set", "at_least", "at_most", "widen"};
constexpr std::array<std::string_view, 3> kApply = {"default", "asked", "never"};
constexpr std::array<std::string_view, 9> kHeadings = {
    "What happens",       "In which kernels",    "Counters", "In a capture", "Confirm", "Fix",
    "What does not help", "Why Linux does this", "Sources"};

template <typename List>
bool contains(const List& list, std::string_view value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

bool is_slug(std::string_view text) {
    return !text.empty() && text.front() >= 'a' && text.front() <= 'z' && text.back() != '-' &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

// "4.11" or "6.12.19": two or three numbers.
bool is_version(std::string_view text) {
    const auto dots = std::count(text.begin(), text.end(), '.');
    if (dots < 1 || dots > 2) return false;
    bool digit_before = false;
    for (char c : text) {
        if (c == '.' && !digit_before) return false;
        if (c != '.' && (c < '0' || c > '9')) return false;
        digit_before = c != '.';
    }
    return digit_before;
}

std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\n");
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(" \t\n") - first + 1));
}

/// One TOML table of a page, read key by key; keys that nobody asked for are complaints.
class Reader {
  public:
    Reader(const toml::table& table, const std::string& file, unsigned offset, std::vector<Problem>& problems)
        : table_(table), file_(file), offset_(offset), problems_(problems) {}

    void complain(const std::string& what) { problems_.push_back({file_, line_of(table_), what}); }
    void complain(std::string_view key, const std::string& what) {
        const toml::node* node = table_.get(key);
        problems_.push_back({file_, line_of(node ? *node : table_), "'" + std::string(key) + "' " + what});
    }

    std::string text(std::string_view key, bool required = true) {
        asked_.emplace_back(key);
        const toml::node* node = table_.get(key);
        if (!node) {
            if (required) complain(key, "is missing");
            return {};
        }
        if (!node->is_string()) {
            complain(key, "must be a string");
            return {};
        }
        std::string value = trimmed(node->as_string()->get());
        if (required && value.empty()) complain(key, "is empty");
        return value;
    }

    template <typename List>
    std::string one_of(std::string_view key, const List& allowed) {
        std::string value = text(key);
        if (!value.empty() && !contains(allowed, value)) {
            std::string names;
            for (std::string_view name : allowed) names += " " + std::string(name);
            complain(key, "is '" + value + "', allowed are:" + names);
        }
        return value;
    }

    bool flag(std::string_view key) {
        asked_.emplace_back(key);
        const toml::node* node = table_.get(key);
        if (node && !node->is_boolean()) complain(key, "must be true or false");
        return node && node->is_boolean() && node->as_boolean()->get();
    }

    long number(std::string_view key) {
        asked_.emplace_back(key);
        const toml::node* node = table_.get(key);
        if (!node || !node->is_integer()) {
            complain(key, "must be a whole number");
            return 0;
        }
        return node->as_integer()->get();
    }

    std::vector<std::string> texts(std::string_view key) {
        asked_.emplace_back(key);
        std::vector<std::string> values;
        const toml::node* node = table_.get(key);
        if (!node) return values;
        if (!node->is_array()) {
            complain(key, "must be a list of strings");
            return values;
        }
        for (const toml::node& element : *node->as_array()) {
            if (element.is_string())
                values.push_back(element.as_string()->get());
            else
                complain(key, "must hold strings only");
        }
        return values;
    }

    std::vector<Reader> tables(std::string_view key) {
        asked_.emplace_back(key);
        std::vector<Reader> readers;
        const toml::node* node = table_.get(key);
        if (!node) return readers;
        if (!node->is_array()) {
            complain(key, "must be a list of tables ([[" + std::string(key) + "]])");
            return readers;
        }
        for (const toml::node& element : *node->as_array()) {
            if (element.is_table())
                readers.emplace_back(*element.as_table(), file_, offset_, problems_);
            else
                complain(key, "must hold tables only");
        }
        return readers;
    }

    Kernels kernels() {
        Kernels range{text("kernels"), text("kernel_min", false), text("kernel_max", false), texts("also"),
                      texts("except")};
        if (!range.min.empty() && !is_version(range.min)) complain("kernel_min", "is not a version like 4.11");
        if (!range.max.empty() && !is_version(range.max)) complain("kernel_max", "is not a version like 4.11");
        for (const std::string& vendor : range.also)
            if (!contains(kVendors, vendor)) complain("also", "names an unknown vendor kernel '" + vendor + "'");
        for (const std::string& vendor : range.except)
            if (!contains(kVendors, vendor)) complain("except", "names an unknown vendor kernel '" + vendor + "'");
        return range;
    }

    [[nodiscard]] unsigned line(std::string_view key) const {
        const toml::node* node = table_.get(key);
        return line_of(node ? *node : table_);
    }

    void refuse_unknown() {
        for (auto&& [key, node] : table_)
            if (!contains(asked_, key.str()))
                problems_.push_back({file_, line_of(node), "unknown field '" + std::string(key.str()) + "'"});
    }

  private:
    [[nodiscard]] unsigned line_of(const toml::node& node) const {
        return static_cast<unsigned>(node.source().begin.line) + offset_;
    }

    const toml::table& table_;
    std::string file_;
    unsigned offset_;
    std::vector<Problem>& problems_;
    std::vector<std::string> asked_;
};

// What a person would type for these settings.
std::string command_of(const std::vector<Setting>& settings) {
    std::string command = "sysctl -w";
    for (const Setting& setting : settings) {
        const bool quoted = setting.value.find(' ') != std::string::npos;
        command += " " + setting.name + "=" + (quoted ? "'" + setting.value + "'" : setting.value);
    }
    return command;
}

bool is_sysctl_name(std::string_view name) {
    return name.find('.') != std::string_view::npos && name.front() != '.' && name.back() != '.' &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == 'I' || c == 'F';
           });
}

bool is_numbers(std::string_view value) {
    return !value.empty() && value.front() != ' ' && value.back() != ' ' &&
           std::all_of(value.begin(), value.end(), [](char c) { return (c >= '0' && c <= '9') || c == ' '; });
}

Fix read_fix(Reader& entry) {
    Fix fix{entry.kernels(), entry.text("command", false), entry.text("says"), entry.text("risk", false), {}, {}, {}};
    for (Reader& setting : entry.tables("sysctls")) {
        fix.settings.push_back({setting.text("name"), setting.text("value"), setting.one_of("rule", kRules)});
        const Setting& read = fix.settings.back();
        if (!read.name.empty() && !is_sysctl_name(read.name)) setting.complain("name", "is no sysctl in dots");
        if (!read.value.empty() && !is_numbers(read.value)) setting.complain("value", "must be numbers");
        setting.refuse_unknown();
    }
    fix.backlog = entry.flag("backlog");
    if (!fix.settings.empty()) {
        if (!fix.command.empty()) entry.complain("command", "is derived from 'sysctls': leave it out");
        fix.command = command_of(fix.settings);
        fix.apply = entry.one_of("apply", kApply);
    } else if (fix.command.find("sysctl -w") != std::string::npos) {
        entry.complain("command", "sets a sysctl: write it as 'sysctls'");
    }
    if (!fix.command.empty() && fix.risk.empty()) entry.complain("a fix with a command needs its 'risk'");
    entry.refuse_unknown();
    return fix;
}

void read_facts(Page& page, Reader& facts) {
    page.title = facts.text("title");
    page.summary = facts.text("summary");
    page.stage = facts.one_of("stage", kStages);
    page.stage_index = std::find(kStages.begin(), kStages.end(), page.stage) - kStages.begin();
    page.order = facts.number("order");
    page.seen = facts.one_of("seen", kSeen);
    page.capture_class = facts.one_of("capture_class", kCaptureClasses);
    page.kernels = facts.kernels();
    page.settle = facts.text("settle");
    page.related = facts.texts("related");
    page.related_line = facts.line("related");
    if (page.title.size() > 60) facts.complain("title", "is longer than 60 characters");
    if (page.summary.find('\n') != std::string::npos) facts.complain("summary", "must be one line");
    if (!page.summary.empty() && page.summary.back() != '.') facts.complain("summary", "must be a sentence");
}

void read_lists(Page& page, Reader& facts) {
    for (Reader& entry : facts.tables("counters")) {
        page.counters.push_back(
            {entry.text("name"), entry.text("netstat"), entry.text("kernels"), entry.flag("direct")});
        if (page.counters.back().name.find('.') == std::string::npos)
            entry.complain("name", "needs its group, e.g. TcpExt.ListenDrops");
        entry.refuse_unknown();
    }
    for (Reader& entry : facts.tables("confirm")) {
        page.confirm.push_back({entry.text("command"), entry.text("look")});
        entry.refuse_unknown();
    }
    for (Reader& entry : facts.tables("fixes")) page.fixes.push_back(read_fix(entry));
    for (Reader& entry : facts.tables("no_help")) {
        page.no_help.push_back({entry.text("what"), entry.text("why")});
        entry.refuse_unknown();
    }
    if (page.fixes.empty()) facts.complain("fixes", "is missing");
    if (page.confirm.empty()) facts.complain("confirm", "is missing");
}

// Splits the prose at its second-level headings, outside of code blocks.
void read_sections(Page& page, const std::vector<std::string>& lines, std::size_t first,
                   std::vector<Problem>& problems) {
    bool in_code = false;
    for (std::size_t i = first; i < lines.size(); ++i) {
        const std::string& line = lines[i];
        const auto number = static_cast<unsigned>(i + 1);
        if (line.starts_with("```")) in_code = !in_code;
        if (!in_code && line.starts_with("## ")) {
            const std::string heading = trimmed(line.substr(3));
            const std::size_t index = page.sections.size();
            if (index >= kHeadings.size() || heading != kHeadings[index])
                problems.push_back({page.file, number,
                                    "heading '" + heading + "' where '" +
                                        std::string(index < kHeadings.size() ? kHeadings[index] : "the end") +
                                        "' is expected"});
            page.sections.push_back({heading, {}});
        } else if (page.sections.empty()) {
            if (!trimmed(line).empty()) problems.push_back({page.file, number, "text before the first heading"});
        } else {
            page.sections.back().text += line + "\n";
        }
    }
    const auto end = static_cast<unsigned>(lines.size());
    if (in_code) problems.push_back({page.file, end, "code block is not closed"});
    if (page.sections.size() < kHeadings.size())
        problems.push_back(
            {page.file, end, "section '" + std::string(kHeadings[page.sections.size()]) + "' is missing"});
    for (Section& section : page.sections) {
        section.text = trimmed(section.text);
        if (section.text.empty()) problems.push_back({page.file, end, "section '" + section.heading + "' is empty"});
    }
}

}  // namespace

Page read_page(const std::string& path, std::vector<Problem>& problems) {
    Page page;
    page.file = path;
    page.slug = std::filesystem::path(path).stem().string();
    if (!is_slug(page.slug)) problems.push_back({path, 0, "file name is not a slug (a-z, 0-9, '-')"});

    std::ifstream in(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    const auto close = lines.empty() ? lines.end() : std::find(lines.begin() + 1, lines.end(), "+++");
    if (lines.empty() || lines.front() != "+++" || close == lines.end()) {
        problems.push_back({path, 1, "front matter between two lines of +++ is missing"});
        return page;
    }
    std::string front;
    for (auto line = lines.begin() + 1; line != close; ++line) front += *line + "\n";

    try {
        const toml::table table = toml::parse(front, path);
        Reader facts(table, path, 1, problems);  // 1: the opening +++ line
        read_facts(page, facts);
        read_lists(page, facts);
        facts.refuse_unknown();
    } catch (const toml::parse_error& error) {
        problems.push_back(
            {path, static_cast<unsigned>(error.source().begin.line) + 1, std::string(error.description())});
    }
    read_sections(page, lines, static_cast<std::size_t>(close - lines.begin()) + 1, problems);
    return page;
}

std::vector<Listen> read_listens(const std::string& path, std::vector<Problem>& problems) {
    std::vector<Listen> listens;
    try {
        const toml::table table = toml::parse_file(path);
        Reader file(table, path, 0, problems);
        for (Reader& entry : file.tables("listen")) {
            listens.push_back({entry.text("server"), entry.text("setting"), entry.text("usual"), entry.text("applies"),
                               entry.text("source")});
            entry.refuse_unknown();
        }
        file.refuse_unknown();
    } catch (const toml::parse_error& error) {
        problems.push_back({path, static_cast<unsigned>(error.source().begin.line), std::string(error.description())});
    }
    return listens;
}

void check_together(const std::vector<Page>& pages, std::vector<Problem>& problems) {
    for (const Page& page : pages) {
        for (const std::string& slug : page.related) {
            const bool known = std::any_of(pages.begin(), pages.end(), [&](const Page& p) { return p.slug == slug; });
            if (!known) problems.push_back({page.file, page.related_line, "related slug '" + slug + "' is unknown"});
            if (slug == page.slug) problems.push_back({page.file, page.related_line, "page is related to itself"});
        }
    }
}

}  // namespace catalogue
