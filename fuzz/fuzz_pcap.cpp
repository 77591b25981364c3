// Can a classic pcap file do harm? Plain pcap only: the first byte picks the magic number, so that no input is wasted.
#include <algorithm>
#include <array>
#include <vector>

#include "read_to_the_end.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using Magic = std::array<std::uint8_t, 4>;
    constexpr std::array kMagics = {Magic{0xd4, 0xc3, 0xb2, 0xa1}, Magic{0xa1, 0xb2, 0xc3, 0xd4},
                                    Magic{0x4d, 0x3c, 0xb2, 0xa1}, Magic{0xa1, 0xb2, 0x3c, 0x4d},
                                    Magic{0x34, 0xcd, 0xb2, 0xa1}, Magic{0xa1, 0xb2, 0xcd, 0x34}};
    std::vector<std::uint8_t> file(data, data + size);
    if (size >= 4) {
        std::ranges::copy(kMagics[data[0] % kMagics.size()], file.begin());
    }
    synwhy::fuzz::read_to_the_end(file);
    return 0;
}
