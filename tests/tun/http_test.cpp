// Where does a request end, and which byte stands where in the answers?
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tun/http_request.hpp"
#include "tun/response.hpp"

using namespace synwhy::tun;

namespace {

std::span<const std::uint8_t> bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// "200 keep", "200 close", "200 head close", ... of every request in a text that arrives in pieces of `step` bytes.
std::vector<std::string> requests_in(const std::string& text, std::size_t step) {
    HttpParser parser;
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < text.size(); at += step) {
        const std::string piece = text.substr(at, step);
        auto bytes = bytes_of(piece);
        while (const auto request = parser.feed(bytes)) {
            seen.push_back(std::to_string(request->status) + (request->head ? " head" : "") +
                           (request->keep_alive ? " keep" : " close"));
        }
        EXPECT_TRUE(bytes.empty());
    }
    return seen;
}

struct Story {
    const char* what;
    std::string text;
    std::vector<std::string> expected;
};

const std::vector<Story>& stories() {
    static const std::vector<Story> all{
        {"curl", "GET / HTTP/1.1\r\nHost: 10.0.0.1\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n", {"200 keep"}},
        {"HTTP/1.0 closes", "GET / HTTP/1.0\r\n\r\n", {"200 close"}},
        {"HTTP/1.0 that asks to stay", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", {"200 keep"}},
        {"close among other tokens", "GET / HTTP/1.1\r\nconnection: te , Close\r\n\r\n", {"200 close"}},
        {"HEAD", "HEAD /x HTTP/1.1\r\n\r\n", {"200 head keep"}},
        {"two in a row", "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n", {"200 keep", "200 keep"}},
        {"a body is skipped",
         "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /GET / HTTP/1.1\r\n\r\n",
         {"200 keep", "200 keep"}},
        {"an empty body", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", {"200 keep"}},
        {"lines that end in LF alone", "GET / HTTP/1.0\n\n", {"200 close"}},
        {"empty lines before a request", "\r\n\r\nGET / HTTP/1.0\r\n\r\n", {"200 close"}},
        {"unfinished", "GET / HTTP/1.1\r\nHost: x\r\n", {}},
        {"nothing after an error counts", "hello\r\nGET / HTTP/1.1\r\n\r\n", {"400 close"}},
        {"no version", "GET /\r\n\r\n", {"400 close"}},
        {"a blank in the target", "GET /a b HTTP/1.1\r\n\r\n", {"400 close"}},
        {"a blank before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", {"400 close"}},
        {"a folded line", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", {"400 close"}},
        {"two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", {"400 close"}},
        {"the same length twice", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", {"200 keep"}},
        {"a length that is none", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", {"400 close"}},
        {"a length beyond 64 bits", "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", {"400 close"}},
        {"chunks", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {"501 close"}},
        {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {"505 close"}},
        {"a head without end", "GET / HTTP/1.1\r\nA: " + std::string(kMaxHeadBytes, 'a'), {"431 close"}},
        {"many short fields",
         [] {
             std::string text = "GET / HTTP/1.1\r\n";
             while (text.size() <= kMaxHeadBytes) text += "A: b\r\n";
             return text + "\r\n";
         }(),
         {"431 close"}},
    };
    return all;
}

TEST(http_request, ends_where_it_ends_in_pieces_of_any_size) {
    for (const Story& story : stories()) {
        for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{100'000}}) {
            EXPECT_EQ(story.expected, requests_in(story.text, step)) << story.what << ", in pieces of " << step;
        }
    }
}

TEST(body, counts_its_lines) {
    std::string text;
    for (std::uint64_t i = 0; i < 48; ++i) text += body_byte(i);
    EXPECT_EQ("000000000000000\n000000000000001\n000000000000002\n", text);
    EXPECT_EQ('f', body_byte(16 * 15 + 14));
    EXPECT_EQ('1', body_byte(16 * 0x100000 + 9));
}

std::string read(const StreamPlan& plan, const Responses& responses, std::uint64_t offset, std::size_t count) {
    std::string text(count, '?');
    plan.fill(responses, offset, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    return text;
}

TEST(stream, any_piece_is_a_cut_of_the_whole) {
    const Responses responses(100);
    for (const std::optional<Answer> last : {std::optional<Answer>{}, std::optional(Answer::close),
                                             std::optional(Answer::head), std::optional(Answer::bad_request)}) {
        const StreamPlan plan{.kept = 3, .last = last};
        const auto length = static_cast<std::size_t>(plan.length(responses));
        const std::string whole = read(plan, responses, 0, length);
        EXPECT_EQ(std::string::npos, whole.find('?'));
        for (std::size_t offset = 0; offset < length; offset += 13) {
            for (const std::size_t count : {1U, 37U, 400U}) {
                const std::size_t there = std::min(count, length - offset);
                EXPECT_EQ(whole.substr(offset, there), read(plan, responses, offset, there)) << offset << "+" << count;
            }
        }
        EXPECT_EQ("??", read(plan, responses, length, 2)) << "past the end nothing is written";
    }
}

TEST(stream, heads_say_what_follows) {
    const Responses responses(64);
    const std::string kept = read({.kept = 1}, responses, 0, responses.length(Answer::keep_open));
    EXPECT_THAT(kept, testing::StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(kept, testing::HasSubstr("Content-Length: 64\r\n"));
    EXPECT_THAT(kept, testing::HasSubstr("Connection: keep-alive\r\n"));
    EXPECT_EQ(64U, kept.size() - kept.find("\r\n\r\n") - 4);
    const std::string head = read({.last = Answer::head}, responses, 0, responses.length(Answer::head));
    EXPECT_THAT(head, testing::HasSubstr("Content-Length: 64\r\n"));
    EXPECT_THAT(head, testing::EndsWith("\r\n\r\n"));
    const std::string error = read({.last = Answer::too_large}, responses, 0, responses.length(Answer::too_large));
    EXPECT_THAT(error, testing::HasSubstr("Content-Length: 36\r\n"));
    EXPECT_THAT(error, testing::EndsWith("\r\n\r\n431 Request Header Fields Too Large\n"));
    EXPECT_EQ("000000000000000\n", read({.last = Answer::bytes}, responses, 0, 16));
}

TEST(stream, positions_beyond_four_gigabytes) {
    const Responses responses(kMaxResponseBytes);
    const StreamPlan plan{.kept = 6};
    const std::uint64_t each = responses.length(Answer::keep_open);
    EXPECT_EQ(read(plan, responses, 0, 500), read(plan, responses, 5 * each, 500));
    EXPECT_EQ(read(plan, responses, each - 20, 40), read(plan, responses, 5 * each - 20, 40));
}

}  // namespace
