// Renders the catalogue. See explain.hpp.
//
// The Markdown of the pages is a small dialect: paragraphs, lists (* or - or 1.), tables, fenced and indented
// code, `code`, **bold** and *emphasis*, of which only the stars are taken away.
#include "emit/explain.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace synwhy::emit {
namespace {

constexpr std::size_t kMinWidth = 40;
constexpr std::size_t kMinColumn = 6;
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kCode = "\x1b[36m";
constexpr std::string_view kReset = "\x1b[0m";

using Lines = std::vector<std::string>;

/// Something to put on a line: how it is printed and how many columns it takes.
struct Word {
    std::string text{};
    std::size_t width = 0;
};

std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string paint(std::string_view text, std::string_view style, bool colour) {
    return colour ? fmt::format("{}{}{}", style, text, kReset) : std::string(text);
}

// Does the single star at `at` open or close *emphasis*? A star inside net.ipv4.conf.*.rp_filter does neither.
bool is_emphasis(std::string_view text, std::size_t at, bool open) {
    const auto letter = [&](std::size_t i) {
        return i < text.size() && ((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z'));
    };
    if (open) return at > 0 && letter(at - 1);
    const bool starts_word = at == 0 || text[at - 1] == ' ' || text[at - 1] == '(';
    const std::size_t close = text.find('*', at + 1);
    return starts_word && letter(at + 1) && close < text.size() && letter(close - 1);
}

// Splits text at blanks; with colour the marks of `code` and **bold** become escapes, without it code keeps its marks.
std::vector<Word> words_of(std::string_view text, bool colour) {
    std::vector<Word> words;
    Word word;
    bool code = false;
    bool bold = false;
    bool emphasis = false;
    const auto style = [&] { return code ? kCode : kBold; };
    const auto finish = [&] {
        if (word.width == 0) return;
        if (colour && (code || bold)) word.text += kReset;
        words.push_back(std::exchange(word, {}));
    };
    const auto toggle = [&](bool& state) {
        if (colour && state) word.text += kReset;
        state = !state;
        if (colour && state && word.width > 0) word.text += style();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == ' ' || c == '\n') {
            finish();
        } else if (c == '`' && colour) {
            toggle(code);
        } else if (c == '*' && !code && text.substr(i, 2) == "**") {
            toggle(bold);
            ++i;
        } else if (c == '*' && !code && is_emphasis(text, i, emphasis)) {
            emphasis = !emphasis;
        } else {
            if (c == '`') code = !code;
            if (colour && word.width == 0 && (code || bold)) word.text += style();
            word.text += c;
            if ((c & 0xC0) != 0x80) ++word.width;
        }
    }
    finish();
    return words;
}

// Fills lines of at most `width` columns. A word that is longer gets a line of its own, or is cut if `cut` says so.
Lines fill(const std::vector<Word>& words, std::size_t width, bool cut = false) {
    Lines lines;
    std::string line;
    std::size_t used = 0;
    for (const Word& word : words) {
        if (used > 0 && used + 1 + word.width > width) {
            lines.push_back(std::exchange(line, {}));
            used = 0;
        }
        if (cut && word.width > width && word.text.size() == word.width) {
            std::string_view rest = word.text;
            for (; rest.size() > width; rest.remove_prefix(width)) lines.emplace_back(rest.substr(0, width));
            line = rest;
            used = rest.size();
            continue;
        }
        if (used > 0) {
            line += ' ';
            ++used;
        }
        line += word.text;
        used += word.width;
    }
    if (used > 0) lines.push_back(line);
    return lines;
}

/// Collects output lines for one width.
class Canvas {
  public:
    explicit Canvas(const ExplainOptions& options)
        : width_(std::max(options.width, kMinWidth)), colour_(options.colour) {}

    void blank() {
        if (!out_.empty() && !out_.ends_with("\n\n")) out_ += '\n';
    }
    void raw(std::string_view line) { out_ += fmt::format("{}\n", line); }

    void heading(std::string_view text) {
        blank();
        for (const std::string& line : fill(words_of(text, false), width_)) raw(paint(line, kBold, colour_));
    }

    /// `first` starts the first line, the others are indented as far.
    void paragraph(std::string_view text, std::string_view first) {
        const std::size_t indent = columns(first);
        const Lines lines = fill(words_of(text, colour_), width_ > indent ? width_ - indent : 1);
        for (std::size_t i = 0; i < lines.size(); ++i)
            raw(fmt::format("{}{}", i == 0 ? std::string(first) : std::string(indent, ' '), lines[i]));
    }

    /// Lines that must not be touched.
    void code(std::string_view text, std::size_t indent) {
        for (std::size_t start = 0; start <= text.size();) {
            const std::size_t end = std::min(text.find('\n', start), text.size());
            raw(fmt::format("{:{}}{}", "", indent, paint(text.substr(start, end - start), kCode, colour_)));
            start = end + 1;
        }
    }

    void table(const std::vector<std::vector<std::string>>& rows, std::size_t indent, bool head);

    std::string take() { return std::move(out_); }

  private:
    std::size_t width_;
    bool colour_;
    std::string out_{};
};

// Natural widths first; while the table is too wide, the widest column gives way.
std::vector<std::size_t> column_widths(const std::vector<std::vector<std::string>>& rows, std::size_t room) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()), 1);
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
    }
    const auto total = [&] {
        std::size_t sum = 2 * (widths.size() - 1);
        for (const std::size_t width : widths) sum += width;
        return sum;
    };
    while (!widths.empty() && total() > room) {
        const auto widest = std::ranges::max_element(widths);
        if (*widest <= kMinColumn) break;
        --*widest;
    }
    return widths;
}

