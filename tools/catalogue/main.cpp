// Turns causes/*.md into C++: the enum that names every cause, and the pages as static data; and the table of server
// programs, causes/listen_backlog.toml.
//
// Usage: synwhy_catalogue_tool CAUSES_DIR OUTPUT_DIR
// Writes OUTPUT_DIR/core/cause.hpp and OUTPUT_DIR/catalogue_data.cpp, each only when its content changed, so that a
// corrected sentence does not rebuild the world. Complaints go to stderr as file:line: message; any of them fails.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>

#include "page.hpp"

namespace {

using catalogue::Page;

std::string enumerator(std::string slug) {
    std::replace(slug.begin(), slug.end(), '-', '_');
    return slug;
}

// A C++ string literal, one source line per text line.
std::string literal(std::string_view text) {
    std::string out = "\"";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\n') {
            out += "\\n";
            if (i + 1 < text.size()) out += "\"\n    \"";
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\t') {
            out += "\\t";
        } else {
            out += c;
        }
    }
    return out + "\"sv";
}

std::string enumeration(const std::vector<Page>& pages) {
    std::ostringstream out;
    out << "// Every cause the catalogue knows, in path order. Generated from causes/*.md: edit those.\n"
           "#pragma once\n\n#include <cstddef>\n#include <cstdint>\n\nnamespace synwhy::core {\n\n"
           "/// Why a SYN got no SYN+ACK, or a handshake did not complete; one page of causes/ each.\n"
           "enum class Cause : std::uint8_t {\n";
    for (const Page& page : pages) out << "    /// " << page.summary << "\n    " << enumerator(page.slug) << ",\n";
    out << "};\n\ninline constexpr std::size_t kCauseCount = " << pages.size() << ";\n\n}  // namespace synwhy::core\n";
    return out.str();
}

// Writes one static array and returns the expression that names it; an empty list needs no array.
template <typename Items, typename Print>
std::string static_array(std::ostream& out, const char* type, const std::string& name, const Items& items,
                         Print print) {
    if (items.empty()) return "{}";
    out << "constexpr " << type << " " << name << "[] = {\n";
    for (const auto& item : items) {
        out << "    ";
        print(item);
        out << ",\n";
    }
    out << "};\n";
    return name;
}

// "default" is a keyword of C++.
std::string apply_name(const std::string& apply) {
    if (apply == "default") return "by_default";
    return apply.empty() ? "never" : apply;
}

void write_page(std::ostream& arrays, std::ostream& table, const Page& page) {
    const std::string id = enumerator(page.slug);
    const auto texts = [&](const std::string& name, const std::vector<std::string>& items) {
        return static_array(arrays, "std::string_view", name, items,
                            [&](const auto& text) { arrays << literal(text); });
    };
    const std::string also = texts(id + "_also", page.kernels.also);
    const std::string except = texts(id + "_except", page.kernels.except);
    const std::string counters =
        static_array(arrays, "PageCounter", id + "_counters", page.counters, [&](const catalogue::Counter& c) {
            arrays << "{" << literal(c.name) << ", " << literal(c.netstat) << ", " << literal(c.kernels) << ", "
                   << (c.direct ? "true" : "false") << "}";
        });
    const std::string confirm = static_array(
        arrays, "PageCheck", id + "_confirm", page.confirm,
        [&](const catalogue::Check& c) { arrays << "{" << literal(c.command) << ", " << literal(c.look) << "}"; });
    std::vector<std::pair<std::string, std::string>> vendors;
    for (std::size_t i = 0; i < page.fixes.size(); ++i) {
        const std::string prefix = id + "_fix" + std::to_string(i);
        vendors.emplace_back(texts(prefix + "_also", page.fixes[i].kernels.also),
                             texts(prefix + "_except", page.fixes[i].kernels.except));
    }
    std::vector<std::string> settings;
    for (std::size_t i = 0; i < page.fixes.size(); ++i) {
        settings.push_back(static_array(arrays, "PageSetting", id + "_fix" + std::to_string(i) + "_settings",
                                        page.fixes[i].settings, [&](const catalogue::Setting& s) {
                                            arrays << "{" << literal(s.name) << ", " << literal(s.value)
                                                   << ", SettingRule::" << s.rule << "}";
                                        }));
    }
    std::size_t index = 0;
    const std::string fixes = static_array(arrays, "PageFix", id + "_fixes", page.fixes, [&](const catalogue::Fix& f) {
        const auto& [fix_also, fix_except] = vendors[index];
        arrays << "{" << literal(f.kernels.text) << ", " << literal(f.kernels.min) << ", " << literal(f.kernels.max)
               << ", " << fix_also << ", " << fix_except << ",\n     " << literal(f.command) << ",\n     "
               << literal(f.says) << ",\n     " << literal(f.risk) << ",\n     " << settings[index++]
               << ", FixApply::" << apply_name(f.apply) << ", " << (f.backlog ? "true" : "false") << "}";
    });
    const std::string no_help = static_array(
        arrays, "PageNoHelp", id + "_no_help", page.no_help,
        [&](const catalogue::NoHelp& n) { arrays << "{" << literal(n.what) << ", " << literal(n.why) << "}"; });
    const std::string related = static_array(arrays, "Cause", id + "_related", page.related,
                                             [&](const std::string& slug) { arrays << "Cause::" << enumerator(slug); });
    const std::string sections =
        static_array(arrays, "PageSection", id + "_sections", page.sections, [&](const catalogue::Section& s) {
            arrays << "{" << literal(s.heading) << ",\n    " << literal(s.text) << "}";
        });
    table << "    {Cause::" << id << ", " << literal(page.slug) << ",\n     " << literal(page.title) << ",\n     "
          << literal(page.summary) << ",\n     " << literal(page.stage) << ", " << literal(page.seen) << ", "
          << literal(page.capture_class) << ",\n     " << literal(page.kernels.text) << ", "
          << literal(page.kernels.min) << ", " << literal(page.kernels.max) << ", " << also << ", " << except
          << ",\n     " << counters << ", " << confirm << ",\n     " << literal(page.settle) << ",\n     " << fixes
          << ", " << no_help << ", " << related << ", " << sections << "},\n";
}

