// What does one file of causes/ say?
//
// Reads a page (TOML between two lines of `+++`, Markdown below), refuses whatever a page must not be, and returns
// plain strings. Knows nothing of the code that is generated from it, and judges form only: whether the prose is
// long enough and true is for tests/tidy and for reviewers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace catalogue {

/// A complaint that stops the build; printed as "file:line: what".
struct Problem {
    std::string file;
    unsigned line = 0;
    std::string what;
};

/// The kernels a page or a fix is about. Bounds are mainline version numbers, empty = open.
struct Kernels {
    std::string text;
    std::string min;
    std::string max;
    std::vector<std::string> also;    ///< vendor kernels outside the bounds that have it: "el7"
    std::vector<std::string> except;  ///< vendor kernels inside the bounds that do not
};

struct Counter {
    std::string name;
    std::string netstat;
    std::string kernels;
    bool direct = false;
};
struct Check {
    std::string command;
    std::string look;
};
struct Setting {
    std::string name;   ///< "net.core.somaxconn"; IF stands for an interface
    std::string value;  ///< as written to /proc/sys
    std::string rule;   ///< set at_least at_most widen
};
struct Fix {
    Kernels kernels;
    std::string command;  ///< of a fix with settings: derived from them
    std::string says;
    std::string risk;
    std::vector<Setting> settings;
    std::string apply;     ///< default asked never; empty without settings
    bool backlog = false;  ///< works only together with the application's own listen backlog
};
struct NoHelp {
    std::string what;
    std::string why;
};
struct Section {
    std::string heading;
    std::string text;
};

struct Page {
    std::string file;
    std::string slug;  ///< the file's name without .md
    std::string title;
    std::string summary;
    std::string stage;
    std::size_t stage_index = 0;
    long order = 0;  ///< place within the stage, in path order
    std::string seen;
    std::string capture_class;
    std::string settle;
    Kernels kernels;
    std::vector<Counter> counters;
    std::vector<Check> confirm;
    std::vector<Fix> fixes;
    std::vector<NoHelp> no_help;
    std::vector<std::string> related;
    unsigned related_line = 0;
    std::vector<Section> sections;
};

/// How one server program is told its listen backlog; an entry of causes/listen_backlog.toml.
struct Listen {
    std::string server;
    std::string setting;
    std::string usual;
    std::string applies;
    std::string source;
};

/// Reads and validates the table of server programs.
std::vector<Listen> read_listens(const std::string& path, std::vector<Problem>& problems);

/// Reads and validates one file; complaints are appended to `problems`.
Page read_page(const std::string& path, std::vector<Problem>& problems);

/// Checks what needs all pages: related slugs exist, no page names itself.
void check_together(const std::vector<Page>& pages, std::vector<Problem>& problems);

}  // namespace catalogue
