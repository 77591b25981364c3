// Where do things live that come and go? Numbered places that are used again, with a generation against mistakes.
#pragma once

#include <cstdint>
#include <deque>
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
            items_.emplace_back();
            return static_cast<std::uint32_t>(items_.size() - 1);
        }
        const std::uint32_t number = free_.back();
        free_.pop_back();
        return number;
    }
    void give_back(std::uint32_t number) {
        const std::uint32_t generation = items_[number].generation + 1;
        items_[number] = T{};
        items_[number].generation = generation;
        free_.push_back(number);
        --used_;
    }
    T& operator[](std::uint32_t number) { return items_[number]; }
    const T& operator[](std::uint32_t number) const { return items_[number]; }
    [[nodiscard]] std::size_t used() const { return used_; }
    [[nodiscard]] std::size_t size() const { return items_.size(); }
    [[nodiscard]] std::size_t bytes() const { return items_.size() * sizeof(T) + free_.capacity() * 4; }

  private:
    std::deque<T> items_{};  ///< grows without moving
    std::vector<std::uint32_t> free_{};
    std::size_t used_ = 0;
};

}  // namespace synwhy::sim
