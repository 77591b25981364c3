// Can a broken journal make root change something else than what was written down?
//
// What parses names sysctls below net/ and vm/ only, prints, and reads again as the same; an error has its place.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fix/journal.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synwhy::fix;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto journal = parse_journal(text, "journal");
    if (!journal) {
        if (!journal.error().where.starts_with("journal:") || journal.error().what.empty()) std::abort();
        return 0;
    }
    if (journal->sysctls.size() > kMaxJournalSysctls) std::abort();
    for (const SysctlEntry& entry : journal->sysctls) {
        if (!entry.path.starts_with("net/") && !entry.path.starts_with("vm/")) std::abort();
        if (('/' + entry.path + '/').find("/../") != std::string::npos) std::abort();
    }
    const auto again = parse_journal(print_journal(*journal), "again");
    if (!again || !(*again == *journal)) std::abort();
    return 0;
}
