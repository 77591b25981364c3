// synwhy size: how long must the queues be, how many ports does a client need?
#include <unistd.h>

#include <charconv>
#include <string>

#include "cli/commands.hpp"
#include "cli/facts.hpp"
#include "cli/size_load.hpp"
#include "cli/talk.hpp"
#include "emit/size_report.hpp"
#include "fix/sysctl_tree.hpp"

namespace synwhy::cli {
namespace {

/// Of this host; nullopt when it cannot be read.
std::optional<std::uint64_t> sysctl_now(const char* name) {
    const auto text = fix::SysctlTree("").read(fix::sysctl_path(name, ""));
    if (!text || !text->has_value()) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars((*text)->data(), (*text)->data() + (*text)->size(), value);
    return error == std::errc{} ? std::optional(value) : std::nullopt;
}

ExitCode verdict(bool printed, bool change) {
    if (!printed) return ExitCode::could_not_look;
    return change ? ExitCode::cause_found : ExitCode::nothing_found;
}

ExitCode run_client(const SizeCommand& options, const CommonOptions& common, core::Kernel kernel) {
    const auto question = client_question(options, std::move(kernel));
    if (!question) return question.error();
    const size::ClientAnswer answer = size::size_client(*question);
    const std::string text = options.json ? emit::client_json(*question, answer)
                                          : emit::client_text(*question, answer, terminal_width(STDOUT_FILENO),
                                                              use_colour(common.colour, STDOUT_FILENO));
    return verdict(print(text), !answer.enough);
}

ExitCode run_listener(const SizeCommand& options, const CommonOptions& common, core::Kernel kernel) {
    auto load = listener_question(options, std::move(kernel));
    if (!load) return load.error();
    emit::ListenerReport report{.question = std::move(load->question), .sources = std::move(load->sources)};
    if (options.kernel.empty()) {
        report.somaxconn_now = sysctl_now("net.core.somaxconn");
        report.syn_backlog_now = sysctl_now("net.ipv4.tcp_max_syn_backlog");
    }
    const bool show_progress = ::isatty(STDERR_FILENO) != 0;
    report.answer = size::size_listener(report.question, [&](std::size_t trials) {
        if (show_progress) talk("\r\x1b[Ksimulating, trial " + std::to_string(trials + 1));
    });
    if (show_progress) talk("\r\x1b[K");
    const std::string text = options.json ? emit::listener_json(report)
                                          : emit::listener_text(report, terminal_width(STDOUT_FILENO),
                                                                use_colour(common.colour, STDOUT_FILENO));
    return verdict(print(text), emit::wants_change(report));
}

}  // namespace

ExitCode run_size(const SizeCommand& options, const CommonOptions& common) {
    auto kernel = kernel_or_running(options.kernel);
    if (!kernel) return kernel.error();
    return options.client ? run_client(options, common, *std::move(kernel))
                          : run_listener(options, common, *std::move(kernel));
}

}  // namespace synwhy::cli
