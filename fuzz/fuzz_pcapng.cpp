// Can a pcapng file do harm? The input follows a section header and an interface, in the byte order its first byte
// picks.
#include <array>
#include <vector>

#include "read_to_the_end.hpp"

namespace {

constexpr std::array<std::uint8_t, 28> kLittle = {0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0,    0,    0x4d, 0x3c,
                                                  0x2b, 0x1a, 1,    0,    0,  0, 0xff, 0xff, 0xff, 0xff,
                                                  0xff, 0xff, 0xff, 0xff, 28, 0, 0,    0};
constexpr std::array<std::uint8_t, 28> kBig = {0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0,    28,   0x1a, 0x2b,
                                               0x3c, 0x4d, 0,    1,    0, 0, 0xff, 0xff, 0xff, 0xff,
                                               0xff, 0xff, 0xff, 0xff, 0, 0, 0,    28};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const auto& section = (data[0] & 1U) != 0 ? kBig : kLittle;
    std::vector<std::uint8_t> file;
    if ((data[0] & 2U) == 0) {
        file.assign(section.begin(), section.end());
    }
    file.insert(file.end(), data + 1, data + size);
    synwhy::fuzz::read_to_the_end(file);
    return 0;
}
