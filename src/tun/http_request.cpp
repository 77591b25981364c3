#include "tun/http_request.hpp"

#include <algorithm>
#include <charconv>

namespace synwhy::tun {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

/// RFC 9110 5.6.2
bool is_token(std::string_view text) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || kMarks.contains(c);
    });
}

std::string_view trimmed(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<HttpRequest> HttpParser::feed(std::span<const std::uint8_t>& bytes) {
    while (!bytes.empty()) {
        if (state_ == State::broken) {
            bytes = {};
            break;
        }
        if (state_ == State::body) {
            const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), body_left_));
            bytes = bytes.subspan(skipped);
            body_left_ -= skipped;
            if (body_left_ == 0) return finished();
            continue;
        }
        const char byte = static_cast<char>(bytes.front());
        bytes = bytes.subspan(1);
        if (++head_bytes_ > kMaxHeadBytes) {
            refuse(431);
            return request_;
        }
        if (byte != '\n') {
            line_.push_back(byte);
            continue;
        }
        if (line_.ends_with('\r')) line_.pop_back();  // a line may also end in LF alone (RFC 9112 2.2)
        const bool complete = end_of_line();
        line_.clear();
        if (state_ == State::broken) return request_;
        if (!complete) continue;
        if (body_left_ == 0) return finished();
        state_ = State::body;
    }
    return std::nullopt;
}

/// @return the head is complete
bool HttpParser::end_of_line() {
    if (!line_seen_) {
        // Empty lines before a request are ignored (RFC 9112 2.2); they still count for the limit.
        if (!line_.empty()) read_request_line();
        return false;
    }
    if (line_.empty()) return true;
    read_field();
    return false;
}

void HttpParser::read_request_line() {
    const std::string_view line = line_;
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return refuse(400);
    const auto method = line.substr(0, first);
    const auto target = line.substr(first + 1, last - first - 1);
    const auto version = line.substr(last + 1);
    const bool target_clean = !target.empty() && std::ranges::all_of(target, [](char c) {
        return static_cast<unsigned char>(c) > ' ' && c != '\x7f';
    });
    const bool version_clean = version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
                               version[6] == '.' && is_digit(version[7]);
    if (!is_token(method) || !target_clean || !version_clean) return refuse(400);
    if (version[5] != '1') return refuse(505);
    request_.head = method == "HEAD";
    request_.keep_alive = version[7] != '0';
    line_seen_ = true;
    state_ = State::head;
}

void HttpParser::read_field() {
    const std::string_view line = line_;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return refuse(400);
    const auto name = line.substr(0, colon);
    const auto value = trimmed(line.substr(colon + 1));
    if (same(name, "connection")) read_connection(value);
    if (same(name, "content-length")) read_length(value);
    if (same(name, "transfer-encoding")) refuse(501);
}

void HttpParser::read_connection(std::string_view tokens) {
    while (!tokens.empty()) {
        const auto comma = tokens.find(',');
        const auto token = trimmed(tokens.substr(0, comma));
        if (same(token, "close")) request_.keep_alive = false;
        if (same(token, "keep-alive")) request_.keep_alive = true;
        tokens = comma == std::string_view::npos ? std::string_view{} : tokens.substr(comma + 1);
    }
}

void HttpParser::read_length(std::string_view digits) {
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    const bool number = error == std::errc{} && end == digits.data() + digits.size();
    if (!number || (length_seen_ && length != body_left_)) return refuse(400);
    length_seen_ = true;
    body_left_ = length;
}

void HttpParser::refuse(std::uint16_t status) {
    state_ = State::broken;
    request_ = {.status = status};
    line_.clear();
    line_.shrink_to_fit();
}

HttpRequest HttpParser::finished() {
    const HttpRequest done = request_;
    *this = {};
    return done;
}

}  // namespace synwhy::tun
