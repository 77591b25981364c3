// Descriptors, memory and the window over them. Interrupted and short reads are handled here and nowhere else.
#include "capture/input.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "capture/reader.hpp"

namespace synwhy::capture {
namespace {

std::atomic<bool> interrupted_reads_end = false;

class Descriptor final : public ByteSource {
  public:
    Descriptor(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
    ~Descriptor() override { ::close(fd_); }

    std::expected<std::size_t, core::Error> read(std::span<std::uint8_t> into) override {
        for (;;) {
            const ssize_t got = ::read(fd_, into.data(), into.size());
            if (got >= 0) {
                bytes_read_ += static_cast<std::uint64_t>(got);
                return static_cast<std::size_t>(got);
            }
            if (errno == EINTR && interrupted_reads_end) {
                return 0;
            }
            if (errno != EINTR) {
                return std::unexpected(
                    core::Error{std::string("read: ") + std::strerror(errno), place(name_, bytes_read_), {}});
            }
        }
    }
    [[nodiscard]] std::uint64_t bytes_read() const override { return bytes_read_; }

  private:
    int fd_;
    std::string name_;
    std::uint64_t bytes_read_ = 0;
};

class Memory final : public ByteSource {
  public:
    explicit Memory(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    std::expected<std::size_t, core::Error> read(std::span<std::uint8_t> into) override {
        const std::size_t count = std::min(into.size(), bytes_.size() - at_);
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
        at_ += count;
        return count;
    }
    [[nodiscard]] std::uint64_t bytes_read() const override { return at_; }

  private:
    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
};

class HeadFirst final : public ByteSource {
  public:
    HeadFirst(std::span<const std::uint8_t> head, std::unique_ptr<ByteSource> rest)
        : head_(head.begin(), head.end()), rest_(std::move(rest)) {}

    std::expected<std::size_t, core::Error> read(std::span<std::uint8_t> into) override {
        if (at_ == head_.size()) {
            return rest_->read(into);
        }
        const std::size_t count = std::min(into.size(), head_.size() - at_);
        std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
        at_ += count;
        return count;
    }
    [[nodiscard]] std::uint64_t bytes_read() const override { return rest_->bytes_read(); }

  private:
    std::vector<std::uint8_t> head_;
    std::size_t at_ = 0;
    std::unique_ptr<ByteSource> rest_;
};

}  // namespace

void end_interrupted_reads(bool end) noexcept { interrupted_reads_end = end; }

std::unique_ptr<ByteSource> read_descriptor(int fd, std::string name) {
    return std::make_unique<Descriptor>(fd, std::move(name));
}

std::unique_ptr<ByteSource> read_memory(std::span<const std::uint8_t> bytes) { return std::make_unique<Memory>(bytes); }

std::unique_ptr<ByteSource> with_head(std::span<const std::uint8_t> head, std::unique_ptr<ByteSource> source) {
    return std::make_unique<HeadFirst>(head, std::move(source));
}

std::string place(const std::string& name, std::uint64_t offset) { return name + ": offset " + std::to_string(offset); }

Window::Window(std::unique_ptr<ByteSource> source)
    : source_(std::move(source)),
      buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(kReadBytes)),
      capacity_(kReadBytes),
      begin_(buffer_.get()),
      end_(buffer_.get()) {}

bool Window::refill(std::size_t count) {
    const std::size_t kept = size();
    std::memmove(buffer_.get(), begin_, kept);
    begin_ = buffer_.get();
    end_ = begin_ + kept;
    while (size() < count) {
        if (size() == capacity_) {
            grow();
        }
        if (!read_more()) {
            return false;
        }
    }
    return true;
}

/// Doubles, so that a length field alone cannot make a small file take much memory.
void Window::grow() {
    const std::size_t kept = size();
    auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(2 * capacity_);
    std::copy_n(begin_, kept, larger.get());
    buffer_ = std::move(larger);
    capacity_ *= 2;
    begin_ = buffer_.get();
    end_ = begin_ + kept;
}

bool Window::read_more() {
    if (ended_) {
        return false;
    }
    std::uint8_t* free = buffer_.get() + (end_ - buffer_.get());
    const auto got = source_->read({free, capacity_ - static_cast<std::size_t>(end_ - buffer_.get())});
    if (!got) {
        error_ = got.error();
    }
    if (!got || *got == 0) {
        ended_ = true;
        return false;
    }
    end_ += *got;
    read_so_far_ += *got;
    return true;
}

bool Window::discard(std::uint64_t count) {
    while (count > size()) {
        count -= size();
        begin_ = end_ = buffer_.get();
        if (!read_more()) {
            return false;
        }
    }
    consume(static_cast<std::size_t>(count));
    return true;
}

}  // namespace synwhy::capture
