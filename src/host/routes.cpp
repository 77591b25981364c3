// Which way would the SYN+ACK to a client take?
#include "host/routes.hpp"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "host/netlink.hpp"

namespace synwhy::host {

namespace {

constexpr std::size_t kMaxNeighbours = 262'144;

struct Question {
    core::Address client{};
    std::optional<core::Address> source{};
    std::string why{};
};

using NextHop = std::pair<int, core::Address>;
using Neighbours = std::map<NextHop, std::string>;

std::string name_of_state(std::uint16_t state) {
    constexpr std::array<std::pair<std::uint16_t, std::string_view>, 8> kStates{{{NUD_INCOMPLETE, "INCOMPLETE"},
                                                                                 {NUD_REACHABLE, "REACHABLE"},
                                                                                 {NUD_STALE, "STALE"},
                                                                                 {NUD_DELAY, "DELAY"},
                                                                                 {NUD_PROBE, "PROBE"},
                                                                                 {NUD_FAILED, "FAILED"},
                                                                                 {NUD_NOARP, "NOARP"},
                                                                                 {NUD_PERMANENT, "PERMANENT"}}};
    for (const auto& [bit, name] : kStates) {
        if ((state & bit) != 0) return std::string(name);
    }
    return {};
}

/// Only those that a path leads to are kept, however long the table is.
int read_neighbours(Netlink& netlink, const std::set<NextHop>& wanted, Neighbours& neighbours) {
    std::size_t seen = 0;
    return netlink.ask({RTM_GETNEIGH, NLM_F_DUMP, ndmsg{}}, [&](std::uint16_t type, Bytes body) {
        if (type != RTM_NEWNEIGH || ++seen > kMaxNeighbours) return;
        const auto message = header_of<ndmsg>(body);
        each_attribute(body, sizeof message, [&](std::uint16_t attribute, Bytes value) {
            if (attribute != NDA_DST) return;
            const NextHop hop{message.ndm_ifindex, address_of(message.ndm_family, value)};
            if (wanted.contains(hop)) neighbours[hop] = name_of_state(message.ndm_state);
        });
    });
}

/// IPv4 answers a lookup that meets a special route with an error, IPv6 with a route of that type.
std::string error_of_errno(int error) {
    switch (error) {
        case EINVAL: return "blackhole route";
        case EHOSTUNREACH: return "unreachable route";
        case EACCES: return "prohibit route";
    }
    return text_of_errno(error);  // "Network is unreachable": there is no route
}
std::string error_of_type(std::uint8_t type) {
    switch (type) {
        case RTN_BLACKHOLE: return "blackhole route";
        case RTN_UNREACHABLE: return "unreachable route";
        case RTN_PROHIBIT: return "prohibit route";
        case RTN_THROW: return "throw route";
    }
    return {};
}

/// An IPv6 lookup that finds nothing answers with the table's null entry, an unreachable route that carries the error.
std::string error_of_route(const rtmsg& message, std::int32_t carried) {
    if (message.rtm_type == RTN_UNREACHABLE && carried != 0) return error_of_errno(-carried);
    return error_of_type(message.rtm_type);
}

struct Answer {
    core::ReturnPath path{};
    int interface = 0;
};

Answer ask(Netlink& netlink, const Question& question) {
    rtmsg header{};
    header.rtm_family = static_cast<std::uint8_t>(family_of(question.client));
    const auto bits = [](const core::Address& address) {
        return static_cast<std::uint8_t>(8 * bytes_of(address).size());
    };
    header.rtm_dst_len = bits(question.client);
    if (question.source) header.rtm_src_len = bits(*question.source);
    NetlinkRequest request(RTM_GETROUTE, 0, header);
    request.attribute(RTA_DST, bytes_of(question.client));
    if (question.source) request.attribute(RTA_SRC, bytes_of(*question.source));

    Answer answer;
    answer.path.client = question.client;
    answer.path.source = question.why;
    bool answered = false;
    const int error = netlink.ask(request, [&](std::uint16_t type, Bytes body) {
        if (type != RTM_NEWROUTE) return;
        answered = true;
        const auto message = header_of<rtmsg>(body);
        std::int32_t carried = 0;
        each_attribute(body, sizeof message, [&](std::uint16_t attribute, Bytes value) {
            if (attribute == RTA_OIF) answer.interface = number_of<std::int32_t>(value);
            if (attribute == RTA_GATEWAY) answer.path.gateway = address_of(message.rtm_family, value);
            if (attribute == RTA_VIA && value.size() > 2) {  // an IPv4 route through an IPv6 gateway
                answer.path.gateway = address_of(number_of<std::uint16_t>(value), value.subspan(2));
            }
            if (attribute == RTA_CACHEINFO) carried = header_of<rta_cacheinfo>(value).rta_error;
        });
        answer.path.error = error_of_route(message, carried);
    });
    if (error != 0) answer.path.error = error_of_errno(error);
    answer.path.routed = answered && answer.path.error.empty();
    return answer;
}

std::vector<Question> questions_of(const std::vector<core::Address>& named, const std::vector<HalfOpen>& half_open,
                                   core::HostState& state) {
    std::set<core::Address> own;
    for (const auto& interface : state.interfaces) own.insert(interface.addresses.begin(), interface.addresses.end());
    std::vector<Question> questions;
    for (const auto& client : named) questions.push_back({client, std::nullopt, "--from"});
    for (const auto& request : half_open) {
        // A foreign address (a transparent proxy) would make the lookup fail as a blackhole does.
        const bool is_own = own.contains(request.local.address);
        questions.push_back({request.client, is_own ? std::optional(request.local.address) : std::nullopt, "SYN_RECV"});
    }
    if (questions.size() > kMaxReturnPaths) {
        miss(state, fmt::format("return paths of {} clients", questions.size() - kMaxReturnPaths),
             fmt::format("only {} are asked", kMaxReturnPaths));
        questions.resize(kMaxReturnPaths);
    }
    return questions;
}

}  // namespace

void read_return_paths(const std::vector<core::Address>& named, const std::vector<HalfOpen>& half_open,
                       core::HostState& state) {
    const auto questions = questions_of(named, half_open, state);
    if (questions.empty()) return;
    auto netlink = Netlink::open(NETLINK_ROUTE);
    if (!netlink) return miss(state, "return paths", netlink.error().what);

    std::vector<Answer> answers;
    std::set<NextHop> hops;
    const auto hop_of = [](const Answer& answer) {
        return NextHop{answer.interface, answer.path.gateway.value_or(answer.path.client)};
    };
    for (const auto& question : questions) {
        answers.push_back(ask(*netlink, question));
        if (answers.back().path.routed) hops.insert(hop_of(answers.back()));
    }
    Neighbours neighbours;
    if (const int error = read_neighbours(*netlink, hops, neighbours); error != 0) {
        miss(state, "link addresses of the next hops", text_of_errno(error));
    }
    for (auto& answer : answers) {
        const auto interface = std::ranges::find(state.interfaces, answer.interface, &core::InterfaceState::index);
        if (interface != state.interfaces.end()) answer.path.interface = interface->name;
        if (const auto found = neighbours.find(hop_of(answer)); found != neighbours.end()) {
            answer.path.neighbour = found->second;
        }
        state.return_paths.push_back(std::move(answer.path));
    }
}

}  // namespace synwhy::host
