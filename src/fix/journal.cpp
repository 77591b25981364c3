// The journal's text, for example:
//
//   synwhy fix journal 1
//   cause "accept-queue-full"
//   boot "7c0b..."
//   namespace 4026531840
//   sysctl "net/core/somaxconn" "128" "4096"
//   file absent "net.core.somaxconn = 4096\n"
//   end
#include "fix/journal.hpp"

#include <charconv>

#include "core/catalogue.hpp"
#include "fix/sysctl_tree.hpp"

namespace synwhy::fix {
namespace {

constexpr std::string_view kFirstLine = "synwhy fix journal 1";
constexpr char kDigits[] = "0123456789abcdef";
constexpr std::uint32_t kModeBits = 07777;

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= ' ' && byte < 0x7f && c != '"' && c != '\\') {
            out += c;
        } else {
            out += '\\';
            out += kDigits[byte >> 4U];
            out += kDigits[byte & 15U];
        }
    }
    return out + '"';
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// One line, read word by word; the first thing that is wrong is kept.
class Line {
  public:
    explicit Line(std::string_view text) : rest_(text) {}

    std::string_view word() {
        skip_blank();
        const auto end = rest_.find(' ');
        const std::string_view found = rest_.substr(0, end);
        if (found.empty()) complain("a word is missing");
        rest_.remove_prefix(found.size());
        return found;
    }
    std::uint64_t number(int base, std::uint64_t most) {
        const std::string_view text = word();
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
        if (error != std::errc{} || end != text.data() + text.size() || value > most) {
            complain("'" + std::string(text) + "' is no number that can stand here");
            return 0;
        }
        return value;
    }
    std::string string(std::size_t longest) {
        skip_blank();
        std::string value;
        if (!rest_.starts_with('"')) return complain("a text in quotes is missing"), value;
        rest_.remove_prefix(1);
        while (!rest_.empty() && rest_.front() != '"') {
            if (value.size() == longest) return complain("a text is too long"), value;
            value += character();
            if (!wrong_.empty()) return value;
        }
        if (rest_.empty()) return complain("a quote is not closed"), value;
        rest_.remove_prefix(1);
        return value;
    }
    void finish() {
        if (!rest_.empty()) complain("there is more than belongs on this line");
    }
    void complain(std::string what) {
        if (wrong_.empty()) wrong_ = std::move(what);
    }
    [[nodiscard]] const std::string& wrong() const { return wrong_; }

  private:
    void skip_blank() {
        if (rest_.starts_with(' ')) rest_.remove_prefix(1);
    }
    char character() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        if (c != '\\') return c;
        const int high = rest_.size() < 2 ? -1 : hex_value(rest_[0]);
        const int low = rest_.size() < 2 ? -1 : hex_value(rest_[1]);
        if (high < 0 || low < 0) return complain("a backslash needs two hexadecimal digits"), '\0';
        rest_.remove_prefix(2);
        return static_cast<char>(high * 16 + low);
    }

    std::string_view rest_;
    std::string wrong_{};
};

void read_sysctl(Line& line, Journal& journal) {
    SysctlEntry entry{line.string(kMaxValueBytes), line.string(kMaxValueBytes), line.string(kMaxValueBytes)};
    if (!is_sysctl_path(entry.path)) line.complain("'" + entry.path + "' is no sysctl that can be undone");
    if (journal.sysctls.size() == kMaxJournalSysctls) line.complain("more sysctls than a fix has");
    for (const SysctlEntry& known : journal.sysctls) {
        if (known.path == entry.path) line.complain("this sysctl stands here twice");
    }
    journal.sysctls.push_back(std::move(entry));
}

void read_file(Line& line, Journal& journal) {
    if (journal.drop_in) line.complain("a second file");
    DropInEntry entry;
    const std::string_view kind = line.word();
    entry.existed = kind == "was";
    if (!entry.existed && kind != "absent") line.complain("'was' or 'absent' is missing");
    if (entry.existed) {
        entry.old_content = line.string(kMaxDropInBytes);
        entry.mode = static_cast<std::uint32_t>(line.number(8, kModeBits));
        entry.owner = static_cast<std::uint32_t>(line.number(10, UINT32_MAX));
        entry.group = static_cast<std::uint32_t>(line.number(10, UINT32_MAX));
    }
    entry.new_content = line.string(kMaxDropInBytes);
    journal.drop_in = std::move(entry);
}

/// @return true after the last line
bool read_line(Line& line, Journal& journal) {
    const std::string_view key = line.word();
    bool last = false;
    if (key == "cause") {
        journal.cause = line.string(kMaxValueBytes);
        if (!core::parse_cause(journal.cause)) line.complain("'" + journal.cause + "' is no cause");
    } else if (key == "boot") {
        journal.boot = line.string(kMaxValueBytes);
    } else if (key == "namespace") {
        journal.name_space = line.number(10, UINT64_MAX);
    } else if (key == "sysctl") {
        read_sysctl(line, journal);
    } else if (key == "file") {
        read_file(line, journal);
    } else if (key == "end") {
        last = true;
        if (journal.cause.empty()) line.complain("the cause is missing");
    } else {
        line.complain("nothing is known of '" + std::string(key) + "'");
    }
    line.finish();
    return last;
}

}  // namespace

std::string print_journal(const Journal& journal) {
    std::string out(kFirstLine);
    out += "\ncause " + quoted(journal.cause) + "\nboot " + quoted(journal.boot) + "\nnamespace " +
           std::to_string(journal.name_space) + '\n';
    for (const SysctlEntry& entry : journal.sysctls) {
        out += "sysctl " + quoted(entry.path) + ' ' + quoted(entry.old_value) + ' ' + quoted(entry.new_value) + '\n';
    }
    if (journal.drop_in) {
        const DropInEntry& file = *journal.drop_in;
        out += "file ";
        if (file.existed) {
            char mode[16];
            const auto end = std::to_chars(mode, mode + sizeof mode, file.mode, 8).ptr;
            out += "was " + quoted(file.old_content) + ' ' + std::string(mode, end) + ' ' + std::to_string(file.owner) +
                   ' ' + std::to_string(file.group) + ' ';
        } else {
            out += "absent ";
        }
        out += quoted(file.new_content) + '\n';
    }
    return out + "end\n";
}

std::expected<Journal, core::Error> parse_journal(std::string_view text, const std::string& name) {
    Journal journal;
    std::size_t number = 0;
    const auto error = [&](std::string what) {
        return std::unexpected(core::Error{std::move(what), name + ':' + std::to_string(number),
                                           "nothing was changed; the journal is broken, repair it by hand"});
    };
    bool ended = false;
    while (!text.empty()) {
        ++number;
        const auto end = text.find('\n');
        if (end == std::string_view::npos) return error("the line is cut");
        const std::string_view content = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (ended) return error("there is more after the end");
        if (number == 1) {
            if (content != kFirstLine) return error("this is no journal of synwhy fix");
            continue;
        }
        Line line(content);
        ended = read_line(line, journal);
        if (!line.wrong().empty()) return error(line.wrong());
    }
    ++number;
    if (!ended) return error("the line 'end' is missing");
    return journal;
}

}  // namespace synwhy::fix
