// Lookups in the embedded catalogue, and which kernels a page or a fix is about.
#include "core/catalogue.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace synwhy::core {
namespace {

std::string_view vendor_name(Release::Vendor vendor) {
    switch (vendor) {
        case Release::Vendor::upstream: return "upstream";
        case Release::Vendor::el6: return "el6";
        case Release::Vendor::el7: return "el7";
        case Release::Vendor::el8: return "el8";
        case Release::Vendor::el9: return "el9";
        case Release::Vendor::el10: return "el10";
        case Release::Vendor::debian: return "debian";
        case Release::Vendor::ubuntu: return "ubuntu";
        case Release::Vendor::amazon: return "amazon";
        case Release::Vendor::suse: return "suse";
        case Release::Vendor::other: return "other";
    }
    return "other";
}

// Compares a release with a bound of two or three numbers; parts that either side does not name count as equal.
int compare(const Release& release, std::string_view bound) {
    const std::array<int, 3> parts = {release.major, release.minor, release.patch};
    const char* at = bound.data();
    const char* const end = bound.data() + bound.size();
    for (const int part : parts) {
        int wanted = 0;
        const auto [next, error] = std::from_chars(at, end, wanted);
        if (error != std::errc{} || part < 0) return 0;
        if (part != wanted) return part < wanted ? -1 : 1;
        if (next == end) return 0;
        at = next + 1;
    }
    return 0;
}

bool covers(const auto& range, const Release& release) {
    const std::string_view vendor = vendor_name(release.vendor);
    if (std::ranges::find(range.except, vendor) != range.except.end()) return false;
    if (std::ranges::find(range.also, vendor) != range.also.end()) return true;
    return (range.kernel_min.empty() || compare(release, range.kernel_min) >= 0) &&
           (range.kernel_max.empty() || compare(release, range.kernel_max) <= 0);
}

}  // namespace

const CausePage& page(Cause cause) {
    const auto index = static_cast<std::size_t>(cause);
    return all_pages()[index < kCauseCount ? index : 0];
}

std::string_view slug(Cause cause) { return page(cause).slug; }

std::optional<Cause> parse_cause(std::string_view text) {
    for (const CausePage& candidate : all_pages())
        if (candidate.slug == text) return candidate.cause;
    return std::nullopt;
}

std::string_view section(const CausePage& cause_page, std::string_view heading) {
    for (const PageSection& candidate : cause_page.sections)
        if (candidate.heading == heading) return candidate.text;
    return {};
}

bool possible_in(const CausePage& cause_page, const Release& release) { return covers(cause_page, release); }

std::vector<const PageFix*> fixes_for(const CausePage& cause_page, const Release& release) {
    std::vector<const PageFix*> fixes;
    for (const PageFix& fix : cause_page.fixes)
        if (covers(fix, release)) fixes.push_back(&fix);
    return fixes;
}

}  // namespace synwhy::core
