// Which behaviours does a kernel release have?
//
// A release starts as 2.6.32 and walks through the mainline history (kernel_history.cpp); where it falls between the
// last tree known without a change and the first known with it, the change's best guess applies and becomes an open
// question. Then comes what its distribution does differently. Left out: facts read from a host; they win.
#include "core/kernel.hpp"

#include "core/kernel_history.hpp"

namespace synwhy::core {

namespace {

using Vendor = Release::Vendor;
using history::Backport;
using history::Change;
using history::kNever;
using history::Version;

/// Behaviours of a distribution's kernel on top of the mainline version in its name.
struct VendorRow {
    Vendor vendor;
    std::string_view family;
    void (*apply)(Behaviours&);
    std::string_view question;
};

constexpr VendorRow kVendors[] = {
    // el6: 2.6.32-642; net/ipv4/tcp_input.c:tcp_validate_incoming, include/net/tcp.h:TCP_TIMEOUT_INIT
    {Vendor::el6, "el6",
     [](Behaviours& b) {
         b.syn_on_established = SynOnEstablished::challenge;
         b.min_ttl_exists = true;
         b.initial_rto_ms = 1000;
         b.rst_needs_exact_sequence = true;
     },
     "el6 was read from 2.6.32-642, not measured; the source's tcp_syncookies default is 0 but RHEL 6 ships a "
     "sysctl.conf that sets 1"},
    // el7: 3.10.0-1160, read and measured; net/ipv4/tcp_input.c:tcp_conn_request is that of v3.17
    {Vendor::el7,
     "el7",
     [](Behaviours& b) {
         b.host_paws = HostPaws::metrics_pair;
         b.quarter_with_recycle = QuarterWithRecycle::always;
         b.syn_on_established = SynOnEstablished::challenge;
         b.cookies_always_mode = true;
         b.duplicate_rate_limited = true;
         b.established_reply_rate_limited = true;
         b.v4_on_v6_listener_stamped = true;
         b.cookie_counter_minutes = false;
         b.not_local_counted = false;
         b.initial_window_segments = 20;
         b.fast_open_kind_34 = true;
         b.fast_open_request_counts_passive = false;
     },
     {}},
    {Vendor::el8, "el8", nullptr, "RHEL 8 carries backports that its release does not name; 4.18 is assumed"},
    {Vendor::el9, "el9", nullptr, "RHEL 9 carries backports that its release does not name; 5.14 is assumed"},
    {Vendor::el10, "el10", nullptr, "RHEL 10 carries backports that its release does not name; 6.12.0 is assumed"},
    {Vendor::debian, {}, nullptr, {}},
    {Vendor::ubuntu, {}, nullptr, "Ubuntu carries backports that its release does not name"},
    {Vendor::amazon, {}, nullptr, "Amazon Linux carries backports that its release does not name"},
    {Vendor::suse, {}, nullptr, "SUSE carries backports that its release does not name"},
    {Vendor::other, {}, nullptr, "a vendor kernel may differ from the mainline version it is named after"},
};

/// The trees that were read, by the version where their behaviour is taken to begin.
struct Family {
    Version since;
    std::string_view name;
};

constexpr Family kFamilies[] = {
    {{2, 6, 0}, "2.6.32"}, {{2, 6, 33}, "2.6.37"}, {{3, 0, 0}, "3.0"},   {{3, 1, 0}, "3.4"},    {{3, 6, 0}, "3.6"},
    {{3, 7, 0}, "3.10"},   {{3, 13, 0}, "3.14"},   {{3, 15, 0}, "3.16"}, {{3, 17, 0}, "3.18"},  {{4, 0, 0}, "4.2"},
    {{4, 4, 0}, "4.4"},    {{4, 7, 0}, "4.9"},     {{4, 10, 0}, "4.10"}, {{4, 12, 0}, "4.12"},  {{4, 13, 0}, "4.14"},
    {{4, 15, 0}, "4.19"},  {{5, 4, 0}, "5.4"},     {{5, 5, 0}, "5.10"},  {{5, 11, 0}, "5.15"},  {{5, 17, 0}, "5.19"},
    {{6, 0, 0}, "6.1"},    {{6, 5, 0}, "6.6"},     {{6, 7, 0}, "6.8"},   {{6, 9, 0}, "6.12.0"}, {{6, 13, 0}, "6.14"},
    {{6, 15, 0}, "6.18"},  {{7, 0, 0}, "7.0"},
};

constexpr Version kOldestRead{2, 6, 32};
constexpr Version kNewestMeasured{6, 18, 44};

std::string to_text(const Version& version) {
    std::string text = std::to_string(version.major) + '.' + std::to_string(version.minor);
    if (version.patch != 0 && version.patch != kNever) text += '.' + std::to_string(version.patch);
    return text;
}

std::string branch_text(const Backport& branch, int patch) {
    return to_text({branch.major, branch.minor, 0}) + '.' + std::to_string(patch);
}

const Backport* branch_of(const Change& change, const Version& version) {
    for (const auto& branch : change.backports) {
        if (branch.major == version.major && branch.minor == version.minor) return &branch;
    }
    return nullptr;
}

struct Fate {
    bool present = false;
    bool settled = true;
    std::string between{};  ///< what is known on both sides, when not settled
};

/// @param patch -1 when the release does not tell its stable version
Fate fate_in_branch(const Backport& branch, int patch) {
    Fate fate;
    fate.present = patch >= branch.assumed;
    fate.settled = patch >= 0 && (patch <= branch.last_without || patch >= branch.first_with);
    fate.between = branch.last_without < 0 ? "no tree of " + to_text({branch.major, branch.minor, 0}) + ".y was read"
                                           : "absent in " + branch_text(branch, branch.last_without);
    if (branch.first_with != kNever)
        fate.between += ", present in " + branch_text(branch, branch.first_with);
    else if (branch.assumed != kNever)
        fate.between += ", queued for " + branch_text(branch, branch.assumed);
    return fate;
}

Fate fate_of(const Change& change, const Version& version, int patch) {
    if (const auto* branch = branch_of(change, version)) return fate_in_branch(*branch, patch);
    Fate fate;
    fate.present = version >= change.assumed;
    fate.settled = version <= change.last_without || version >= change.first_with;
    fate.between = "absent in " + to_text(change.last_without) + ", present in " + to_text(change.first_with);
    return fate;
}

/// Debian's ABI number hints at the stable release when uname -v was not given. 6.1.0-26 was 6.1.112, 6.1.0-56 was
/// 6.1.192; without any number the Debian 12 kernel that was measured is meant.
int debian_patch(const Release& release) {
    const bool bookworm = release.major == 6 && release.minor == 1 && release.patch == 0;
    if (!bookworm) return release.patch > 0 ? release.patch : -1;
    if (release.build == 0 || release.build >= 56) return 192;
    return release.build <= 26 ? 112 : -1;
}

/// Stable patch level that the release stands for, -1 when it hides it.
int stable_patch(const Release& release) {
    switch (release.vendor) {
        case Vendor::debian: return debian_patch(release);
        case Vendor::ubuntu: return release.patch > 0 ? release.patch : -1;
        case Vendor::upstream:
        case Vendor::el6:
        case Vendor::el7:
        case Vendor::el8:
        case Vendor::el9:
        case Vendor::el10:
        case Vendor::amazon:
        case Vendor::suse:
        case Vendor::other: return release.patch;
    }
    return release.patch;
}

const VendorRow* vendor_row(Vendor vendor) {
    for (const auto& row : kVendors) {
        if (row.vendor == vendor) return &row;
    }
    return nullptr;
}

std::string family_of(const Version& version) {
    std::string_view name = kFamilies[0].name;
    for (const auto& family : kFamilies) {
        if (version >= family.since) name = family.name;
    }
    return std::string(name);
}

/// What the name alone leaves open about the distribution.
void ask_about_name(Kernel& kernel, const Version& version) {
    const auto& release = kernel.release;
    auto& open = kernel.open_questions;
    const bool is_3_10 = version.major == 3 && version.minor == 10;
    if (is_3_10 && release.vendor != Vendor::el7 && release.patch <= 0) {
        open.emplace_back(
            "RHEL 7 and CentOS 7 call their kernel 3.10.0-*.el7 and differ from mainline 3.10 (per-host "
            "PAWS, cookies, challenge ACK); mainline is assumed");
    }
    if (release.vendor == Vendor::el7 && release.build != 1160) {
        open.emplace_back("el7 was read and measured at build 1160; other builds may differ");
    }
    if (release.vendor == Vendor::debian && release.patch <= 0) {
        const int patch = debian_patch(release);
        open.emplace_back(
            "Debian names its stable release only in `uname -v`; " +
            (patch < 0 ? "none is assumed" : to_text({version.major, version.minor, patch}) + " is assumed"));
    }
    if (release.vendor == Vendor::ubuntu && release.patch <= 0) {
        open.emplace_back("Ubuntu names its stable release only in /proc/version_signature");
    }
    if (release.patch < 0) open.emplace_back("the point release is not given; stable releases change behaviour");
    if (version < kOldestRead) open.emplace_back("older than 2.6.32, which is assumed");
    if (version > kNewestMeasured) open.emplace_back("newer than 6.18.44, the newest kernel measured");
}

}  // namespace

std::optional<Kernel> resolve_kernel(std::string_view text) {
    auto release = parse_release(text);
    if (!release) return std::nullopt;

    Kernel kernel;
    kernel.release = std::move(*release);
    kernel.behaviours = history::oldest_behaviours();
    const int patch = stable_patch(kernel.release);
    const Version version{kernel.release.major, kernel.release.minor, patch < 0 ? 0 : patch};
    const auto* vendor = vendor_row(kernel.release.vendor);
    kernel.family = family_of(version);
    ask_about_name(kernel, version);

    // A fork of RHEL's was read as a whole: the mainline brackets around its base say nothing about it.
    const bool read_as_a_whole = kernel.release.vendor == Vendor::el6 || kernel.release.vendor == Vendor::el7;
    for (const auto& change : history::changes()) {
        const auto fate = fate_of(change, version, patch);
        if (fate.present) change.apply(kernel.behaviours);
        const auto* branch = branch_of(change, version);
        if (fate.present && branch != nullptr) {
            kernel.family = branch_text(*branch, branch->first_with == kNever ? branch->assumed : branch->first_with);
        }
        if (fate.settled || read_as_a_whole) continue;
        kernel.open_questions.push_back(std::string(change.what) + ": " + fate.between + "; assumed " +
                                        (fate.present ? "present" : "absent") + " in this one");
    }
    if (vendor != nullptr) {
        if (vendor->apply != nullptr) vendor->apply(kernel.behaviours);
        if (!vendor->family.empty()) kernel.family = vendor->family;
        if (!vendor->question.empty()) kernel.open_questions.emplace_back(vendor->question);
    }
    return kernel;
}

const std::vector<std::string_view>& known_releases() {
    static const std::vector<std::string_view> releases{
        "2.6.32.69", "2.6.32-642.el6", "3.0.86",  "3.4.113", "3.6.5",  "3.10.105", "3.10.0-1160.el7", "3.14.1",
        "3.18",      "4.4.178",        "4.9.229", "4.12",    "4.14",   "4.19.78",  "5.4.18",          "5.10",
        "5.15",      "6.1.20",         "6.1.192", "6.6.9",   "6.12.0", "6.12.19",  "6.18.16",         "6.18.17",
    };
    return releases;
}

}  // namespace synwhy::core
