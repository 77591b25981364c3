#include "tun/response.hpp"

#include <algorithm>
#include <string_view>

namespace synwhy::tun {

namespace {

constexpr std::uint64_t kLineBytes = 16;

std::string head_of(std::string_view status, std::uint64_t body_bytes, bool keep_open) {
    std::string head = "HTTP/1.1 ";
    head += status;
    head += "\r\nServer: synwhy\r\nContent-Type: text/plain\r\nContent-Length: ";
    head += std::to_string(body_bytes);
    head += keep_open ? "\r\nConnection: keep-alive\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
    return head;
}

/// The body of an error is its status, so the whole answer is a head.
std::string error_of(std::string_view status) {
    return head_of(status, status.size() + 1, false) + std::string(status) + '\n';
}

}  // namespace

char body_byte(std::uint64_t position) {
    const std::uint64_t column = position % kLineBytes;
    if (column == kLineBytes - 1) return '\n';
    const std::uint64_t line = position / kLineBytes;
    return "0123456789abcdef"[(line >> (4 * (kLineBytes - 2 - column))) & 0xfU];
}

Responses::Responses(std::uint64_t body_bytes) : body_bytes_(std::min(body_bytes, kMaxResponseBytes)) {
    const auto head = [this](Answer answer) -> std::string& { return heads_[static_cast<std::size_t>(answer)]; };
    head(Answer::keep_open) = head_of("200 OK", body_bytes_, true);
    head(Answer::close) = head_of("200 OK", body_bytes_, false);
    head(Answer::head) = head(Answer::close);
    head(Answer::bad_request) = error_of("400 Bad Request");
    head(Answer::too_large) = error_of("431 Request Header Fields Too Large");
    head(Answer::not_implemented) = error_of("501 Not Implemented");
    head(Answer::version) = error_of("505 HTTP Version Not Supported");
}

std::uint64_t Responses::length(Answer answer) const {
    return heads_[static_cast<std::size_t>(answer)].size() + (has_body(answer) ? body_bytes_ : 0);
}

void Responses::fill(Answer answer, std::uint64_t offset, std::span<std::uint8_t> out) const {
    const std::string& head = heads_[static_cast<std::size_t>(answer)];
    if (offset < head.size()) {
        const auto from = static_cast<std::size_t>(offset);
        const std::size_t count = std::min(out.size(), head.size() - from);
        std::copy_n(head.begin() + static_cast<std::ptrdiff_t>(from), count, out.begin());
        out = out.subspan(count);
        offset += count;
    }
    if (out.empty() || !has_body(answer)) return;
    const std::uint64_t start = offset - head.size();
    const std::uint64_t count = std::min<std::uint64_t>(out.size(), start < body_bytes_ ? body_bytes_ - start : 0);
    for (std::uint64_t i = 0; i < count; ++i) {
        out[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(body_byte(start + i));
    }
}

std::uint64_t StreamPlan::length(const Responses& responses) const {
    return kept * responses.length(Answer::keep_open) + (last ? responses.length(*last) : 0);
}

void StreamPlan::fill(const Responses& responses, std::uint64_t offset, std::span<std::uint8_t> out) const {
    const std::uint64_t each = responses.length(Answer::keep_open);
    const std::uint64_t last_start = kept * each;
    while (!out.empty() && offset < last_start) {
        const std::uint64_t place = offset % each;
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), each - place));
        responses.fill(Answer::keep_open, place, out.first(count));
        out = out.subspan(count);
        offset += count;
    }
    if (!out.empty() && last) responses.fill(*last, offset - last_start, out);
}

Answer answer_of(std::uint16_t status) {
    switch (status) {
        case 200: return Answer::close;
        case 431: return Answer::too_large;
        case 501: return Answer::not_implemented;
        case 505: return Answer::version;
        default: return Answer::bad_request;  // a number, no enumeration
    }
}

}  // namespace synwhy::tun
