// The request of a lab's client; see request.hpp.
#include "lab/request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace synwhy::lab {
namespace {

constexpr std::string_view kBegin = "GET /";
constexpr std::string_view kField = "Fill: ";
constexpr std::string_view kEnd = "\r\n";

std::string_view name_of(sim::Closer closer) { return closer == sim::Closer::client ? "client" : "server"; }

/// A number and the '/' behind it, taken from the front.
std::optional<std::uint64_t> take_number(std::string_view& text, std::uint64_t most) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number > most || end == text.data() + text.size() || *end != '/') return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    return number;
}

}  // namespace

std::string text_of(const Request& request) {
    const auto with_length = [&](std::uint64_t length) {
        return fmt::format("{}{}/{}/{} HTTP/1.0\r\n", kBegin, length, request.response_bytes, name_of(request.closer));
    };
    std::uint64_t length = std::min(request.request_bytes, kMaxRequestBytes);
    const std::size_t least = with_length(kMaxRequestBytes).size() + kField.size() + 2 * kEnd.size();
    length = std::max<std::uint64_t>(length, least);
    std::string text = with_length(length).append(kField);
    text.append(length - text.size() - 2 * kEnd.size(), 'x');
    return text.append(kEnd).append(kEnd);
}

std::optional<Request> parse_request(std::string_view bytes) {
    if (!bytes.starts_with(kBegin)) return std::nullopt;
    bytes.remove_prefix(kBegin.size());
    const auto request_bytes = take_number(bytes, kMaxRequestBytes);
    if (!request_bytes) return std::nullopt;
    const auto response_bytes = take_number(bytes, kMaxResponseBytes);
    if (!response_bytes) return std::nullopt;
    for (const sim::Closer closer : {sim::Closer::server, sim::Closer::client}) {
        if (bytes.starts_with(name_of(closer))) return Request{*request_bytes, *response_bytes, closer};
    }
    return std::nullopt;
}

}  // namespace synwhy::lab
