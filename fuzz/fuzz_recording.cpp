// Can a file that calls itself a recorded experiment hurt us?
//
// What parses is replayed: whatever its steps say, the model keeps its bounds and the judgement adds up.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "truth/known.hpp"
#include "truth/replay.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synwhy::truth;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static_cast<void>(parse_known(text, "known"));
    const auto recording = parse_recording(text, "input");
    if (!recording) return 0;
    const Replayed replayed = replay(*recording);
    if (replayed.comparable > replayed.steps || replayed.agree > replayed.comparable) std::abort();
    return 0;
}
