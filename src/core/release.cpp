// Which version, build number and distribution does a release string name?
//
// Understands `uname -r`, `uname -a`, /proc/version, Ubuntu's /proc/version_signature and bare versions. Reads
// text only: what the version means is kernel.cpp's business. Left out: the fourth number of 2.6.x.y.
#include <array>
#include <charconv>
#include <tuple>

#include "core/kernel.hpp"

namespace synwhy::core {

namespace {

using Vendor = Release::Vendor;

constexpr std::size_t kMaxText = 1024;  ///< /proc/version is about 250 characters
constexpr int kMaxNumber = 99999;
constexpr int kOldestMajor = 2;
constexpr int kNewestMajor = 30;  ///< beyond this it is an address or a date, not a kernel

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Decimal number at `at`, which moves behind it; nullopt when there is none or it is absurdly large.
std::optional<int> number_at(std::string_view text, std::size_t& at) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    if (error != std::errc{} || value < 0 || value > kMaxNumber) return std::nullopt;
    at = static_cast<std::size_t>(end - text.data());
    return value;
}

struct Numbers {
    int major = 0;
    int minor = 0;
    int patch = -1;
    std::size_t end = 0;  ///< first character behind the version
};

std::optional<Numbers> version_at(std::string_view text, std::size_t at) {
    if (at >= text.size() || !is_digit(text[at])) return std::nullopt;
    Numbers found;
    const auto major = number_at(text, at);
    if (!major || at + 1 >= text.size() || text[at] != '.' || !is_digit(text[at + 1])) return std::nullopt;
    const auto minor = number_at(text, ++at);
    if (!minor || *major < kOldestMajor || *major > kNewestMajor) return std::nullopt;
    found.major = *major;
    found.minor = *minor;
    while (at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1])) {
        const auto part = number_at(text, ++at);
        if (!part) return std::nullopt;
        if (found.patch < 0) found.patch = *part;
    }
    found.end = at;
    return found;
}

/// `uname -a` says "Linux HOST RELEASE": where the release may begin.
std::size_t behind_host_name(std::string_view text) {
    constexpr std::string_view kUnameAll = "Linux ";
    if (!text.starts_with(kUnameAll) || text.starts_with("Linux version ")) return 0;
    const auto end = text.find(' ', kUnameAll.size());
    return end == std::string_view::npos ? 0 : end;
}

/// The first version that does not stand inside a word ("linux-6.6" yes, "web1.2" no).
std::optional<std::pair<std::size_t, Numbers>> first_version(std::string_view text) {
    for (std::size_t at = behind_host_name(text); at < text.size(); ++at) {
        if (!is_digit(text[at])) continue;
        const char before = at == 0 ? ' ' : text[at - 1];
        const bool after_v = before == 'v' && (at == 1 || !is_letter(text[at - 2]));
        if (is_digit(before) || before == '.' || before == '_' || (is_letter(before) && !after_v)) continue;
        if (const auto found = version_at(text, at)) return std::pair{at, *found};
    }
    return std::nullopt;
}

/// Distributions print the stable release they are based on behind their own name: "Debian 6.1.112-1" in uname -v
/// (last mention: the compiler says "Debian 12.2.0" before it), "Ubuntu 5.15.0-91.101-generic 5.15.131".
std::optional<int> stable_patch(std::string_view text, const Numbers& own) {
    std::optional<int> patch;
    const bool signature = text.starts_with("Ubuntu ");
    for (std::size_t at = own.end; at < text.size(); ++at) {
        if (!is_space(text[at])) continue;
        if (!signature && !text.substr(0, at).ends_with("Debian")) continue;
        const auto found = version_at(text, at + 1);
        if (found && found->major == own.major && found->minor == own.minor && found->patch > 0) patch = found->patch;
    }
    return patch;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

template <std::size_t N>
bool contains_any(std::string_view text, const std::array<std::string_view, N>& parts) {
    for (const auto part : parts) {
        if (contains(text, part)) return true;
    }
    return false;
}

constexpr std::array<std::string_view, 12> kUbuntuFlavours{"-generic", "-lowlatency", "-aws", "-azure",
                                                           "-gcp",     "-gke",        "-kvm", "-oracle",
                                                           "-raspi",   "-oem",        "-ibm", "-nvidia"};
constexpr std::array<std::string_view, 10> kDebianFlavours{"-amd64",   "-arm64", "-686",    "-armmp", "-s390x",
                                                           "-powerpc", "-mips",  "-debian", "+deb",   "-riscv64"};

/// A distribution's tag counts only on its own base: 5.4.1-1.el7.elrepo is a mainline kernel on an el7 system.
Vendor vendor_of(const Numbers& version, std::string_view token, std::string_view text) {
    const auto based_on = [&](int major, int minor, int patch) {
        return version.major == major && version.minor == minor && version.patch == patch;
    };
    const bool rebuilt = contains(token, "uek") || contains(token, "elrepo");
    if (!rebuilt) {
        if (contains(token, ".el6") && based_on(2, 6, 32)) return Vendor::el6;
        if (contains(token, ".el7") && based_on(3, 10, 0)) return Vendor::el7;
        if (contains(token, ".el8") && based_on(4, 18, 0)) return Vendor::el8;
        if (contains(token, ".el9") && based_on(5, 14, 0)) return Vendor::el9;
        if (contains(token, ".el10") && based_on(6, 12, 0)) return Vendor::el10;
    }
    if (contains(token, "amzn")) return Vendor::amazon;
    if (text.starts_with("Ubuntu ") || contains(text, "-Ubuntu")) return Vendor::ubuntu;
    if (contains_any(token, kDebianFlavours)) return Vendor::debian;
    if (contains_any(token, kUbuntuFlavours)) return Vendor::ubuntu;
    if (contains(token, "-default") || contains(token, "-preempt")) return Vendor::suse;
    return contains(token, "-") && !contains(token, "-rc") ? Vendor::other : Vendor::upstream;
}

}  // namespace

bool operator<(const Release& a, const Release& b) {
    return std::tie(a.major, a.minor, a.patch) < std::tie(b.major, b.minor, b.patch);
}

std::optional<Release> parse_release(std::string_view text) {
    text = text.substr(0, kMaxText);
    const auto found = first_version(text);
    if (!found) return std::nullopt;
    const auto& [start, version] = *found;

    std::size_t end = version.end;
    while (end < text.size() && !is_space(text[end])) ++end;
    const auto token = text.substr(start, end - start);

    Release release;
    release.major = version.major;
    release.minor = version.minor;
    release.patch = version.patch;
    release.text = std::string(text);
    std::size_t at = version.end;
    if (at + 1 < text.size() && text[at] == '-' && is_digit(text[at + 1])) {
        release.build = number_at(text, ++at).value_or(0);
    }
    release.vendor = vendor_of(version, token, text);
    if (const auto patch = stable_patch(text, version)) {
        release.patch = *patch;
        if (release.vendor == Vendor::upstream || release.vendor == Vendor::other) release.vendor = Vendor::debian;
    }
    return release;
}

}  // namespace synwhy::core