void Canvas::table(const std::vector<std::vector<std::string>>& rows, std::size_t indent, bool head) {
    const std::vector<std::size_t> widths = column_widths(rows, width_ - indent);
    for (std::size_t row = 0; row < rows.size(); ++row) {
        std::vector<Lines> cells;
        std::size_t height = 1;
        for (std::size_t i = 0; i < rows[row].size(); ++i) {
            // Cells are padded by their byte count, so they carry no escapes.
            cells.push_back(fill(words_of(rows[row][i], false), widths[i], true));
            height = std::max(height, cells.back().size());
        }
        for (std::size_t y = 0; y < height; ++y) {
            std::string line(indent, ' ');
            for (std::size_t i = 0; i < cells.size(); ++i) {
                const std::string_view cell = y < cells[i].size() ? std::string_view(cells[i][y]) : "";
                line += cell;
                if (i + 1 < cells.size()) line.append(widths[i] + 2 - std::min(widths[i], columns(cell)), ' ');
            }
            line.erase(line.find_last_not_of(' ') + 1);
            raw(head && row == 0 ? paint(line, kBold, colour_) : line);
        }
    }
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// "* ", "- " or "12. " at the start of a line: the length of the mark, 0 for none.
std::size_t list_mark(std::string_view line) {
    if (line.starts_with("* ") || line.starts_with("- ")) return 2;
    const auto digits = line.find_first_not_of("0123456789");
    if (digits == std::string_view::npos || digits == 0) return 0;
    return line.substr(digits).starts_with(". ") ? digits + 2 : 0;
}

std::vector<std::string> table_cells(std::string_view line) {
    std::vector<std::string> cells;
    std::string cell;
    bool code = false;
    for (const char c : trim(line).substr(1)) {
        if (c == '`') code = !code;
        if (c == '|' && !code)
            cells.emplace_back(trim(std::exchange(cell, {})));
        else
            cell += c;
    }
    return cells;
}

bool is_table_rule(std::string_view line) { return line.find_first_not_of("|-: ") == std::string_view::npos; }

/// Renders the Markdown dialect of the pages, line by line.
class MarkdownRenderer {
  public:
    MarkdownRenderer(Canvas& canvas, std::size_t indent) : canvas_(canvas), indent_(indent) {}

    void render(std::string_view text) {
        for (std::size_t start = 0; start < text.size();) {
            const std::size_t end = std::min(text.find('\n', start), text.size());
            line(text.substr(start, end - start));
            start = end + 1;
        }
        flush();
    }

  private:
    void line(std::string_view text) {
        if (text.starts_with("```")) {
            if (!in_code_) flush();
            in_code_ = !in_code_;
        } else if (in_code_) {
            canvas_.code(text, indent_ + 2);
        } else if (trim(text).empty()) {
            flush();
            canvas_.blank();
        } else if (paragraph_.empty() && text.starts_with("    ")) {
            canvas_.code(text.substr(4), indent_ + 2);
        } else if (text.starts_with("|")) {
            if (!paragraph_.empty()) flush();
            if (!is_table_rule(text)) table_.push_back(table_cells(text));
        } else if (const std::size_t mark = list_mark(text); mark > 0) {
            flush();
            mark_ = std::string(text.substr(0, mark));
            paragraph_ = text.substr(mark);
        } else {
            if (!paragraph_.empty()) paragraph_ += ' ';
            paragraph_ += trim(text);
        }
    }

    void flush() {
        if (!table_.empty()) canvas_.table(std::exchange(table_, {}), indent_, true);
        if (!paragraph_.empty())
            canvas_.paragraph(std::exchange(paragraph_, {}), std::string(indent_, ' ') + std::exchange(mark_, {}));
    }

    Canvas& canvas_;
    std::size_t indent_;
    bool in_code_ = false;
    std::string mark_{};
    std::string paragraph_{};
    std::vector<std::vector<std::string>> table_{};
};

struct Name {
    std::string_view key;
    std::string_view text;
};

constexpr std::array<Name, 12> kStages = {{
    {"before_tap", "Before the capture tap: a capture on the server cannot show the SYN"},
    {"ingress", "Ingress: between the capture tap and IP"},
    {"ip", "IP input and routing"},
    {"netfilter", "Netfilter and connection tracking"},
    {"tcp_input", "TCP input, before the socket's state is looked at"},
    {"lookup", "Finding the socket"},
    {"time_wait", "An old connection in TIME_WAIT or FIN_WAIT2 has the 4-tuple"},
    {"request", "A half-open request has the 4-tuple"},
    {"full_socket", "A live connection has the 4-tuple"},
    {"listen", "The listener"},
    {"reply", "The SYN+ACK's way out"},
    {"final_ack", "After the SYN+ACK"},
}};

constexpr std::array<Name, 6> kSeen = {{
    {"silence", "nothing at all"},
    {"rst", "a RST"},
    {"bare_ack", "a bare ACK"},
    {"cookie", "a SYN cookie"},
    {"icmp", "an ICMP error"},
    {"synack_repeated", "the SYN+ACK again and again"},
}};

constexpr std::array<Name, 3> kCapture = {{
    {"silent", "shows silence, like many other causes; see \"In a capture\""},
    {"visible", "shows it: in the reply, in the packet itself or around it"},
    {"absent", "taken on the server does not contain the SYN"},
}};

std::string_view name_of(const auto& names, std::string_view key) {
    for (const Name& name : names)
        if (name.key == key) return name.text;
    return key;
}

void facts(Canvas& canvas, const core::CausePage& page) {
    canvas.table({{"client sees", std::string(name_of(kSeen, page.seen))},
                  {"where", std::string(name_of(kStages, page.stage))},
                  {"kernels", std::string(page.kernels)},
                  {"a capture", std::string(name_of(kCapture, page.capture_class))}},
                 2, false);
}

void counters(Canvas& canvas, const core::CausePage& page) {
    if (page.counters.empty()) return;
    std::vector<std::vector<std::string>> rows = {{"counter", "netstat -s says", "kernels"}};
    for (const core::PageCounter& counter : page.counters)
        rows.push_back({fmt::format("{}{}", counter.name, counter.direct ? " (!)" : ""), std::string(counter.netstat),
                        std::string(counter.kernels)});
    canvas.table(rows, 2, true);
    const bool direct = std::ranges::any_of(page.counters, &core::PageCounter::direct);
    if (direct) canvas.paragraph("(!) only this cause moves it", "  ");
    canvas.blank();
}

void confirm(Canvas& canvas, const core::CausePage& page) {
    for (const core::PageCheck& check : page.confirm) {
        canvas.code(check.command, 4);
        canvas.paragraph(check.look, "      ");
    }
    canvas.blank();
}

void fixes(Canvas& canvas, const core::CausePage& page) {
    std::size_t number = 0;
    for (const core::PageFix& fix : page.fixes) {
        canvas.paragraph(fmt::format("{} [{}]", fix.says, fix.kernels), fmt::format("  {}. ", ++number));
        if (!fix.command.empty()) canvas.code(fix.command, 8);
        if (!fix.risk.empty()) canvas.paragraph(fmt::format("Risk: {}", fix.risk), "     ");
    }
    canvas.blank();
}

void no_help(Canvas& canvas, const core::CausePage& page) {
    for (const core::PageNoHelp& entry : page.no_help)
        canvas.paragraph(fmt::format("**{}:** {}", entry.what, entry.why), "  * ");
    canvas.blank();
}

}  // namespace

