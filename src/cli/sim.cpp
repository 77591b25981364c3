// synwhy sim: what would happen?
//
// The order of work is run_sim(): find the scenario, apply the command line, run, write the capture and the report,
// answer. Packets of the run go straight into the capture file, so that memory does not grow with them.
#include <unistd.h>

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/file_sink.hpp"
#include "capture/pcapng_writer.hpp"
#include "cli/commands.hpp"
#include "cli/facts.hpp"
#include "cli/scenario_file.hpp"
#include "cli/talk.hpp"
#include "core/packet_build.hpp"
#include "emit/sim_html.hpp"
#include "emit/sim_json.hpp"
#include "emit/sim_text.hpp"
#include "emit/text.hpp"
#include "host/sysctl_text.hpp"
#include "sim/fields.hpp"
#include "sim/scenario.hpp"
#include "sim/shipped.hpp"
#include "sim/world.hpp"

namespace synwhy::cli {
namespace {

/// Writes segments as raw IP packets; only headers are kept, as tcpdump -s 128 would.
class CaptureFile {
  public:
    explicit CaptureFile(std::unique_ptr<capture::FileSink> sink) : sink_(std::move(sink)), writer_(*sink_) {}
    CaptureFile(const CaptureFile&) = delete;
    CaptureFile& operator=(const CaptureFile&) = delete;

    void begin(const sim::Scenario& scenario) {
        const std::string comment = "synwhy sim " + scenario.name + ", seed " + std::to_string(scenario.seed) + ": " +
                                    scenario.title + " (simulated, no real traffic)";
        writer_.section(std::span(&comment, 1));
        interface_ = writer_.interface({.name = "sim", .link = core::LinkType::raw, .snap_length = kSnapLength});
    }
    void add(std::int64_t time_ns, const core::Segment& segment) {
        bytes_.clear();
        core::append_packet(segment, {}, bytes_);
        capture::Packet packet;
        packet.time_ns = time_ns;
        packet.data = std::span(bytes_).first(std::min<std::size_t>(bytes_.size(), kSnapLength));
        packet.wire_length = static_cast<std::uint32_t>(bytes_.size());
        packet.link = core::LinkType::raw;
        writer_.packet(interface_, packet, {});
    }
    std::expected<void, core::Error> finish() { return writer_.finish(); }

  private:
    static constexpr std::uint32_t kSnapLength = 128;
    std::unique_ptr<capture::FileSink> sink_;
    capture::PcapngWriter writer_;
    std::uint32_t interface_ = 0;
    std::vector<std::uint8_t> bytes_{};
};

std::expected<void, Refusal> apply_options(const SimCommand& options, sim::Scenario& scenario) {
    if (options.seed) scenario.seed = *options.seed;
    if (!options.duration.empty()) {
        const auto duration = sim::parse_duration(options.duration);
        if (!duration || *duration <= 0 || *duration > sim::kMaxDuration_ns) {
            complain("--duration: '" + options.duration + "' is no duration up to 30 d, for example \"90 s\"");
            return std::unexpected(ExitCode::usage);
        }
        scenario.duration_ns = *duration;
    }
    if (!options.kernel.empty()) {
        if (const auto kernel = kernel_of(options.kernel); !kernel) return std::unexpected(kernel.error());
        for (sim::ServerPlan& server : scenario.servers) server.kernel = options.kernel;
    }
    for (const std::string& assignment : options.sysctls) {
        const auto parsed = host::parse_sysctl_assignment(assignment);
        if (!parsed) {
            complain("--sysctl: " + core::to_string(parsed.error()));
            return std::unexpected(ExitCode::usage);
        }
        for (sim::ServerPlan& server : scenario.servers) server.sysctls.push_back({parsed->first, parsed->second});
    }
    return {};
}

ExitCode list_scenarios() {
    std::string out;
    for (const sim::ShippedScenario& shipped_one : sim::shipped_scenarios()) {
        const auto scenario = sim::parse_scenario(shipped_one.text, std::string(shipped_one.name) + ".toml");
        if (!scenario) {
            complain(core::to_string(scenario.error()));
            return ExitCode::bug;
        }
        if (!scenario->script.empty()) continue;
        emit::append_wrapped(out, scenario->name + "\n  ", scenario->title, terminal_width(STDOUT_FILENO) - 2);
        for (const sim::VariantPlan& variant : scenario->variants) {
            out += "    " + scenario->name + '/' + variant.name + '\n';
        }
    }
    return print(out) ? ExitCode::nothing_found : ExitCode::could_not_look;
}

/// @return false after complaining
bool write_html(const std::string& path, const sim::Result& result) {
    auto file = capture::FileSink::open(path);
    const std::string text = emit::sim_html(result);
    std::expected<void, core::Error> written;
    if (file) {
        written = (*file)->write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    } else {
        written = std::unexpected(file.error());
    }
    if (!written) complain(core::to_string(written.error()));
    return written.has_value();
}

bool print_result(const sim::Result& result, const SimCommand& options, const CommonOptions& common) {
    if (options.json) return print(emit::sim_json(result));
    const bool stdout_taken = options.write == "-" || options.html == "-";
    const int descriptor = stdout_taken ? STDERR_FILENO : STDOUT_FILENO;
    const std::string text = emit::render_sim(result, {.width = terminal_width(descriptor),
                                                       .colour = use_colour(common.colour, descriptor),
                                                       .utf8 = locale_is_utf8(),
                                                       .verbose = options.verbose});
    if (!stdout_taken) return print(text);
    talk(text);
    return true;
}

}  // namespace

ExitCode run_sim(const SimCommand& options, const CommonOptions& common) {
    if (options.scenario == "list") return list_scenarios();
    auto scenario = find_scenario(options.scenario);
    if (!scenario) return scenario.error();
    if (const auto applied = apply_options(options, *scenario); !applied) return applied.error();
    if (!scenario->script.empty()) {
        complain(scenario->file_name + ": a script of single steps is not for sim");
        return ExitCode::usage;
    }
    std::optional<CaptureFile> packets;
    sim::PacketCallback on_packet;
    if (!options.write.empty()) {
        auto sink = capture::FileSink::open(options.write);
        if (!sink) {
            complain(core::to_string(sink.error()));
            return ExitCode::could_not_look;
        }
        packets.emplace(*std::move(sink));
        packets->begin(*scenario);
        on_packet = [&](std::int64_t time_ns, const core::Segment& segment, bool) { packets->add(time_ns, segment); };
    }
    const sim::Result result = sim::run(*scenario, on_packet);
    bool good = true;
    if (packets) {
        if (const auto written = packets->finish(); !written) {
            complain(core::to_string(written.error()));
            good = false;
        }
    }
    if (!options.html.empty()) good = write_html(options.html, result) && good;
    good = print_result(result, options, common) && good;
    if (!good) return ExitCode::could_not_look;
    return emit::anything_wrong(result) ? ExitCode::cause_found : ExitCode::nothing_found;
}

}  // namespace synwhy::cli
