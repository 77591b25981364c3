// The process's ends; see talk.hpp.
#include "cli/talk.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "emit/text.hpp"

namespace synwhy::cli {
namespace {

bool closed = false;        // the reader of stdout has gone away
bool write_failed = false;  // stdout is broken and this was said

/// @return 0 or errno
int write_all(int descriptor, std::string_view data) {
    while (!data.empty()) {
        const ssize_t done = ::write(descriptor, data.data(), data.size());
        if (done >= 0) {
            data.remove_prefix(static_cast<std::size_t>(done));
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

}  // namespace

bool print(std::string_view data) {
    if (closed) return true;
    if (write_failed) return false;
    const int error = write_all(STDOUT_FILENO, data);
    if (error == 0) return true;
    if (error == EPIPE) {
        closed = true;
        return true;
    }
    write_failed = true;
    complain(std::string("standard output: write: ") + std::strerror(error));
    return false;
}

bool stdout_closed() { return closed; }

void complain(std::string_view text) {
    if (text.ends_with('\n')) return talk(text);
    talk("synwhy: " + emit::printable(text) + '\n');
}

void talk(std::string_view text) { (void)write_all(STDERR_FILENO, text); }

bool use_colour(emit::ColourMode mode, int descriptor) {
    return emit::decide_colour(mode, ::isatty(descriptor) != 0, std::getenv("NO_COLOR"), std::getenv("TERM"));
}

std::size_t terminal_width(int descriptor) {
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return std::clamp<std::size_t>(size.ws_col, 40, 120);
}

bool locale_is_utf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') continue;
        std::string text(value);
        std::ranges::transform(text, text.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        return text.find("utf-8") != std::string::npos || text.find("utf8") != std::string::npos;
    }
    return ::isatty(STDOUT_FILENO) == 0;
}

}  // namespace synwhy::cli