std::string explain(const core::CausePage& page, const ExplainOptions& options) {
    Canvas canvas(options);
    canvas.heading(fmt::format("{} - {}", page.slug, page.title));
    canvas.paragraph(page.summary, "");
    canvas.blank();
    facts(canvas, page);
    for (const core::PageSection& section : page.sections) {
        canvas.heading(section.heading);
        if (section.heading == "Counters") counters(canvas, page);
        if (section.heading == "Confirm") confirm(canvas, page);
        if (section.heading == "Fix") fixes(canvas, page);
        if (section.heading == "What does not help") no_help(canvas, page);
        MarkdownRenderer(canvas, 2).render(section.text);
    }
    canvas.heading("The command that settles it");
    canvas.code(page.settle, 4);
    if (!page.related.empty()) {
        std::string names;
        for (const core::Cause cause : page.related) names += fmt::format("{} ", core::slug(cause));
        canvas.blank();
        canvas.paragraph(names, "See also: ");
    }
    return canvas.take();
}

std::string explain_list(const ExplainOptions& options) {
    Canvas canvas(options);
    std::size_t widest = 0;
    for (const core::CausePage& page : core::all_pages()) widest = std::max(widest, page.slug.size());
    std::string_view stage;
    for (const core::CausePage& page : core::all_pages()) {
        if (page.stage != stage) canvas.heading(name_of(kStages, page.stage));
        stage = page.stage;
        canvas.paragraph(page.summary, fmt::format("  {:<{}}  ", page.slug, widest));
    }
    return canvas.take();
}

