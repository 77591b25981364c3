// Which connection attempts came in, and what went back to each?
//
// Fed with packets as the kernel shows them at its tap, it pairs every incoming SYN with the SYN+ACK, RST or ICMP error
// that left for it. Pure: time and packets come in as arguments. Left out: connections this host opens itself, and
// replies without SYN or RST (a bare ACK): their attempts count as unanswered.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>

#include "core/packet.hpp"
#include "core/watched.hpp"

namespace synwhy::host {

inline constexpr std::size_t kMaxAttempts = 131'072;  ///< remembered in one watch, about 150 bytes each

class SynTable {
  public:
    /// @param packet from the IP header on
    /// @param outgoing it leaves this host
    void add(std::int64_t time_ns, std::span<const std::uint8_t> packet, std::uint32_t wire_length, int interface,
             bool outgoing);
    /// @param end_ns now, on the clock of add()
    /// @param name_of_interface its name by its index; may return an empty one
    [[nodiscard]] core::Watched watched(std::int64_t start_ns, std::int64_t end_ns,
                                        std::string (*name_of_interface)(int)) const;

  private:
    enum class Fate : std::uint8_t { none, answered, reset, icmp };
    struct Key {
        core::FourTuple tuple{};
        std::uint32_t isn = 0;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const noexcept;
    };
    struct Attempt {
        std::int64_t first_ns = 0;
        std::uint32_t syns = 0;
        int interface = 0;
        std::uint8_t ttl = 255;
        Fate fate = Fate::none;
        bool has_md5 = false;
        bool has_timestamps = false;
    };

    void add_syn(std::int64_t time_ns, const core::Segment& segment, int interface);
    void add_reply(const core::Segment& segment, Fate fate);

    std::unordered_map<Key, Attempt, KeyHash> attempts_;
    std::uint64_t syns_ = 0;
    std::uint64_t forgotten_ = 0;  ///< SYNs beyond kMaxAttempts
};

}  // namespace synwhy::host
