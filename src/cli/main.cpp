// synwhy: a SYN reached this Linux server and no SYN+ACK came back. Why?
//
// The process's frame: command line, dispatch, exit status. Everything else is in the command's own file.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <variant>

#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "cli/talk.hpp"

namespace {

using namespace synwhy;

struct Dispatch {
    const cli::CommonOptions& common;

    cli::ExitCode operator()(const cli::CheckCommand& options) const { return run_check(options, common); }
    cli::ExitCode operator()(const cli::PcapOptions& options) const { return run_pcap(options, common); }
    cli::ExitCode operator()(const cli::ExplainCommand& options) const { return run_explain(options, common); }
    cli::ExitCode operator()(const cli::PathCommand& options) const { return run_path(options); }
    cli::ExitCode operator()(const cli::LabCommand& options) const { return run_lab(options, common); }
    cli::ExitCode operator()(const cli::SimCommand& options) const { return run_sim(options, common); }
    cli::ExitCode operator()(const cli::SizeCommand& options) const { return run_size(options, common); }
    cli::ExitCode operator()(const cli::FixCommand& options) const { return run_fix(options, common); }
    cli::ExitCode operator()(const cli::EmulateCommand& options) const { return run_emulate(options, common); }
    cli::ExitCode operator()(const cli::ReplayCommand& options) const { return run_replay(options); }
};

cli::ExitCode run(int argc, char** argv) {
    const auto parsed = cli::parse_command_line(argc, argv);
    if (const auto* finished = std::get_if<cli::ExitCode>(&parsed)) return *finished;
    const auto& invocation = std::get<cli::Invocation>(parsed);
    const cli::ExitCode code = std::visit(Dispatch{invocation.common}, invocation.command);
    const bool forgiven = invocation.common.exit_zero && code == cli::ExitCode::cause_found;
    return forgiven ? cli::ExitCode::nothing_found : code;
}

/// A descriptor that the caller closed must not become the number of a file that is opened later: the report would be
/// written into it. What is opened here refuses writing, so a closed stdout is an error and not silence.
void keep_standard_descriptors() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(descriptor, F_GETFD) < 0) (void)::open("/dev/null", O_RDONLY);  // takes the lowest free number
    }
}

}  // namespace

int main(int argc, char** argv) {
    keep_standard_descriptors();
    std::signal(SIGPIPE, SIG_IGN);  // a closed stdout is seen as EPIPE by cli::print
    try {
        return static_cast<int>(run(argc, argv));
    } catch (const std::bad_alloc&) {
        cli::complain("out of memory; --max-handshakes N bounds what is remembered");
        return static_cast<int>(cli::ExitCode::could_not_look);
    } catch (const std::exception& error) {
        cli::complain(std::string("a bug in synwhy, please report it with the command line: ") + error.what());
        return static_cast<int>(cli::ExitCode::bug);
    }
}
