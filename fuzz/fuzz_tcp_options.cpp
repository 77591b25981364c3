// Can an option list make the parser read too far, or differ from itself with a NOP in front (no fast path then)?
//
// Input: one byte adds to the declared length, the rest is what was captured of the list.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "core/tcp_options.hpp"

using namespace synwhy::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) {
        return 0;
    }
    const std::span list(data + 1, size - 1);
    const std::size_t declared = list.size() + data[0] % 8;
    const TcpOptions options = parse_tcp_options(list, declared);
    std::vector<std::uint8_t> shifted(1, 1);
    shifted.insert(shifted.end(), list.begin(), list.end());
    const TcpOptions again = parse_tcp_options(shifted, declared + 1);
    const bool same = options.ts_value == again.ts_value && options.ts_echo == again.ts_echo &&
                      options.mss == again.mss && options.window_scale == again.window_scale &&
                      options.has_timestamps == again.has_timestamps && options.malformed == again.malformed &&
                      options.cut_by_snaplen == again.cut_by_snaplen && options.has_md5 == again.has_md5;
    if (!same || options.cut_by_snaplen != (declared > list.size())) {
        std::abort();
    }
    return 0;
}
