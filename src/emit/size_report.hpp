// What does `synwhy size` tell?
//
// Values in, text or JSON out; schema/size-listener.schema.json and size-client.schema.json describe the JSON. Left
// out: simulating.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "size/client.hpp"
#include "size/listener.hpp"

namespace synwhy::emit {

struct ListenerReport {
    size::ListenerQuestion question{};
    size::ListenerAnswer answer{};
    std::vector<std::string> sources{};              ///< where the load comes from, one clause each
    std::optional<std::uint64_t> somaxconn_now{};    ///< of this host, when the answer is for its kernel
    std::optional<std::uint64_t> syn_backlog_now{};  ///< the same, net.ipv4.tcp_max_syn_backlog
};

/// Something has to be changed, or no change would help.
bool wants_change(const ListenerReport& report);
std::string listener_text(const ListenerReport& report, std::size_t width, bool colour);
std::string listener_json(const ListenerReport& report);
std::string listener_verdict(const ListenerReport& report);

std::string client_text(const size::ClientQuestion& question, const size::ClientAnswer& answer, std::size_t width,
                        bool colour);
std::string client_json(const size::ClientQuestion& question, const size::ClientAnswer& answer);
std::string client_verdict(const size::ClientQuestion& question, const size::ClientAnswer& answer);

}  // namespace synwhy::emit
