// What does a client of a lab ask for?
//
// One request line that any HTTP server understands and that tells the lab's own one how many bytes come and go:
// "GET /300/3000/server HTTP/1.0", a field that fills up, an empty line. Left out: everything else of HTTP.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/scenario.hpp"

namespace synwhy::lab {

/// Larger ones are cut; the head of a request may not grow with a scenario's numbers.
inline constexpr std::uint64_t kMaxRequestBytes = 8192;
inline constexpr std::uint64_t kMaxResponseBytes = 16U << 20U;

struct Request {
    std::uint64_t request_bytes = 0;  ///< at least the line and its end
    std::uint64_t response_bytes = 0;
    sim::Closer closer = sim::Closer::server;
};

/// The whole request; longer than `request_bytes` when that is less than it needs.
std::string text_of(const Request& request);
/// From the first bytes of a request, which hold the whole line; nullopt when this is none of ours.
std::optional<Request> parse_request(std::string_view bytes);

}  // namespace synwhy::lab
