// Which entry owns this 4-tuple?
//
// Open addressing over 4-byte handles: the key stays in the entry, so a slot costs 4 bytes and a SYN that meets
// nothing costs one cache line. Linear probing, deletion by shifting back, at most 70 % full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace synwhy::model {

/// A 4-tuple whose two ends have been given numbers; 8 bytes.
struct FlowKey {
    std::uint32_t peer = 0;  ///< IPv4 address in host order, or a number for an IPv6 address
    std::uint16_t peer_port = 0;
    std::uint16_t local = 0;  ///< number of the local endpoint, which also tells the family

    friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

inline std::uint64_t mix64(std::uint64_t x) {
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
}

inline std::uint64_t hash_of(const FlowKey& key, std::uint64_t secret) {
    const std::uint64_t packed =
        static_cast<std::uint64_t>(key.peer) << 32U | static_cast<std::uint64_t>(key.peer_port) << 16U | key.local;
    return mix64(packed ^ secret);
}

/// Asks for the cache line at `place`. g++ takes a function that does nothing else for one without any effect and drops
/// its calls; the empty assembler statement says that there is one.
inline void fetch_ahead(const void* place) {
    __builtin_prefetch(place);
    asm volatile("" : : "r"(place));
}

/// Handles by key. `KeyOf` gives the key of a handle that is in the index; bits 24 to 29 of a handle are 0.
///
/// A slot keeps in these bits how far from its home it lies and a few bits of the hash. So a probe looks at hardly any
/// entry but the one it wants, and closing a hole at none: entries lie anywhere in memory, slots side by side.
template <class KeyOf>
class FlowIndex {
  public:
    static constexpr std::uint32_t kNone = 0xffffffffU;

    FlowIndex(std::uint64_t secret, KeyOf key_of) : secret_(secret), key_of_(key_of), slots_(kSmallest, kNone) {}

    [[nodiscard]] std::uint32_t find(const FlowKey& key) const {
        const std::uint64_t hash = hash_of(key, secret_);
        std::size_t i = hash & mask();
        for (std::size_t distance = 0;; ++distance, i = next(i)) {
            const std::uint32_t slot = slots_[i];
            if (slot == kNone) return kNone;
            if ((slot & ~kHandleBits) == tag(hash, distance) && key_of_(slot & kHandleBits) == key) {
                return slot & kHandleBits;
            }
        }
    }

    /// Fetches what find() will look at first. Changes nothing.
    void prefetch(const FlowKey& key) const { fetch_ahead(&slots_[hash_of(key, secret_) & mask()]); }

    /// @param handle not in the index, nor any other of its key
    void insert(std::uint32_t handle) {
        if ((size_ + 1) * 10 > slots_.size() * 7) grow();
        place(handle);
        ++size_;
    }

    void erase(std::uint32_t handle) {
        std::size_t hole = place_of(handle);
        if (slots_[hole] == kNone) return;
        for (std::size_t i = next(hole); slots_[i] != kNone; i = next(i)) {
            const std::size_t distance = distance_of(i);
            const std::size_t gap = (i - hole) & mask();
            if (distance < gap) continue;  // would move before its home
            slots_[hole] = (slots_[i] & ~kDistanceBits) | distance_bits(distance - gap);
            hole = i;
        }
        slots_[hole] = kNone;
        --size_;
    }

    /// The same key, another handle.
    void replace(std::uint32_t old_handle, std::uint32_t new_handle) {
        std::uint32_t& slot = slots_[place_of(old_handle)];
        slot = (slot & ~kHandleBits) | new_handle;
    }

    [[nodiscard]] std::size_t bytes() const { return slots_.capacity() * sizeof(std::uint32_t); }

  private:
    static constexpr std::size_t kSmallest = 64;
    static constexpr std::uint32_t kHandleBits = 0xc0ffffffU;
    static constexpr std::uint32_t kDistanceBits = 0x07000000U;
    static constexpr std::size_t kFar = 7;  ///< this far from home, or farther

    static std::uint32_t distance_bits(std::size_t distance) {
        return static_cast<std::uint32_t>(distance < kFar ? distance : kFar) << 24U;
    }
    static std::uint32_t tag(std::uint64_t hash, std::size_t distance) {
        return static_cast<std::uint32_t>(hash >> 61U) << 27U | distance_bits(distance);
    }

    [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
    [[nodiscard]] std::size_t next(std::size_t i) const { return (i + 1) & mask(); }
    [[nodiscard]] std::size_t home_of(std::uint32_t handle) const { return hash_of(key_of_(handle), secret_) & mask(); }

    /// How far from its home what is in this slot lies.
    [[nodiscard]] std::size_t distance_of(std::size_t i) const {
        const std::size_t noted = (slots_[i] & kDistanceBits) >> 24U;
        return noted < kFar ? noted : (i - home_of(slots_[i] & kHandleBits)) & mask();
    }

    /// The slot of a handle; an empty one when it is not in the index.
    [[nodiscard]] std::size_t place_of(std::uint32_t handle) const {
        std::size_t i = home_of(handle);
        while (slots_[i] != kNone && (slots_[i] & kHandleBits) != handle) i = next(i);
        return i;
    }

    void place(std::uint32_t handle) {
        const std::uint64_t hash = hash_of(key_of_(handle), secret_);
        std::size_t i = hash & mask();
        std::size_t distance = 0;
        for (; slots_[i] != kNone; i = next(i)) ++distance;
        slots_[i] = handle | tag(hash, distance);
    }

    void grow() {
        constexpr std::size_t kAhead = 16;  // keys fetched while others are placed
        std::vector<std::uint32_t> old(slots_.size() * 2, kNone);
        old.swap(slots_);
        for (std::size_t i = 0; i < old.size(); ++i) {
            const std::uint32_t later = i + kAhead < old.size() ? old[i + kAhead] : kNone;
            if (later != kNone) fetch_ahead(&key_of_(later & kHandleBits));
            if (old[i] != kNone) place(old[i] & kHandleBits);
        }
    }

    std::uint64_t secret_;
    KeyOf key_of_;
    std::vector<std::uint32_t> slots_;
    std::size_t size_ = 0;
};

/// Entries by number, freed numbers first. T has a member `bool alive`-like test given by the owner.
template <class T>
class Slab {
  public:
    std::uint32_t take() {
        ++used_;
        if (free_.empty()) {
            entries_.emplace_back();
            return static_cast<std::uint32_t>(entries_.size() - 1);
        }
        const std::uint32_t i = free_.back();
        free_.pop_back();
        entries_[i] = T{};
        return i;
    }
    void give_back(std::uint32_t i) {
        --used_;
        free_.push_back(i);
    }
    T& operator[](std::uint32_t i) { return entries_[i]; }
    const T& operator[](std::uint32_t i) const { return entries_[i]; }
    [[nodiscard]] std::size_t used() const { return used_; }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] std::size_t bytes() const {
        return entries_.capacity() * sizeof(T) + free_.capacity() * sizeof(std::uint32_t);
    }

  private:
    std::vector<T> entries_{};
    std::vector<std::uint32_t> free_{};
    std::size_t used_ = 0;
};

}  // namespace synwhy::model
