// Who looks for what, and where do the results go?
//
// An examiner asks one question of the chart and adds at least one examination for every cause it is responsible for.
// The list of examiners is in doctor.cpp, in the order in which a person checks a host.
#pragma once

#include <utility>
#include <vector>

#include "core/cause.hpp"
#include "doctor/chart.hpp"
#include "doctor/examination.hpp"

namespace synwhy::doctor {

struct Result {
    core::Cause cause{};
    Examination examination{};
};

class Results {
  public:
    void add(core::Cause cause, Examination examination) { all_.push_back({cause, std::move(examination)}); }
    [[nodiscard]] const std::vector<Result>& all() const { return all_; }
    [[nodiscard]] bool found(core::Cause cause) const {
        for (const Result& result : all_) {
            if (result.cause == cause && result.examination.standing == Standing::found) return true;
        }
        return false;
    }

  private:
    std::vector<Result> all_;
};

void examine_load(const Chart& chart, Results& results);             ///< softnet, NIC, memory
void examine_filter(const Chart& chart, Results& results);           ///< nftables, iptables, conntrack
void examine_routes(const Chart& chart, Results& results);           ///< rp_filter, the SYN+ACK's way out
void examine_accept_queues(const Chart& chart, Results& results);    ///< also SO_REUSEPORT members
void examine_syn_queues(const Chart& chart, Results& results);       ///< also the last quarter
void examine_listeners(const Chart& chart, Results& results);        ///< none, minimum TTL, MD5, socket filters
void examine_memory_of_peers(const Chart& chart, Results& results);  ///< per-host PAWS, TIME_WAIT
void examine_ports(const Chart& chart, Results& results);            ///< this host as a client
/// Every cause nobody has spoken of: by the counters that only it moves, else what would show it.
void examine_rest(const Chart& chart, Results& results);

}  // namespace synwhy::doctor
