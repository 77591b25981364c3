// Can any text as a kernel release hurt us?
//
// Whatever resolves must be printable, comparable with itself and stable under being resolved again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/kernel.hpp"
#include "core/path.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synwhy::core;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto kernel = resolve_kernel(text);
    if (kernel.has_value() != parse_release(text).has_value()) std::abort();
    if (!kernel) return 0;
    if (kernel->family.empty() || kernel->release < kernel->release) std::abort();
    const auto again = resolve_kernel(kernel->release.text);
    if (!again || again->family != kernel->family || again->open_questions != kernel->open_questions) std::abort();
    for (const auto& row : path_rows()) {
        if (row.holds_for(*kernel)) static_cast<void>(row_counters(row, *kernel));
    }
    return 0;
}
