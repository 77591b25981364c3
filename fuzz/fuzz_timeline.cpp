// Can several captures together do harm, merged one by one, in batches, or annotated?
//
// Input: cut into up to three files at 0xfe 0xed 0xfa 0xce; each becomes a file in memory.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "capture/annotate.hpp"
#include "read_to_the_end.hpp"

using namespace synwhy;

namespace {

constexpr std::size_t kMaxFiles = 3;
constexpr std::array<std::uint8_t, 4> kCut = {0xfe, 0xed, 0xfa, 0xce};

class MemoryFile {
  public:
    explicit MemoryFile(std::span<const std::uint8_t> bytes) : fd_(memfd_create("fuzz", MFD_CLOEXEC)) {
        fuzz::require(fd_ >= 0 && write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    }
    MemoryFile(MemoryFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    MemoryFile& operator=(MemoryFile&&) = delete;
    ~MemoryFile() {
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

  private:
    int fd_;
};

std::uint64_t count_in_batches(const std::vector<std::string>& paths) {
    auto line = capture::TimeLine::open(paths);
    fuzz::require(line.has_value());
    std::array<capture::Packet, 7> batch;
    std::uint64_t count = 0;
    while (const auto filled = line->next(batch)) {
        for (std::size_t i = 0; i < filled; ++i) {
            core::decode(batch[i].link, batch[i].data, batch[i].wire_length);
        }
        count += filled;
    }
    return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::span<const std::uint8_t> rest(data, size);
    std::vector<MemoryFile> files;
    while (files.size() < kMaxFiles) {
        const auto cut = std::ranges::search(rest, kCut);
        files.emplace_back(std::span(rest.begin(), cut.begin()));
        if (cut.empty()) {
            break;
        }
        rest = {cut.end(), rest.end()};
    }
    std::vector<std::string> paths;
    for (const MemoryFile& file : files) {
        paths.push_back(file.path());
    }
    auto line = capture::TimeLine::open(paths);
    if (!line) {
        return 0;
    }
    std::uint64_t count = 0;
    while (const auto packet = line->next()) {
        fuzz::require(packet->file < files.size() && packet->data.size() <= packet->wire_length);
        ++count;
    }
    fuzz::require(count_in_batches(paths) == count);
    const auto counts = capture::annotate(paths, "/dev/null", {{{0, 0}, "first"}, {{1, 2}, ""}});
    fuzz::require(counts && counts->packets == count);
    return 0;
}