std::string explain_json(const core::CausePage& page) {
    nlohmann::ordered_json json = {{"v", 1},
                                   {"type", "cause"},
                                   {"cause", page.slug},
                                   {"title", page.title},
                                   {"summary", page.summary},
                                   {"stage", page.stage},
                                   {"seen", page.seen},
                                   {"capture_class", page.capture_class},
                                   {"kernels", page.kernels},
                                   {"kernel_min", page.kernel_min},
                                   {"kernel_max", page.kernel_max},
                                   {"also", page.also},
                                   {"except", page.except},
                                   {"settle", page.settle}};
    const auto list = [&json](const char* key, const auto& items, auto convert) {
        json[key] = nlohmann::ordered_json::array();
        for (const auto& item : items) json[key].push_back(convert(item));
    };
    using Object = nlohmann::ordered_json;
    list("counters", page.counters, [](const core::PageCounter& c) {
        return Object{{"name", c.name}, {"netstat", c.netstat}, {"kernels", c.kernels}, {"direct", c.direct}};
    });
    list("confirm", page.confirm,
         [](const core::PageCheck& c) { return Object{{"command", c.command}, {"look", c.look}}; });
    list("fixes", page.fixes, [](const core::PageFix& f) {
        return Object{{"kernels", f.kernels},
                      {"kernel_min", f.kernel_min},
                      {"kernel_max", f.kernel_max},
                      {"also", f.also},
                      {"except", f.except},
                      {"command", f.command},
                      {"says", f.says},
                      {"risk", f.risk}};
    });
    list("no_help", page.no_help, [](const core::PageNoHelp& n) { return Object{{"what", n.what}, {"why", n.why}}; });
    list("related", page.related, [](core::Cause cause) { return Object(core::slug(cause)); });
    Object sections = Object::object();
    for (const core::PageSection& section : page.sections) sections[std::string(section.heading)] = section.text;
    json["sections"] = sections;
    return json.dump();
}

}  // namespace synwhy::emit
