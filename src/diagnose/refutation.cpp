#include "diagnose/refutation.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace synwhy::diagnose {

using core::Cause;
using core::Rival;

namespace {

/// A queue that is full refuses everybody: an answer this close to a refusal speaks against it.
constexpr std::int64_t kSameMomentNs = 500'000'000;

const core::Address& client_of(const capture::Fold& fold, const Attempt& attempt) {
    return fold.handshakes()[attempt.handshake].tuple.client.address;
}

/// Answers to the refused addresses themselves, between their first and last refusal.
std::uint64_t answers_to_same_clients(const capture::Fold& fold, const HostView& view,
                                      const std::vector<std::size_t>& refused) {
    std::map<core::Address, std::pair<std::int64_t, std::int64_t>> spans;
    for (const std::size_t i : refused) {
        const Attempt& attempt = view.attempts[i];
        const auto [span, fresh] = spans.emplace(client_of(fold, attempt), std::pair{attempt.time_ns, attempt.time_ns});
        if (!fresh) span->second.second = std::max(span->second.second, attempt.time_ns);
    }
    return static_cast<std::uint64_t>(
        std::count_if(view.attempts.begin(), view.attempts.end(), [&](const Attempt& attempt) {
            if (!judged(attempt) || !attempt.answered()) return false;
            const auto span = spans.find(client_of(fold, attempt));
            return span != spans.end() && attempt.time_ns >= span->second.first &&
                   attempt.time_ns <= span->second.second;
        }));
}

/// Answers by the refusing listeners within half a second of a refusal.
std::uint64_t answers_at_same_moment(const HostView& view, const std::vector<std::size_t>& refused) {
    std::map<std::uint32_t, std::vector<std::int64_t>> moments;
    for (const std::size_t i : refused) moments[view.attempts[i].listener].push_back(view.attempts[i].time_ns);
    return static_cast<std::uint64_t>(
        std::count_if(view.attempts.begin(), view.attempts.end(), [&](const Attempt& attempt) {
            if (!judged(attempt) || !attempt.answered()) return false;
            const auto times = moments.find(attempt.listener);
            if (times == moments.end()) return false;
            const auto next =
                std::lower_bound(times->second.begin(), times->second.end(), attempt.time_ns - kSameMomentNs);
            return next != times->second.end() && *next <= attempt.time_ns + kSameMomentNs;
        }));
}

/// Answers on the refusing listeners to SYNs with as low a TTL as the refused ones.
std::uint64_t answers_with_lower_ttl(const capture::Fold& fold, const HostView& view,
                                     const std::vector<std::size_t>& refused) {
    const auto ttl_of = [&](const Attempt& attempt) {
        return fold.handshakes()[attempt.handshake].syns[attempt.copy].ttl;
    };
    std::map<std::uint32_t, unsigned> highest;
    for (const std::size_t i : refused) {
        unsigned& ttl = highest[view.attempts[i].listener];
        ttl = std::max<unsigned>(ttl, ttl_of(view.attempts[i]));
    }
    return static_cast<std::uint64_t>(
        std::count_if(view.attempts.begin(), view.attempts.end(), [&](const Attempt& attempt) {
            const auto limit = highest.find(attempt.listener);
            return judged(attempt) && attempt.answered() && limit != highest.end() && ttl_of(attempt) <= limit->second;
        }));
}

/// Refused SYNs that met no stamp ahead of them.
std::uint64_t refused_without_stamp(const HostView& view, const std::vector<std::size_t>& refused) {
    return static_cast<std::uint64_t>(std::count_if(refused.begin(), refused.end(), [&](std::size_t i) {
        return !view.attempts[i].stamp_exists && !view.attempts[i].blind_stamp;
    }));
}

Rival rival(Cause cause, std::uint64_t refuted_by, std::string why) { return {cause, refuted_by, std::move(why)}; }

}  // namespace

std::vector<Rival> weigh_rivals(const capture::Fold& fold, const HostView& view, const Premises& premises, Cause cause,
                                const std::vector<std::size_t>& refused) {
    std::vector<Rival> rivals;
    const std::uint64_t same_clients = answers_to_same_clients(fold, view, refused);
    const std::uint64_t same_moment = answers_at_same_moment(view, refused);
    const auto by_source = [&](Cause other) {
        rivals.push_back(rival(other, same_clients,
                               same_clients > 0
                                   ? fmt::format("{} SYNs of the same addresses were answered in between", same_clients)
                                   : "no SYN of these addresses was answered in between"));
    };
    const auto by_queue = [&](Cause other) {
        rivals.push_back(
            rival(other, same_moment,
                  same_moment > 0
                      ? fmt::format("{} SYNs to the same port were answered within 0.5 s of a refusal", same_moment)
                      : "nobody else was answered on the port at those moments"));
    };
    if (cause != Cause::accept_queue_full) by_queue(Cause::accept_queue_full);
    if (cause != Cause::syn_queue_full && cause != Cause::syn_backlog_quarter) {
        if (premises.cookies_seen || premises.syncookies.value_or(0) != 0) {
            rivals.push_back(rival(Cause::syn_queue_full, refused.size(),
                                   "SYN cookies are on: a full SYN queue would have been answered with one"));
        } else {
            by_queue(Cause::syn_queue_full);
        }
    }
    for (const Cause other : {Cause::netfilter_drop, Cause::no_route_back, Cause::rp_filter, Cause::socket_filter}) {
        if (cause != other) by_source(other);
    }
    if (cause != Cause::min_ttl) {
        const std::uint64_t lower = answers_with_lower_ttl(fold, view, refused);
        rivals.push_back(rival(Cause::min_ttl, lower,
                               lower > 0 ? fmt::format("{} SYNs with as low a TTL were answered", lower)
                                         : "no SYN with as low a TTL was answered"));
    }
    if (cause != Cause::per_host_paws) {
        const bool kernel_has_it =
            premises.any_kernel([](const core::Behaviours& b) { return b.host_paws != core::HostPaws::none; });
        const std::uint64_t without = refused_without_stamp(view, refused);
        if (!kernel_has_it) {
            rivals.push_back(
                rival(Cause::per_host_paws, refused.size(), "the kernel has no tcp_tw_recycle (removed in 4.12)"));
        } else if (premises.tw_recycle.has_value() && !*premises.tw_recycle) {
            rivals.push_back(rival(Cause::per_host_paws, refused.size(), "net.ipv4.tcp_tw_recycle is 0"));
        } else {
            rivals.push_back(rival(
                Cause::per_host_paws, without,
                without > 0 ? fmt::format("{} refused SYNs came from addresses whose connections the server had not "
                                          "closed first in the last minute",
                                          without)
                            : "the addresses had connections that the server closed first less than a minute before"));
        }
    }
    std::stable_sort(rivals.begin(), rivals.end(),
                     [](const Rival& a, const Rival& b) { return a.refuted_by > b.refuted_by; });
    return rivals;
}

}  // namespace synwhy::diagnose
