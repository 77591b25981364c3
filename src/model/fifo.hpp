// What comes out in the order in which it went in?
//
// A queue in one block of memory, for queues that are walked millions of times: std::deque wants 600 bytes before it
// holds anything and one allocation per few entries. What was taken is cut off once it is half of the block.
#pragma once

#include <cstddef>
#include <vector>

namespace synwhy::model {

template <class T>
class Fifo {
  public:
    void push_back(const T& item) { items_.push_back(item); }
    [[nodiscard]] bool empty() const { return head_ == items_.size(); }
    [[nodiscard]] std::size_t size() const { return items_.size() - head_; }
    [[nodiscard]] const T& front() const { return items_[head_]; }
    [[nodiscard]] const T& back() const { return items_.back(); }
    void pop_front() {
        ++head_;
        if (empty()) {
            items_.clear();
            head_ = 0;
        } else if (head_ >= kSmallest && head_ * 2 >= items_.size()) {
            items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
            head_ = 0;
        }
    }
    [[nodiscard]] std::size_t bytes() const { return items_.capacity() * sizeof(T); }

  private:
    static constexpr std::size_t kSmallest = 64;

    std::vector<T> items_{};
    std::size_t head_ = 0;  ///< how many of items_ were taken
};

}  // namespace synwhy::model
