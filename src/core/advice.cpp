// What does the catalogue advise about a cause, on these kernels?
#include "core/advice.hpp"

#include <algorithm>

namespace synwhy::core {

namespace {

bool fits_some(const CausePage& cause_page, const PageFix& fix, std::span<const Kernel> kernels) {
    return std::ranges::any_of(kernels, [&](const Kernel& kernel) {
        const std::vector<const PageFix*> fitting = fixes_for(cause_page, kernel.release);
        return std::ranges::find(fitting, &fix) != fitting.end();
    });
}

}  // namespace

std::vector<std::string> advice(Cause cause, std::span<const Kernel> kernels) {
    std::vector<std::string> lines;
    const CausePage& cause_page = page(cause);
    for (const PageFix& fix : cause_page.fixes) {
        if (!kernels.empty() && !fits_some(cause_page, fix, kernels)) continue;
        std::string line;
        if (!fix.command.empty()) line = std::string(fix.command) + "  # ";
        line += fix.says;
        if (kernels.size() != 1 && !fix.kernels.empty() && fix.kernels != "all") {
            line += " [" + std::string(fix.kernels) + ']';
        }
        if (!fix.risk.empty()) line += " (risk: " + std::string(fix.risk) + ')';
        lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace synwhy::core
