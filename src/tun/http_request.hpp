// Where does an HTTP request end, and does its sender want to keep the connection?
//
// Just enough of RFC 9112 for real clients (curl, wrk, browsers) to get their answer: request line, header fields,
// a body of a given length, which is skipped. Bytes come in any pieces; what is kept is bounded.
// Left out: chunked bodies (answered 501), trailers, everything that a server of one resource does not ask.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace synwhy::tun {

/// Most bytes of one request's line and header fields; more is answered 431.
inline constexpr std::size_t kMaxHeadBytes = 16U * 1024U;

struct HttpRequest {
    std::uint16_t status = 200;  ///< what to answer: 200, 400, 431, 501, 505
    bool head = false;           ///< HEAD: the answer has no body
    bool keep_alive = false;     ///< another request may follow; never with an error
};

class HttpParser {
  public:
    /// Takes bytes from the front of `bytes` until a request is complete or none are left. After an error everything
    /// else is taken and ignored: what follows a broken request cannot be told apart.
    /// @return a complete request, or one that is answered with an error; nullopt when bytes ran out
    std::optional<HttpRequest> feed(std::span<const std::uint8_t>& bytes);

  private:
    enum class State : std::uint8_t { start, head, body, broken };

    bool end_of_line();
    void read_request_line();
    void read_field();
    void read_connection(std::string_view tokens);
    void read_length(std::string_view digits);
    void refuse(std::uint16_t status);
    HttpRequest finished();

    State state_ = State::start;
    bool line_seen_ = false;  ///< the request line
    bool length_seen_ = false;
    std::string line_{};           ///< the current line so far, without its end
    std::size_t head_bytes_ = 0;   ///< of this request
    std::uint64_t body_left_ = 0;  ///< to skip
    HttpRequest request_{};
};

}  // namespace synwhy::tun
