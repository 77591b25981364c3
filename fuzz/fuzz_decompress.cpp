// Can compressed bytes do harm? The stream alone, and what comes out of it as a capture.
#include <memory>
#include <vector>

#include "capture/decompress.hpp"
#include "read_to_the_end.hpp"

using namespace synwhy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kMaxOutput = 16U * 1024U * 1024U;  // a small file can hold far more: enough is enough
    const std::span bytes(data, size);
    const auto kind = capture::recognise(bytes);
    if (kind == capture::Compression::none) {
        return 0;
    }
    const auto source = capture::decompress(kind, capture::read_memory(bytes), "fuzz");
    std::vector<std::uint8_t> out(4096);
    std::size_t total = 0;
    while (total < kMaxOutput) {
        const auto got = source->read(out);
        if (!got) {
            fuzz::require(!got.error().what.empty() && !source->read(out));  // an error stays
            break;
        }
        if (*got == 0) {
            const auto again = source->read(out);
            fuzz::require(again && *again == 0);  // an end stays
            break;
        }
        fuzz::require(*got <= out.size());
        total += *got;
    }
    if (total < kMaxOutput) {
        fuzz::read_to_the_end(bytes);
    }
    return 0;
}
