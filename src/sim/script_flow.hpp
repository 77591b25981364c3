// What does the client of a script know of its connections?
//
// Flows by name: addresses, options and sequence numbers, as far as segments of both sides told. Builds the segments
// that steps ask for and understands what the server sends. Private to the script files.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "sim/crafted.hpp"
#include "sim/script.hpp"

namespace synwhy::sim::detail {

struct Flow {
    std::string name{};
    core::Endpoint client{};
    core::Endpoint server{};
    std::uint32_t isn = 0;
    std::uint32_t snd_nxt = 0;
    std::uint32_t iss = 0;  ///< the server's, once a SYN+ACK was seen
    std::uint32_t rcv_nxt = 0;
    std::uint32_t ts_value = 1'000'000;
    std::uint32_t ts_echo = 0;  ///< the server's last TSval
    bool has_iss = false;
    bool timestamps = true;
    std::uint16_t mss = 1460;  ///< 0: no option
    int window_scale = 7;      ///< below 0: no option
    bool sack = true;
    std::uint64_t used = 0;  ///< when it was used last; the latest one of a 4-tuple owns its replies
    std::vector<std::uint8_t> last_packet{};
};

class Flows {
  public:
    /// The flow of this name, a new one with defaults if there is none. nullptr: too many.
    Flow* get(std::string_view name);
    /// nullptr: there is none.
    Flow* find(std::string_view name);
    /// Applies src, dst, sport, dport, isn, ts, mss, ws, sack, sndnxt, rcvnxt, and makes it the latest.
    void apply(const Step& step, Flow& flow);
    /// Copies everything but the name.
    void copy(const Flow& from, Flow& to);
    /// The packet of a segment step; moves snd_nxt.
    std::expected<std::vector<std::uint8_t>, std::string> write(const Step& step, Flow& flow);
    /// Understands a packet of the server, and lets the flow learn from it. nullopt: noise (neighbour discovery)
    std::optional<Reply> read(const Packet& packet);

  private:
    Flow* owner(const core::Segment& reply);
    void learn(const core::Segment& segment, Flow& flow) const;

    std::deque<Flow> flows_{};  // pointers stay valid
    std::uint64_t clock_ = 0;
    std::uint16_t next_ip_id_ = 1;
};

}  // namespace synwhy::sim::detail
