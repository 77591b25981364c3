#include "fix/sysctl_tree.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "fix/system.hpp"

namespace synwhy::fix {
namespace {

constexpr std::string_view kPlaceholder = "IF";

/// Calls `use` with every part between separators.
template <typename Use>
void each_part(std::string_view text, char separator, const Use& use) {
    while (true) {
        const auto end = text.find(separator);
        use(text.substr(0, end));
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

}  // namespace

bool needs_interface(std::string_view name) {
    bool found = false;
    each_part(name, '.', [&](std::string_view part) { found = found || part == kPlaceholder; });
    return found;
}

bool is_interface_name(std::string_view name) {
    if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == ".." || name == "all" || name == "default") {
        return false;
    }
    return std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != ':'; });
}

std::string sysctl_path(std::string_view name, std::string_view interface) {
    std::string path;
    each_part(name, '.', [&](std::string_view part) {
        if (!path.empty()) path += '/';
        path += part == kPlaceholder ? interface : part;
    });
    return path;
}

std::string sysctl_name(std::string_view path) {
    std::string name(path);
    for (char& c : name) {
        if (c == '/') {
            c = '.';
        } else if (c == '.') {
            c = '/';
        }
    }
    return name;
}

bool is_sysctl_path(std::string_view path) {
    if (path.size() > kMaxValueBytes || (!path.starts_with("net/") && !path.starts_with("vm/"))) return false;
    bool good = true;
    each_part(path, '/', [&](std::string_view part) {
        good = good && !part.empty() && part != "." && part != ".." &&
               std::ranges::all_of(part, [](char c) { return c > ' ' && c < 0x7f; });
    });
    return good;
}

std::string tidy_value(std::string_view value) {
    std::string tidy;
    bool between = false;
    for (const char c : value) {
        if (c == ' ' || c == '\t' || c == '\n' || c == '\0') {
            between = !tidy.empty();
            continue;
        }
        if (between) tidy += ' ';
        between = false;
        tidy += c;
    }
    return tidy;
}

bool same_value(std::string_view a, std::string_view b) {
    const auto plain = [](std::string_view value) {
        std::string words;
        const std::string tidy = tidy_value(value);
        each_part(tidy, ' ', [&](std::string_view part) {
            std::string digits(part);
            std::erase(digits, ',');
            digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
            words += (digits.empty() && !part.empty() ? "0" : digits) + ' ';
        });
        return words;
    };
    return plain(a) == plain(b);
}

std::expected<std::optional<std::string>, core::Error> SysctlTree::read(const std::string& path) const {
    const std::string file = folder_ + path;
    const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!descriptor && (errno == ENOENT || errno == ENOTDIR)) return std::optional<std::string>();
    if (!descriptor) return std::unexpected(system_error("open", errno, file));
    std::string text(kMaxValueBytes, '\0');
    const ssize_t got = ::read(descriptor.get(), text.data(), text.size());
    if (got < 0) return std::unexpected(system_error("read", errno, file));
    text.resize(static_cast<std::size_t>(got));
    return tidy_value(text);
}

std::expected<void, core::Error> SysctlTree::write(const std::string& path, const std::string& value) const {
    const std::string file = folder_ + path;
    {
        const Descriptor descriptor(::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_TRUNC));
        if (!descriptor) {
            const bool right = errno == EACCES || errno == EPERM;
            return std::unexpected(system_error("open", errno, file, right ? "changing it needs root" : ""));
        }
        // One write: the kernel takes a value whole or not at all.
        const std::string line = value + '\n';
        const ssize_t put = ::write(descriptor.get(), line.data(), line.size());
        if (put < 0) return std::unexpected(system_error("write", errno, file));
        if (static_cast<std::size_t>(put) != line.size()) return std::unexpected(core::Error{"was cut", file});
    }
    const auto now = read(path);
    if (!now) return std::unexpected(now.error());
    if (now->has_value() && same_value(**now, value)) return {};
    return std::unexpected(
        core::Error{"'" + value + "' was written, the kernel shows '" + now->value_or("") + "'", file});
}

}  // namespace synwhy::fix
