// What does the process tell its caller?
#pragma once

namespace synwhy::cli {

/// Exit statuses; scripts rely on the numbers.
enum class ExitCode : int {
    nothing_found = 0,
    cause_found = 1,
    usage = 2,           ///< the command line does not make sense
    could_not_look = 3,  ///< an input is missing, unreadable or broken, or the output could not be written
    bug = 70,            ///< EX_SOFTWARE of sysexits.h: synwhy itself is wrong
};

}  // namespace synwhy::cli
