// Can the bytes of a capture make the whole way to a report fail, or the report contradict itself?
//
// Input: one byte chooses the host facts, one how the report is printed, the rest is a capture file. The fold is kept
// so small that it has to evict.
#include "diagnose/diagnose.hpp"
#include "report_checks.hpp"

using namespace synwhy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kMaxHandshakes = 64;
    constexpr std::uint64_t kPackets = 5000;  // compressed input may hold far more of the same
    if (size < 2) return 0;
    auto reader = capture::Reader::from_memory({data + 2, size - 2}, "fuzz");
    if (!reader) return 0;
    capture::Fold fold({.max_handshakes = kMaxHandshakes, .max_neighbours = 4});
    for (std::uint64_t i = 0; i < kPackets; ++i) {
        const auto packet = reader->next();
        if (!packet || !*packet) break;
        fold.add(**packet, core::decode((*packet)->link, (*packet)->data, (*packet)->wire_length));
    }
    fold.finish();
    fuzz::require(fold.handshakes().size() <= kMaxHandshakes && fold.arp().size() <= 4);
    core::Report report = diagnose::analyse(fold, fuzz::facts_of(data[0]));
    fuzz::check_sums(fold, report);
    for (const capture::Interface& interface : reader->facts().interfaces) {
        report.source.files.push_back(interface.name);  // a name from the file: any bytes
        report.source.formats.push_back(reader->facts().format);
    }
    fuzz::check_texts(report, data[1]);
    return 0;
}
