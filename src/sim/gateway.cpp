// NAT; see gateway.hpp.
#include "sim/gateway.hpp"

namespace synwhy::sim {
namespace {

namespace flag = core::tcp_flag;

constexpr std::int64_t kIdle_ns = 432'000LL * 1'000'000'000;  ///< nf_conntrack_tcp_timeout_established

bool closes(const core::Segment& s) { return (s.flags & (flag::fin | flag::rst)) != 0; }

}  // namespace

bool Gateway::free_at(std::uint16_t port, std::uint32_t remote, std::int64_t now_ns) const {
    const auto taken = outside_.find(outside_key(port, remote));
    if (taken == outside_.end()) return true;
    return now_ns - taken->second.last_ns >= (taken->second.closed ? plan_.reuse_after_ns : kIdle_ns);
}

std::optional<std::uint16_t> Gateway::choose(std::uint16_t wanted, std::uint32_t remote, std::int64_t now_ns) {
    const std::uint32_t range = plan_.port_high - plan_.port_low + 1U;
    std::uint32_t start = next_ - plan_.port_low;
    switch (plan_.ports) {
        case GatewayPlan::Ports::sequential: break;
        case GatewayPlan::Ports::random: start = static_cast<std::uint32_t>(random_.below(range)); break;
        case GatewayPlan::Ports::preserving:
            if (wanted >= plan_.port_low && wanted <= plan_.port_high) start = wanted - plan_.port_low;
            break;
    }
    for (std::uint32_t i = 0; i < range; ++i) {
        const auto port = static_cast<std::uint16_t>(plan_.port_low + (start + i) % range);
        if (!free_at(port, remote, now_ns)) continue;
        next_ = plan_.port_low + (port - plan_.port_low + 1U) % range;
        return port;
    }
    return std::nullopt;
}

bool Gateway::outward(std::uint32_t host, std::uint32_t remote, core::Segment& segment, std::int64_t now_ns) {
    const std::uint64_t key = inside_key(host, segment.source.port, remote);
    const auto known = inside_.find(key);
    std::uint16_t port = known == inside_.end() ? std::uint16_t{0} : known->second;
    if (known == inside_.end()) {
        const auto chosen = choose(segment.source.port, remote, now_ns);
        if (!chosen) {
            ++exhausted_;
            return false;
        }
        port = *chosen;
        const auto old = outside_.find(outside_key(port, remote));
        if (old != outside_.end()) inside_.erase(old->second.inside_key);
        outside_[outside_key(port, remote)] = {key, now_ns, host, segment.source.port, false};
        inside_[key] = port;
    }
    Mapping& mapping = outside_[outside_key(port, remote)];
    mapping.last_ns = now_ns;
    if (segment.is_syn()) mapping.closed = false;
    if (closes(segment)) mapping.closed = true;
    segment.source = {plan_.address, port};
    return true;
}

std::optional<Gateway::Inside> Gateway::inward(std::uint32_t remote, const core::Segment& segment,
                                               std::int64_t now_ns) {
    const auto found = outside_.find(outside_key(segment.destination.port, remote));
    if (found == outside_.end()) return std::nullopt;
    Mapping& mapping = found->second;
    mapping.last_ns = now_ns;
    if (closes(segment)) mapping.closed = true;
    return Inside{mapping.host, mapping.inside_port};
}

}  // namespace synwhy::sim
