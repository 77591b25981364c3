// Which commands are there? One function each, in a file of the same name.
#pragma once

#include "cli/exit_code.hpp"
#include "cli/options.hpp"

namespace synwhy::cli {

/// Each prints its answer and its complaints; exceptions are bugs.
ExitCode run_check(const CheckCommand& options, const CommonOptions& common);
ExitCode run_pcap(const PcapOptions& options, const CommonOptions& common);
ExitCode run_explain(const ExplainCommand& options, const CommonOptions& common);
ExitCode run_path(const PathCommand& options);
ExitCode run_lab(const LabCommand& options, const CommonOptions& common);
ExitCode run_sim(const SimCommand& options, const CommonOptions& common);
ExitCode run_size(const SizeCommand& options, const CommonOptions& common);
ExitCode run_fix(const FixCommand& options, const CommonOptions& common);
ExitCode run_emulate(const EmulateCommand& options, const CommonOptions& common);
ExitCode run_replay(const ReplayCommand& options);

}  // namespace synwhy::cli
