// Which byte does the server send at position N of a connection?
//
// Nothing that was sent is stored for a retransmission: a connection's stream is some number of equal answers that
// keep it open, then at most one last answer, so that any byte follows from its position.
// Left out: answers of different lengths on one connection, other than the last.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace synwhy::tun {

/// Largest --response-bytes; the model lets 2^30 bytes wait for their acknowledgment.
inline constexpr std::uint64_t kMaxResponseBytes = 1'000'000'000;

enum class Answer : std::uint8_t {
    keep_open,        ///< 200, Connection: keep-alive
    close,            ///< 200, Connection: close
    head,             ///< the header of `close` alone
    bad_request,      ///< 400
    too_large,        ///< 431
    not_implemented,  ///< 501
    version,          ///< 505
    bytes,            ///< the body alone, no HTTP
};
inline constexpr std::size_t kAnswers = 8;

/// The body's byte at a position: lines of 15 hexadecimal digits that count from 0, so that a lost, repeated or
/// displaced piece shows.
char body_byte(std::uint64_t position);

/// All answers of a server whose resource has so many bytes.
class Responses {
  public:
    explicit Responses(std::uint64_t body_bytes);

    [[nodiscard]] std::uint64_t length(Answer answer) const;
    /// Bytes of `answer` from `offset` on; what lies past its end is left as it is.
    void fill(Answer answer, std::uint64_t offset, std::span<std::uint8_t> out) const;

  private:
    [[nodiscard]] bool has_body(Answer answer) const {
        return answer == Answer::keep_open || answer == Answer::close || answer == Answer::bytes;
    }

    std::uint64_t body_bytes_;
    std::array<std::string, kAnswers> heads_{};
};

/// What one connection sends.
struct StreamPlan {
    std::uint64_t kept = 0;        ///< answers that keep the connection open
    std::optional<Answer> last{};  ///< the one after them; nothing follows it

    [[nodiscard]] std::uint64_t length(const Responses& responses) const;
    void fill(const Responses& responses, std::uint64_t offset, std::span<std::uint8_t> out) const;
};

/// The answer to a status of HttpRequest; 200 is Answer::close.
Answer answer_of(std::uint16_t status);

}  // namespace synwhy::tun
