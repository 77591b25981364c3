#include "cli/emulate_setup.hpp"
#include "cli/number.hpp"

#include <sys/random.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "cli/talk.hpp"
#include "core/address.hpp"
#include "host/sysctl_text.hpp"
#include "tun/sysctl.hpp"

namespace synwhy::cli {
namespace {

std::unexpected<Refusal> refuse(const std::string& what) {
    complain("emulate: " + what);
    return std::unexpected(ExitCode::usage);
}

core::Address any_address(core::Family family) {
    constexpr std::uint8_t kZeros[16]{};
    return family == core::Family::ipv4 ? core::Address::from_ipv4(kZeros) : core::Address::from_ipv6(kZeros);
}

// --------------------------------------------------------------------------------------------------------- addresses

/// "10.0.0.1/24"
std::optional<model::Interface> parse_prefix(std::string_view text, core::Family family) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto address = core::parse_address(text.substr(0, slash));
    const auto length = number_of<int>(text.substr(slash + 1));
    const int most = family == core::Family::ipv4 ? 32 : 128;
    if (!address || address->family != family || !length || *length < 1 || *length > most) return std::nullopt;
    return model::Interface{*address, *length};
}

/// One family's link; `here` empty: a neighbour of the emulated address.
std::expected<tun::Link, Refusal> link_of(const std::string& option, const std::string& prefix, const std::string& here,
                                          core::Family family) {
    const bool ipv4 = family == core::Family::ipv4;
    const auto emulated = parse_prefix(prefix, family);
    if (!emulated) {
        return refuse(option + ": '" + prefix + "' is no " + (ipv4 ? "IPv4" : "IPv6") + " address with prefix, like " +
                      (ipv4 ? "10.0.0.1/24" : "fd00::1/64"));
    }
    if (here.empty()) {
        const auto neighbour = tun::neighbour_of(*emulated);
        if (neighbour) return tun::Link{*emulated, *neighbour};
        return refuse(option + ": " + prefix + " has no address left for this machine; give one with --host-address" +
                      (ipv4 ? "" : "6"));
    }
    const auto address = core::parse_address(here);
    if (!address || address->family != family || *address == emulated->address) {
        return refuse("--host-address" + std::string(ipv4 ? "" : "6") + ": '" + here + "' is no " +
                      (ipv4 ? "IPv4" : "IPv6") + " address of this machine's side");
    }
    return tun::Link{*emulated, *address};
}

std::expected<std::vector<tun::Link>, Refusal> links_of(const EmulateCommand& options) {
    std::vector<tun::Link> links;
    const auto four = link_of("--address", options.address, options.host_address, core::Family::ipv4);
    if (!four) return std::unexpected(four.error());
    links.push_back(*four);
    if (options.address6.empty()) return links;
    const auto six = link_of("--address6", options.address6, options.host_address6, core::Family::ipv6);
    if (!six) return std::unexpected(six.error());
    links.push_back(*six);
    return links;
}

// --------------------------------------------------------------------------------------------------------- listeners

/// "80", "10.0.0.1:80", "[fd00::1]:80", "[::]:80".
std::optional<std::pair<std::optional<core::Address>, std::uint16_t>> parse_listen(std::string_view text) {
    const auto colon = text.rfind(':');
    const auto port = number_of<std::uint16_t>(colon == std::string_view::npos ? text : text.substr(colon + 1));
    if (!port || *port == 0) return std::nullopt;
    if (colon == std::string_view::npos) return std::pair(std::optional<core::Address>{}, *port);
    auto host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto address = core::parse_address(host);
    if (!address || (address->family == core::Family::ipv6) != bracketed) return std::nullopt;
    return std::pair(address, *port);
}

std::expected<void, Refusal> add_listeners(const EmulateCommand& options, EmulationSetup& setup) {
    model::ListenOptions listener;
    listener.backlog = options.backlog;
    listener.defer_accept_s = options.defer_accept_s;
    for (const std::string& text : options.listen) {
        const auto parsed = parse_listen(text);
        if (!parsed) return refuse("--listen: '" + text + "' is no PORT, ADDRESS:PORT or [ADDRESS]:PORT");
        const auto& [address, port] = *parsed;
        if (address) {
            listener.local = {*address, port};
            listener.v6_only = false;  // [::] takes IPv4 as well, as bindv6only=0 has it
            setup.emulation.listeners.push_back(listener);
            continue;
        }
        // A port alone is a socket per family, so that what the kernel does to IPv4 on [::] stays out.
        for (const tun::Link& link : setup.device.links) {
            const core::Family family = link.emulated.address.family;
            listener.local = {any_address(family), port};
            listener.v6_only = family == core::Family::ipv6;
            setup.emulation.listeners.push_back(listener);
        }
    }
    for (const model::ListenOptions& made : setup.emulation.listeners) {
        setup.listeners.push_back(core::to_string(made.local));
    }
    return {};
}

// ------------------------------------------------------------------------------------------------------ kernel,
// process

std::expected<model::ServerConfig, Refusal> server_of(const EmulateCommand& options, const tun::Clock& clock) {
    auto kernel = kernel_of(options.kernel);
    if (!kernel) return std::unexpected(kernel.error());
    model::ServerConfig server;
    server.kernel = *std::move(kernel);
    server.settings = model::Settings::defaults_of(server.kernel);
    for (const std::string& assignment : options.sysctls) {
        const auto parsed = host::parse_sysctl_assignment(assignment);
        if (!parsed) return refuse("--sysctl: " + core::to_string(parsed.error()));
        const auto modelled = tun::set_sysctl(server.settings, server.kernel, parsed->first, parsed->second);
        if (!modelled) return refuse("--sysctl: " + core::to_string(modelled.error()));
        if (!*modelled) complain("--sysctl: " + parsed->first + ": nothing in the model depends on it");
    }
    server.hz = options.hz;
    server.boot_ns = clock.boot_ns();
    server.max_sockets = kMaxConnections;
    server.secret = options.seed;
    if (server.secret == 0 && ::getrandom(&server.secret, sizeof server.secret, 0) < 0) {
        server.secret = static_cast<std::uint64_t>(clock.now_ns());
    }
    return server;
}

std::int64_t nanoseconds(double seconds) { return static_cast<std::int64_t>(std::llround(seconds * 1e9)); }

/// "5-10": seconds since the start.
std::optional<tun::Stall> parse_stall(std::string_view text, std::int64_t start_ns) {
    constexpr double kMost_s = 1e9;
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto from = number_of<double>(text.substr(0, dash));
    const auto to = number_of<double>(text.substr(dash + 1));
    if (!from || !to || !(*from >= 0) || !(*to > *from) || !(*to <= kMost_s)) return std::nullopt;
    return tun::Stall{start_ns + nanoseconds(*from), start_ns + nanoseconds(*to)};
}

std::expected<void, Refusal> add_application(const EmulateCommand& options, const tun::Clock& clock,
                                             tun::ApplicationOptions& application) {
    application.http = options.serve == "http";
    application.response_bytes = options.response_bytes;
    application.keep_alive = options.keep_alive;
    application.server_closes_first = options.close_first == "server";
    application.accepts_per_s = options.accept_rate;
    application.idle_ns = nanoseconds(options.idle_timeout_s);
    for (const std::string& text : options.stalls) {
        const auto stall = parse_stall(text, clock.now_ns());
        if (!stall) return refuse("--stall: '" + text + "' is no FROM-TO in seconds, like 5-10");
        application.stalls.push_back(*stall);
    }
    return {};
}

}  // namespace

std::expected<void, Refusal> set_up_emulation(const EmulateCommand& options, const tun::Clock& clock,
                                              EmulationSetup& setup) {
    auto server = server_of(options, clock);
    if (!server) return std::unexpected(server.error());
    setup.emulation.server = *std::move(server);
    if (!tun::is_device_name(options.tun)) {
        return refuse("--tun: '" + options.tun + "' is no device name (1 to 15 characters, no blank, '/', ':' or '%')");
    }
    setup.device.name = options.tun;
    auto links = links_of(options);
    if (!links) return std::unexpected(links.error());
    setup.device.links = *std::move(links);
    std::vector<model::Interface> interfaces;
    for (const tun::Link& link : setup.device.links) interfaces.push_back(link.emulated);
    setup.emulation.server.network = model::Network(std::move(interfaces));
    if (const auto added = add_listeners(options, setup); !added) return std::unexpected(added.error());
    if (const auto added = add_application(options, clock, setup.emulation.application); !added) {
        return std::unexpected(added.error());
    }
    return {};
}

}  // namespace synwhy::cli
