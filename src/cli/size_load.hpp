// What load did the user describe for `synwhy size`?
//
// Options, a file with times or a capture become a question. Left out: answering it.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "cli/facts.hpp"
#include "cli/options.hpp"
#include "sim/scenario.hpp"
#include "size/client.hpp"
#include "size/listener.hpp"

namespace synwhy::cli {

/// "50ms", "exp:50ms", "20ms-80ms"; nullopt when it is none of these.
std::optional<sim::Distribution> parse_distribution(std::string_view text);

struct ListenerLoad {
    size::ListenerQuestion question{};
    std::vector<std::string> sources{};  ///< one clause each, for the report
};

std::expected<ListenerLoad, Refusal> listener_question(const SizeCommand& options, core::Kernel kernel);
std::expected<size::ClientQuestion, Refusal> client_question(const SizeCommand& options, core::Kernel kernel);

}  // namespace synwhy::cli
