// Chance; see random.hpp.
#include "sim/random.hpp"

#include <algorithm>
#include <bit>

namespace synwhy::sim {
namespace {

__extension__ using Wide = unsigned __int128;

}  // namespace

std::uint64_t scaled(std::uint64_t bits, std::uint64_t bound) {
    return static_cast<std::uint64_t>(static_cast<Wide>(bits) * bound >> 64U);
}

/// The binary logarithm digit by digit: squaring doubles it, and each carry is one digit.
std::uint64_t minus_log(std::uint64_t bits) {
    constexpr std::uint64_t kLn2 = 0xb17217f8U;  // ln(2) * 2^32
    const std::uint64_t u = bits == UINT64_MAX ? bits : bits + 1;
    const auto zeros = static_cast<std::uint64_t>(std::countl_zero(u));
    std::uint64_t mantissa = u << zeros;  // 1 .. 2 with 63 bits behind the point
    std::uint64_t log2 = 0;               // of the mantissa, 32 bits behind the point
    for (int i = 0; i < 32; ++i) {
        const Wide square = static_cast<Wide>(mantissa) * mantissa >> 63U;
        const bool carry = square >> 64U != 0;
        mantissa = static_cast<std::uint64_t>(carry ? square >> 1U : square);
        log2 = log2 << 1U | (carry ? 1U : 0U);
    }
    const std::uint64_t minus_log2 = ((zeros + 1) << 32U) - log2;
    return static_cast<std::uint64_t>(static_cast<Wide>(minus_log2) * kLn2 >> 32U);
}

std::int64_t draw(const Distribution& d, std::uint64_t bits) {
    switch (d.kind) {
        case Distribution::Kind::constant: return d.low;
        case Distribution::Kind::uniform: {
            const auto width = static_cast<std::uint64_t>(d.high - d.low) + 1;
            return d.low + static_cast<std::int64_t>(scaled(bits, width));
        }
        case Distribution::Kind::exponential: break;
    }
    const Wide product = static_cast<Wide>(static_cast<std::uint64_t>(d.low)) * minus_log(bits) >> 32U;
    return static_cast<std::int64_t>(std::min<Wide>(product, static_cast<Wide>(kMaxDuration_ns) * 100));
}

std::int64_t Random::draw(const Distribution& distribution) {
    return distribution.kind == Distribution::Kind::constant ? distribution.low : sim::draw(distribution, next());
}

}  // namespace synwhy::sim
