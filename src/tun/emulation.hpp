// What happens to a packet that reaches the emulated host?
//
// Bytes in, bytes out: decoding, the kernel model, the application, replies as packets, and a tally of what became of
// everything. Sans I/O, so that a test or a fuzzer drives it as the TUN device does.
// Left out: reassembly of fragments, ICMP (no echo, no errors), everything that is not TCP.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/error.hpp"
#include "core/packet.hpp"
#include "core/path.hpp"
#include "model/server.hpp"
#include "tun/application.hpp"

namespace synwhy::tun {

struct EmulationOptions {
    model::ServerConfig server;  // no braces: g++ 12 then warns of what is initialised
    std::vector<model::ListenOptions> listeners{};
    ApplicationOptions application{};
};

/// Packets to send, one after the other in one buffer.
struct PacketBatch {
    std::vector<std::uint8_t> bytes{};
    std::vector<std::size_t> ends{};

    void clear() {
        bytes.clear();
        ends.clear();
    }
    [[nodiscard]] std::size_t size() const { return ends.size(); }
    [[nodiscard]] std::span<const std::uint8_t> operator[](std::size_t i) const {
        const std::size_t start = i == 0 ? 0 : ends[i - 1];
        return std::span(bytes).subspan(start, ends[i] - start);
    }
};

/// How many segments of one kind met one fate at one place.
struct Tally {
    bool syn = false;  ///< SYN without ACK
    model::Fate fate = model::Fate::processed;
    const core::Row* row = nullptr;  ///< nullptr: nothing stood in the way
    std::uint64_t segments = 0;
};

struct EmulationCounts {
    std::uint64_t packets_in = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t packets_out = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t fragments = 0;    ///< not put together, ignored
    std::uint64_t not_tcp = 0;      ///< ICMP and everything else, ignored
    std::uint64_t lost_bodies = 0;  ///< payload sent of a connection that was no longer known; never, or a bug
};

class Emulation {
  public:
    /// An error when a listener cannot be made: another has its port and an address that includes its own.
    static std::expected<Emulation, core::Error> make(EmulationOptions options, std::int64_t now_ns);

    /// One received IP packet. Replies are appended to `out`.
    /// @return what became of the segment; nullopt when it was none
    std::optional<model::Outcome> receive(std::span<const std::uint8_t> packet, std::int64_t now_ns, PacketBatch& out);
    /// Timers and the application.
    void advance(std::int64_t now_ns, PacketBatch& out);
    /// When advance() is due; INT64_MAX when never.
    [[nodiscard]] std::int64_t next_deadline_ns() const;

    [[nodiscard]] model::Server& server() { return *server_; }
    [[nodiscard]] const model::Server& server() const { return *server_; }
    [[nodiscard]] Application& application() { return *application_; }
    [[nodiscard]] const Application& application() const { return *application_; }
    [[nodiscard]] const EmulationCounts& counts() const { return counts_; }
    /// What became of all segments, SYNs first, in path order; combinations that did not come up are left out.
    [[nodiscard]] std::vector<Tally> tallies() const;

  private:
    explicit Emulation(EmulationOptions options);

    void send(PacketBatch& out);
    std::uint64_t& tally_of(bool syn, model::Fate fate, const core::Row* row);

    std::unique_ptr<model::Server> server_;
    std::unique_ptr<Application> application_{};
    model::Outbox outbox_{};
    std::vector<std::uint8_t> payload_{};
    std::vector<std::uint64_t> tallies_;  ///< by (row, fate, syn)
    EmulationCounts counts_{};
};

}  // namespace synwhy::tun
