// Where does text go? stdout is data, stderr is talk.
//
// The only functions of the program that write to either. A reader of stdout that has gone away (EPIPE) is no error:
// the rest is dropped and the command ends as if it had been read. Any other write error (a full disk) is one.
#pragma once

#include <string>
#include <string_view>

#include "emit/style.hpp"

namespace synwhy::cli {

/// Writes data to stdout, unbuffered.
/// @return false when it could not be written for another reason than EPIPE; this was said on stderr, once
bool print(std::string_view data);

/// True once the reader of stdout has gone away.
bool stdout_closed();

/// One line on stderr, "synwhy: " before it, control characters made visible; a text that ends in a newline is
/// written as it stands.
void complain(std::string_view text);

/// Writes to stderr as it stands; errors are ignored.
void talk(std::string_view text);

/// Whether to colour what goes to `descriptor`.
bool use_colour(emit::ColourMode mode, int descriptor);

/// Columns of the terminal on `descriptor`, between 40 and 120; 80 when it is none.
std::size_t terminal_width(int descriptor);

/// Whether the locale (LC_ALL, LC_CTYPE, LANG) speaks UTF-8; true when none is set and stdout is no terminal.
bool locale_is_utf8();

}  // namespace synwhy::cli
