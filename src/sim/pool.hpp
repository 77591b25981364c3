// Where do things live that come and go? Numbered places that are used again, with a generation against mistakes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace synwhy::sim {

inline constexpr std::uint32_t kNone = 0xffffffffU;

template <typename T>
class Pool {
  public:
    /// A default-constructed T.
    std::uint32_t take() {
        ++used_;
        if (free_.empty()) {
            if (size_ == chunks_.size() * kChunk) chunks_.push_back(std::make_unique<T[]>(kChunk));
            return static_cast<std::uint32_t>(size_++);
        }
        const std::uint32_t number = free_.back();
        free_.pop_back();
        return number;
    }
    void give_back(std::uint32_t number) {
        T& item = (*this)[number];
        const std::uint32_t generation = item.generation + 1;
        item = T{};
        item.generation = generation;
        free_.push_back(number);
        --used_;
    }
    T& operator[](std::uint32_t number) { return chunks_[number / kChunk][number % kChunk]; }
    const T& operator[](std::uint32_t number) const { return chunks_[number / kChunk][number % kChunk]; }
    [[nodiscard]] std::size_t used() const { return used_; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t bytes() const { return chunks_.size() * kChunk * sizeof(T) + free_.capacity() * 4; }

  private:
    static constexpr std::size_t kChunk = 64;

    std::vector<std::unique_ptr<T[]>> chunks_{};  ///< grows without moving what is there
    std::size_t size_ = 0;
    std::vector<std::uint32_t> free_{};
    std::size_t used_ = 0;
};

}  // namespace synwhy::sim