std::string source(const std::vector<Page>& pages, const std::vector<catalogue::Listen>& listens) {
    std::ostringstream arrays;
    std::ostringstream table;
    for (const Page& page : pages) write_page(arrays, table, page);
    static_array(arrays, "ListenBacklog", "kListenBacklogs", listens, [&](const catalogue::Listen& l) {
        arrays << "{" << literal(l.server) << ", " << literal(l.setting) << ", " << literal(l.usual) << ",\n     "
               << literal(l.applies) << "}";
    });
    return "// The catalogue as static data. Generated from causes/*.md: edit those.\n"
           "#include \"core/catalogue.hpp\"\n\nnamespace synwhy::core {\nnamespace {\n\n"
           "using namespace std::string_view_literals;\n\n" +
           arrays.str() + "\nconstexpr CausePage kPages[] = {\n" + table.str() +
           "};\nstatic_assert(std::size(kPages) == kCauseCount);\n\n}  // namespace\n\n"
           "std::span<const CausePage> all_pages() { return kPages; }\n"
           "std::span<const ListenBacklog> listen_backlogs() { return kListenBacklogs; }\n\n}  // namespace "
           "synwhy::core\n";
}

bool write_if_changed(const std::filesystem::path& path, const std::string& content) {
    std::ifstream in(path, std::ios::binary);
    if (in) {
        std::ostringstream old;
        old << in.rdbuf();
        if (old.str() == content) return true;
    }
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << content;
    out.close();
    if (!out) std::fprintf(stderr, "%s: cannot write\n", path.c_str());
    return static_cast<bool>(out);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3 || !std::filesystem::is_directory(argv[1])) {
        std::fprintf(stderr, "usage: %s CAUSES_DIR OUTPUT_DIR\n", argv[0]);
        return 2;
    }
    std::vector<catalogue::Problem> problems;
    std::vector<Page> pages;
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1]))
        if (entry.path().extension() == ".md") files.push_back(entry.path().string());
    std::sort(files.begin(), files.end());  // the order of a directory is arbitrary, that of complaints should not be
    for (const std::string& file : files) pages.push_back(catalogue::read_page(file, problems));
    catalogue::check_together(pages, problems);
    const auto listens = catalogue::read_listens(std::string(argv[1]) + "/listen_backlog.toml", problems);
    if (listens.empty() && problems.empty()) problems.push_back({"listen_backlog.toml", 1, "names no server"});
    for (const catalogue::Problem& problem : problems)
        std::fprintf(stderr, "%s:%u: %s\n", problem.file.c_str(), problem.line, problem.what.c_str());
    if (!problems.empty()) return 1;
    if (pages.size() > 256) {
        std::fprintf(stderr, "more than 256 causes do not fit the enum\n");
        return 1;
    }
    std::sort(pages.begin(), pages.end(), [](const Page& a, const Page& b) {
        return std::tie(a.stage_index, a.order, a.slug) < std::tie(b.stage_index, b.order, b.slug);
    });
    const std::filesystem::path output = argv[2];
    const bool written = write_if_changed(output / "core" / "cause.hpp", enumeration(pages)) &&
                         write_if_changed(output / "catalogue_data.cpp", source(pages, listens));
    return written ? 0 : 1;
}
